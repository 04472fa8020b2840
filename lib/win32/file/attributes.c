/* SPDX-License-Identifier: MIT */
/* attributes.c: what can be asked about files and folders, and making and removing folders. */
#include "win32/file/path.h"

#include "barrow/fileapi.h"
#include "win32/file/file.h"
#include "win32/host/host_attributes.h"

#include <errno.h>

static DWORD attribute_bits(const struct host_attributes *attributes)
{
    switch (attributes->kind) {
    case HOST_DIRECTORY:
        return FILE_ATTRIBUTE_DIRECTORY;
    case HOST_REGULAR:
        return FILE_ATTRIBUTE_ARCHIVE | (attributes->read_only ? FILE_ATTRIBUTE_READONLY : 0);
    default:
        return FILE_ATTRIBUTE_NORMAL;
    }
}

static FILETIME file_time(uint64_t ticks)
{
    return (FILETIME){ .dwLowDateTime = (DWORD)ticks, .dwHighDateTime = (DWORD)(ticks >> 32) };
}

/* The size of what has contents; folders have none on Windows. */
static uint64_t size_of(const struct host_attributes *attributes)
{
    return attributes->kind == HOST_REGULAR ? attributes->size : 0;
}

static DWORD look_at(DWORD error, const struct path *path, struct host_attributes *attributes)
{
    if (error != 0)
        return error;
    int number = host_attributes_at(path->text, attributes);
    return number != 0 ? file_path_error(path->text, number) : 0;
}

static DWORD attributes_or_failure(DWORD error, const struct path *path)
{
    struct host_attributes attributes;
    error = look_at(error, path, &attributes);
    if (error == 0)
        return attribute_bits(&attributes);
    SetLastError(error);
    return INVALID_FILE_ATTRIBUTES;
}

DWORD GetFileAttributesA(LPCSTR name)
{
    struct path path;
    return attributes_or_failure(path_from(name, &path), &path);
}

DWORD GetFileAttributesW(LPCWSTR name)
{
    struct path path;
    return attributes_or_failure(path_from_utf16(name, &path), &path);
}

static BOOL store_data(DWORD error, const struct path *path, GET_FILEEX_INFO_LEVELS level,
                       WIN32_FILE_ATTRIBUTE_DATA *data)
{
    struct host_attributes attributes;
    if (level != GetFileExInfoStandard)
        return fail(ERROR_INVALID_PARAMETER);
    error = look_at(error, path, &attributes);
    if (error == 0 && data == NULL)
        error = ERROR_NOACCESS;
    if (error != 0)
        return fail(error);
    data->dwFileAttributes = attribute_bits(&attributes);
    data->ftCreationTime = file_time(attributes.created);
    data->ftLastAccessTime = file_time(attributes.accessed);
    data->ftLastWriteTime = file_time(attributes.written);
    data->nFileSizeHigh = (DWORD)(size_of(&attributes) >> 32);
    data->nFileSizeLow = (DWORD)size_of(&attributes);
    return TRUE;
}

BOOL GetFileAttributesExA(LPCSTR name, GET_FILEEX_INFO_LEVELS level, LPVOID information)
{
    struct path path;
    return store_data(path_from(name, &path), &path, level, information);
}

BOOL GetFileAttributesExW(LPCWSTR name, GET_FILEEX_INFO_LEVELS level, LPVOID information)
{
    struct path path;
    return store_data(path_from_utf16(name, &path), &path, level, information);
}

/* A folder's mark of this kind means something else on Windows: it is ignored. */
static BOOL set_attributes(DWORD error, const struct path *path, DWORD wanted)
{
    struct host_attributes attributes;
    error = look_at(error, path, &attributes);
    if (error != 0)
        return fail(error);
    if (attributes.kind == HOST_DIRECTORY)
        return TRUE;
    int number = host_set_read_only(path->text, (wanted & FILE_ATTRIBUTE_READONLY) != 0);
    return number != 0 ? fail(win32_error(number)) : TRUE;
}

BOOL SetFileAttributesA(LPCSTR name, DWORD attributes)
{
    struct path path;
    return set_attributes(path_from(name, &path), &path, attributes);
}

BOOL SetFileAttributesW(LPCWSTR name, DWORD attributes)
{
    struct path path;
    return set_attributes(path_from_utf16(name, &path), &path, attributes);
}

static bool attributes_of(HANDLE handle, struct host_attributes *attributes)
{
    struct file *file = file_of(handle, 0);
    if (file == NULL)
        return false;
    int error = host_attributes_of(file->fd, attributes);
    object_release(&file->object);
    return error == 0 || fail(win32_error(error));
}

