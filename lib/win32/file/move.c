/* SPDX-License-Identifier: MIT */
/* move.c: MoveFile and MoveFileEx: a rename where the system can do it, else a copy under another
 * name beside the target, which is then renamed, so that the target is whole whenever it is there. */
#include "win32/file/path.h"

#include "barrow/winbase.h"
#include "win32/file/file.h"
#include "win32/host/host_attributes.h"
#include "win32/host/host_file.h"
#include "win32/host/host_program.h"

#include <errno.h>
#include <stdio.h>

#define KNOWN_FLAGS                                                                                \
    (MOVEFILE_REPLACE_EXISTING | MOVEFILE_COPY_ALLOWED | MOVEFILE_DELAY_UNTIL_REBOOT |             \
     MOVEFILE_WRITE_THROUGH | MOVEFILE_CREATE_HARDLINK | MOVEFILE_FAIL_IF_NOT_TRACKABLE)
#define UNSUPPORTED_FLAGS (MOVEFILE_DELAY_UNTIL_REBOOT | MOVEFILE_CREATE_HARDLINK)

/* Whether a program that uses this library holds one of the marks on the file at a path. */
static bool has_mark(const char *path, unsigned marks)
{
    struct host_file_info info;
    int fd;
    if (host_file_info_of_link(path, &info) != 0 || !info.is_regular ||
        host_file_open_same(path, info.device, info.inode, HOST_ANY_OWNER, false, &fd) != 0)
        return false;
    bool seen = host_mark_seen(fd, marks);
    host_file_close(fd);
    return seen;
}

static DWORD check_source(const char *from, struct host_file_info *info)
{
    int error = host_file_info_of_link(from, info);
    if (error != 0)
        return file_path_error(from, error);
    return has_mark(from, 1u << OS_MARK_DENIES_DELETE) ? ERROR_SHARING_VIOLATION : 0;
}

/* Only a file may be replaced, and only one that nobody maps or keeps from being deleted. */
static DWORD check_target(const char *to, const struct host_file_info *source, bool replace)
{
    struct host_file_info info;
    if (host_file_info_of_link(to, &info) != 0)
        return 0;
    if (info.device == source->device && info.inode == source->inode)
        return 0;
    if (!replace)
        return ERROR_ALREADY_EXISTS;
    if (info.is_directory || source->is_directory)
        return ERROR_ACCESS_DENIED;
    return has_mark(to, 1u << OS_MARK_DENIES_DELETE | 1u << OS_MARK_MAPPED) ? ERROR_ACCESS_DENIED
                                                                            : 0;
}

static int copy_and_remove(const char *from, const char *to, bool replace)
{
    char copy[TEXT_ROOM + 32];
    snprintf(copy, sizeof(copy), "%s.%u.tmp", to, host_thread());
    int error = host_copy(from, copy);
    if (error != 0)
        return error;
    error = host_rename(copy, to, replace);
    if (error != 0) {
        host_file_remove(copy);
        return error;
    }
    return host_file_remove(from);
}

static DWORD move_error(int error)
{
    switch (error) {
    case EEXIST:
        return ERROR_ALREADY_EXISTS;
    case EXDEV:
        return ERROR_NOT_SAME_DEVICE;
    case ENOENT: /* the source was there a moment ago */
        return ERROR_PATH_NOT_FOUND;
    case ENOTEMPTY:
    case EISDIR:
        return ERROR_ACCESS_DENIED;
    default:
        return win32_error(error);
    }
}

/* A file that is renamed to its own name, or to another one that it has, stays. */
static bool is_same_file(const char *to, const struct host_file_info *source)
{
    struct host_file_info info;
    return host_file_info_of_link(to, &info) == 0 && info.device == source->device &&
           info.inode == source->inode;
}

static DWORD move(const char *from, const char *to, DWORD flags)
{
    struct host_file_info source;
    bool replace = (flags & MOVEFILE_REPLACE_EXISTING) != 0;
    DWORD denied = check_source(from, &source);
    if (denied == 0)
        denied = check_target(to, &source, replace);
    if (denied != 0)
        return denied;
    int error = host_rename(from, to, replace || is_same_file(to, &source));
    if (error == EXDEV && source.is_regular && (flags & MOVEFILE_COPY_ALLOWED) != 0)
        error = copy_and_remove(from, to, replace);
    if (error == 0 && (flags & MOVEFILE_WRITE_THROUGH) != 0)
        error = host_sync_folder_of(to);
    return error != 0 ? move_error(error) : 0;
}

static BOOL move_checked(DWORD error, const struct path *from, const struct path *to, DWORD flags)
{
    if (error == 0 && (flags & ~KNOWN_FLAGS) != 0)
        error = ERROR_INVALID_PARAMETER;
    if (error == 0 && (flags & UNSUPPORTED_FLAGS) != 0)
        error = ERROR_NOT_SUPPORTED;
    if (error == 0)
        error = move(from->text, to->text, flags);
    return error != 0 ? fail(error) : TRUE;
}

BOOL MoveFileExA(LPCSTR from, LPCSTR to, DWORD flags)
{
    struct path source, target;
    DWORD error = path_from(from, &source);
    if (error == 0)
        error = to != NULL ? path_from(to, &target) : ERROR_INVALID_PARAMETER;
    return move_checked(error, &source, &target, flags);
}

BOOL MoveFileExW(LPCWSTR from, LPCWSTR to, DWORD flags)
{
    struct path source, target;
    DWORD error = path_from_utf16(from, &source);
    if (error == 0)
        error = to != NULL ? path_from_utf16(to, &target) : ERROR_INVALID_PARAMETER;
    return move_checked(error, &source, &target, flags);
}

BOOL MoveFileA(LPCSTR from, LPCSTR to)
{
    return MoveFileExA(from, to, MOVEFILE_COPY_ALLOWED);
}

BOOL MoveFileW(LPCWSTR from, LPCWSTR to)
{
    return MoveFileExW(from, to, MOVEFILE_COPY_ALLOWED);
}
