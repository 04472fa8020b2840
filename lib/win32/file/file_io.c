/* SPDX-License-Identifier: MIT */
/* file_io.c: reading, writing, positions and sizes of open files. */
#include "win32/file/file.h"

#include "barrow/winbase.h"
#include "win32/host/host_file.h"
#include "win32/virtual/virtual.h"

#include <errno.h>

/* Where a transfer is made. OVERLAPPED's offset may also be -1, for the end, when writing, and -2 for
 * the position; other negative ones are wrong. */
static DWORD transfer_offset(const struct file *file, const OVERLAPPED *overlapped, bool write,
                             int64_t *offset)
{
    *offset = HOST_AT_POSITION;
    if (overlapped == NULL)
        return file->overlapped ? ERROR_INVALID_PARAMETER : 0;
    int64_t at = (int64_t)((uint64_t)overlapped->OffsetHigh << 32 | overlapped->Offset);
    if (at == -2)
        return 0;
    if (at == -1 && write)
        at = HOST_AT_END;
    else if (at < 0)
        return ERROR_INVALID_PARAMETER;
    *offset = at;
    return 0;
}

/* The position of a synchronous handle is behind what was transferred last, wherever that was. */
static void move_behind(const struct file *file, int64_t offset, size_t done)
{
    if (offset >= 0 && done > 0 && !file->overlapped)
        host_file_seek(file->fd, (uint64_t)offset + done);
}

static BOOL finish(struct file *file, DWORD error, size_t done, LPDWORD transferred,
                   LPOVERLAPPED overlapped)
{
    object_release(&file->object);
    if (transferred != NULL)
        *transferred = (DWORD)done;
    if (overlapped != NULL) {
        overlapped->Internal = (ULONG_PTR)error;
        overlapped->InternalHigh = done;
    }
    return error != 0 ? fail(error) : TRUE;
}

static DWORD transfer_error(int error)
{
    return error != 0 ? win32_error(error) : 0;
}

BOOL ReadFile(HANDLE handle, LPVOID buffer, DWORD bytes, LPDWORD transferred,
              LPOVERLAPPED overlapped)
{
    size_t done = 0;
    int64_t offset;
    if (transferred == NULL && overlapped == NULL)
        return fail(ERROR_INVALID_PARAMETER);
    if (transferred != NULL)
        *transferred = 0;
    struct file *file = file_of(handle, FILE_READ_DATA);
    if (file == NULL)
        return FALSE;
    DWORD error = transfer_offset(file, overlapped, false, &offset);
    if (error == 0) {
        watch_buffer(buffer, bytes);
        error = transfer_error(host_file_read(file->fd, buffer, bytes, offset, &done));
        move_behind(file, offset, done);
    }
    if (!finish(file, error, done, transferred, overlapped))
        return FALSE;
    return overlapped != NULL && done == 0 && bytes != 0 ? fail(ERROR_HANDLE_EOF) : TRUE;
}

BOOL WriteFile(HANDLE handle, LPCVOID buffer, DWORD bytes, LPDWORD transferred,
               LPOVERLAPPED overlapped)
{
    size_t done = 0;
    int64_t offset;
    bool append;
    if (transferred == NULL && overlapped == NULL)
        return fail(ERROR_INVALID_PARAMETER);
    if (transferred != NULL)
        *transferred = 0;
    struct file *file = file_for_writing(handle, &append);
    if (file == NULL)
        return FALSE;
    DWORD error = transfer_offset(file, overlapped, true, &offset);
    if (error == 0) {
        offset = append ? HOST_AT_END : offset;
        error = transfer_error(host_file_write(file->fd, buffer, bytes, offset, &done));
        move_behind(file, offset, done);
    }
    return finish(file, error, done, transferred, overlapped);
}

BOOL FlushFileBuffers(HANDLE handle)
{
    bool append;
    struct file *file = file_for_writing(handle, &append);
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

/* Moves the position; most is the largest that the caller can be told. */
static DWORD move_position(int fd, int64_t distance, DWORD method, uint64_t most, uint64_t *at)
{
    if (method > FILE_END)
        return ERROR_INVALID_PARAMETER;
    int error = host_file_position(fd, distance, method, at);
    if (error != 0)
        return error == ERANGE ? ERROR_NEGATIVE_SEEK : ERROR_INVALID_PARAMETER;
    return *at <= most && host_file_seek(fd, *at) == 0 ? 0 : ERROR_INVALID_PARAMETER;
}

static BOOL set_position(HANDLE handle, int64_t distance, DWORD method, uint64_t most, uint64_t *at)
{
    struct file *file = file_of(handle, 0);
    if (file == NULL)
        return FALSE;
    DWORD error = move_position(file->fd, distance, method, most, at);
    object_release(&file->object);
    return error != 0 ? fail(error) : TRUE;
}

BOOL SetFilePointerEx(HANDLE handle, LARGE_INTEGER distance, PLARGE_INTEGER position, DWORD method)
{
    uint64_t at;
    if (!set_position(handle, distance.QuadPart, method, INT64_MAX, &at))
        return FALSE;
    if (position != NULL)
        position->QuadPart = (LONGLONG)at;
    return TRUE;
}

DWORD SetFilePointer(HANDLE handle, LONG low, PLONG high, DWORD method)
{
    LARGE_INTEGER distance;
    uint64_t at;
    distance.QuadPart = low;
    if (high != NULL) {
        distance.LowPart = (DWORD)low;
        distance.HighPart = *high;
    }
    if (!set_position(handle, distance.QuadPart, method, high != NULL ? INT64_MAX : UINT32_MAX,
                      &at))
        return INVALID_SET_FILE_POINTER;
    if (high != NULL)
        *high = (LONG)(at >> 32);
    if ((DWORD)at == INVALID_SET_FILE_POINTER)
        SetLastError(NO_ERROR);
    return (DWORD)at;
}

/* Cutting a file below a mapping would make the views fault; growing is harmless. Between the look
 * and the cut nobody maps the file: the lock of the size is held. */
static DWORD set_end(int fd, uint64_t at)
{
    struct host_file_info info;
    int error = host_file_info(fd, &info);
    if (error == 0 && at < info.size && host_mark_seen(fd, 1u << OS_MARK_MAPPED))
        return ERROR_USER_MAPPED_FILE;
    if (error == 0)
        error = at > info.size ? host_file_grow(fd, at) : host_file_resize(fd, at);
    if (error == EFBIG)
        return ERROR_DISK_FULL;
    return error != 0 ? win32_error(error) : 0;
}

static DWORD set_end_here(int fd)
{
    uint64_t at;
    int error = host_file_position(fd, 0, FILE_CURRENT, &at);
    if (error != 0)
        return win32_error(error);
    if (host_size_lock(fd, true) != 0)
        return ERROR_LOCK_VIOLATION;
    DWORD result = set_end(fd, at);
    host_size_unlock(fd);
    return result;
}

BOOL SetEndOfFile(HANDLE handle)
{
    struct file *file = file_of(handle, FILE_WRITE_DATA);
    if (file == NULL)
        return FALSE;
    DWORD error = set_end_here(file->fd);
    object_release(&file->object);
    return error != 0 ? fail(error) : TRUE;
}