BOOL GetFileInformationByHandle(HANDLE file, LPBY_HANDLE_FILE_INFORMATION information)
{
    struct host_attributes attributes;
    if (!attributes_of(file, &attributes))
        return FALSE;
    if (information == NULL)
        return fail(ERROR_NOACCESS);
    information->dwFileAttributes = attribute_bits(&attributes);
    information->ftCreationTime = file_time(attributes.created);
    information->ftLastAccessTime = file_time(attributes.accessed);
    information->ftLastWriteTime = file_time(attributes.written);
    information->dwVolumeSerialNumber = (DWORD)(attributes.device >> 12 ^ attributes.device);
    information->nFileSizeHigh = (DWORD)(size_of(&attributes) >> 32);
    information->nFileSizeLow = (DWORD)size_of(&attributes);
    information->nNumberOfLinks = attributes.links;
    information->nFileIndexHigh = (DWORD)(attributes.inode >> 32);
    information->nFileIndexLow = (DWORD)attributes.inode;
    return TRUE;
}

DWORD GetFileType(HANDLE file)
{
    struct host_attributes attributes;
    if (!attributes_of(file, &attributes))
        return FILE_TYPE_UNKNOWN;
    switch (attributes.kind) {
    case HOST_CHARACTERS:
        return FILE_TYPE_CHAR;
    case HOST_PIPE:
        return FILE_TYPE_PIPE;
    default:
        return FILE_TYPE_DISK;
    }
}

BOOL GetFileTime(HANDLE file, LPFILETIME created, LPFILETIME accessed, LPFILETIME written)
{
    struct host_attributes attributes;
    if (!attributes_of(file, &attributes))
        return FALSE;
    if (created != NULL)
        *created = file_time(attributes.created);
    if (accessed != NULL)
        *accessed = file_time(attributes.accessed);
    if (written != NULL)
        *written = file_time(attributes.written);
    return TRUE;
}

static void store(PULARGE_INTEGER to, uint64_t bytes)
{
    if (to != NULL)
        to->QuadPart = bytes;
}

static BOOL space_at(DWORD error, const struct path *path, PULARGE_INTEGER available,
                     PULARGE_INTEGER total, PULARGE_INTEGER unused)
{
    struct host_space space;
    if (error != 0)
        return fail(error);
    int number = host_space_at(path->text, &space);
    if (number != 0)
        return fail(file_path_error(path->text, number));
    store(available, space.available);
    store(total, space.total);
    store(unused, space.unused);
    return TRUE;
}

BOOL GetDiskFreeSpaceExA(LPCSTR folder, PULARGE_INTEGER available, PULARGE_INTEGER total,
                         PULARGE_INTEGER unused)
{
    struct path path;
    DWORD error = path_from(folder != NULL ? folder : ".", &path);
    return space_at(error, &path, available, total, unused);
}

BOOL GetDiskFreeSpaceExW(LPCWSTR folder, PULARGE_INTEGER available, PULARGE_INTEGER total,
                         PULARGE_INTEGER unused)
{
    struct path path;
    DWORD error = folder != NULL ? path_from_utf16(folder, &path) : path_from(".", &path);
    return space_at(error, &path, available, total, unused);
}

static BOOL make_folder(DWORD error, const struct path *path)
{
    if (error != 0)
        return fail(error);
    int number = host_make_folder(path->text);
    if (number == 0)
        return TRUE;
    return fail(number == EEXIST   ? ERROR_ALREADY_EXISTS
                : number == ENOENT ? ERROR_PATH_NOT_FOUND
                                   : win32_error(number));
}

BOOL CreateDirectoryA(LPCSTR name, LPSECURITY_ATTRIBUTES attributes)
{
    struct path path;
    (void)attributes;
    return make_folder(path_from(name, &path), &path);
}

BOOL CreateDirectoryW(LPCWSTR name, LPSECURITY_ATTRIBUTES attributes)
{
    struct path path;
    (void)attributes;
    return make_folder(path_from_utf16(name, &path), &path);
}

static BOOL remove_folder(DWORD error, const struct path *path)
{
    if (error != 0)
        return fail(error);
    int number = host_remove_folder(path->text);
    if (number == 0)
        return TRUE;
    return fail(number == ENOTEMPTY || number == EEXIST ? ERROR_DIR_NOT_EMPTY
                : number == ENOTDIR                     ? ERROR_DIRECTORY
                                                        : file_path_error(path->text, number));
}

BOOL RemoveDirectoryA(LPCSTR name)
{
    struct path path;
    return remove_folder(path_from(name, &path), &path);
}

BOOL RemoveDirectoryW(LPCWSTR name)
{
    struct path path;
    return remove_folder(path_from_utf16(name, &path), &path);
}
