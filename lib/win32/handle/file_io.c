/* SPDX-License-Identifier: MIT */
/* file_io.c: reading, writing, positions and sizes of open files. */
#include "win32/handle/file.h"

#include "barrow/winbase.h"
#include "win32/host/host_file.h"

#include <errno.h>

static int64_t offset_of(const OVERLAPPED *overlapped)
{
    return overlapped != NULL
               ? (int64_t)((uint64_t)overlapped->OffsetHigh << 32 | overlapped->Offset)
               : -1;
}

static BOOL finish(struct file *file, int error, size_t done, LPDWORD transferred,
                   LPOVERLAPPED overlapped)
{
    object_release(&file->object);
    if (transferred != NULL)
        *transferred = (DWORD)done;
    if (overlapped != NULL) {
        overlapped->Internal = (ULONG_PTR)error;
        overlapped->InternalHigh = done;
    }
    return error != 0 ? fail(win32_error(error)) : TRUE;
}

BOOL ReadFile(HANDLE handle, LPVOID buffer, DWORD bytes, LPDWORD transferred,
              LPOVERLAPPED overlapped)
{
    size_t done;
    if (transferred == NULL && overlapped == NULL)
        return fail(ERROR_INVALID_PARAMETER);
    if (transferred != NULL)
        *transferred = 0;
    struct file *file = file_of(handle, FILE_READ_DATA);
    if (file == NULL)
        return FALSE;
    int error = host_file_read(file->fd, buffer, bytes, offset_of(overlapped), &done);
    if (!finish(file, error, done, transferred, overlapped))
        return FALSE;
    return overlapped != NULL && done == 0 && bytes != 0 ? fail(ERROR_HANDLE_EOF) : TRUE;
}

static struct file *writable_file(HANDLE handle)
{
    DWORD access;
    struct object *object = handle_object(handle, OBJECT_FILE, &access);
    if (object == NULL)
        return fail_null(ERROR_INVALID_HANDLE);
    if ((access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0)
        return (struct file *)object;
    object_release(object);
    return fail_null(ERROR_ACCESS_DENIED);
}

BOOL WriteFile(HANDLE handle, LPCVOID buffer, DWORD bytes, LPDWORD transferred,
               LPOVERLAPPED overlapped)
{
    size_t done = 0;
    uint64_t end;
    int error = 0;
    if (transferred == NULL && overlapped == NULL)
        return fail(ERROR_INVALID_PARAMETER);
    if (transferred != NULL)
        *transferred = 0;
    struct file *file = writable_file(handle);
    if (file == NULL)
        return FALSE;
    if (file->append)
        error = host_file_seek(file->fd, 0, FILE_END, &end);
    if (error == 0)
        error = host_file_write(file->fd, buffer, bytes, file->append ? -1 : offset_of(overlapped),
                                &done);
    return finish(file, error, done, transferred, overlapped);
}

BOOL FlushFileBuffers(HANDLE handle)
{
    struct file *file = writable_file(handle);
    if (file == NULL)
        return FALSE;
    int error = host_file_sync(file->fd);
    object_release(&file->object);
    return error != 0 ? fail(win32_error(error)) : TRUE;
}

BOOL GetFileSizeEx(HANDLE handle, PLARGE_INTEGER size)
{
    struct host_file_info info;
    struct file *file = file_of(handle, 0);
    if (file == NULL)
        return FALSE;
    int error = host_file_info(file->fd, &info);
    object_release(&file->object);
    if (error != 0)
        return fail(win32_error(error));
    if (size == NULL)
        return fail(ERROR_INVALID_PARAMETER);
    size->QuadPart = (LONGLONG)info.size;
    return TRUE;
}

DWORD GetFileSize(HANDLE handle, LPDWORD high)
{
    LARGE_INTEGER size;
    if (!GetFileSizeEx(handle, &size))
        return INVALID_FILE_SIZE;
    if (high != NULL)
        *high = (DWORD)size.HighPart;
    if (size.LowPart == INVALID_FILE_SIZE)
        SetLastError(NO_ERROR);
    return size.LowPart;
}

BOOL SetFilePointerEx(HANDLE handle, LARGE_INTEGER distance, PLARGE_INTEGER position, DWORD method)
{
    uint64_t at;
    struct file *file = file_of(handle, 0);
    if (file == NULL)
        return FALSE;
    int error =
        method <= FILE_END ? host_file_seek(file->fd, distance.QuadPart, method, &at) : ENOSYS;
    object_release(&file->object);
    if (error != 0) /* the one thing the kernel refuses on a file is a negative position */
        return fail(error == EINVAL ? ERROR_NEGATIVE_SEEK : ERROR_INVALID_PARAMETER);
    if (position != NULL)
        position->QuadPart = (LONGLONG)at;
    return TRUE;
}

DWORD SetFilePointer(HANDLE handle, LONG low, PLONG high, DWORD method)
{
    LARGE_INTEGER distance, position;
    distance.QuadPart = low;
    if (high != NULL) {
        distance.LowPart = (DWORD)low;
        distance.HighPart = *high;
    }
    if (!SetFilePointerEx(handle, distance, &position, method))
        return INVALID_SET_FILE_POINTER;
    if (high != NULL)
        *high = position.HighPart;
    if (position.LowPart == INVALID_SET_FILE_POINTER)
        SetLastError(NO_ERROR);
    return position.LowPart;
}

/* Cutting a file below a mapping would make the views fault; growing is harmless. */
static DWORD set_end(int fd)
{
    uint64_t at;
    struct host_file_info info;
    int error = host_file_seek(fd, 0, FILE_CURRENT, &at);
    if (error == 0)
        error = host_file_info(fd, &info);
    if (error != 0)
        return win32_error(error);
    if (at < info.size && host_mark_seen(fd, 1u << OS_MARK_MAPPED))
        return ERROR_USER_MAPPED_FILE;
    if (at > info.size && !host_file_has_room(fd, at - info.size))
        return ERROR_DISK_FULL;
    error = host_file_resize(fd, at);
    return error != 0 ? win32_error(error) : 0;
}

BOOL SetEndOfFile(HANDLE handle)
{
    struct file *file = file_of(handle, FILE_WRITE_DATA);
    if (file == NULL)
        return FALSE;
    DWORD error = set_end(file->fd);
    object_release(&file->object);
    return error != 0 ? fail(error) : TRUE;
}
