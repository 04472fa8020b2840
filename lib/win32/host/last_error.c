/* SPDX-License-Identifier: MIT */
/* last_error.c: the last error of each thread, and the way from errno to it. */
#include "win32/host/internal.h"

#include <errno.h>

static THREAD_LOCAL DWORD last_error;

DWORD GetLastError(void)
{
    return last_error;
}

void SetLastError(DWORD code)
{
    last_error = code;
}

static const struct {
    int number;
    DWORD code;
} translations[] = {
    { ENOENT, ERROR_FILE_NOT_FOUND },
    { ENOTDIR, ERROR_PATH_NOT_FOUND },
    { EMFILE, ERROR_TOO_MANY_OPEN_FILES },
    { ENFILE, ERROR_TOO_MANY_OPEN_FILES },
    { EACCES, ERROR_ACCESS_DENIED },
    { EPERM, ERROR_ACCESS_DENIED },
    { EISDIR, ERROR_ACCESS_DENIED },
    { ETXTBSY, ERROR_SHARING_VIOLATION },
    { EBADF, ERROR_INVALID_HANDLE },
    { ENOMEM, ERROR_NOT_ENOUGH_MEMORY },
    { EROFS, ERROR_WRITE_PROTECT },
    { EBUSY, ERROR_BUSY },
    { ENOSYS, ERROR_NOT_SUPPORTED },
    { EOPNOTSUPP, ERROR_NOT_SUPPORTED },
    { ENODEV, ERROR_NOT_SUPPORTED },
    { EEXIST, ERROR_FILE_EXISTS },
    { EINVAL, ERROR_INVALID_PARAMETER },
    { EOVERFLOW, ERROR_INVALID_PARAMETER },
    { ENOSPC, ERROR_DISK_FULL },
    { EDQUOT, ERROR_DISK_FULL },
    { EPIPE, ERROR_BROKEN_PIPE },
    { ENAMETOOLONG, ERROR_FILENAME_EXCED_RANGE },
    { ELOOP, ERROR_BAD_PATHNAME },
    { EFBIG, ERROR_FILE_TOO_LARGE },
    { EFAULT, ERROR_NOACCESS },
    { EIO, ERROR_IO_DEVICE },
};

DWORD win32_error(int error)
{
    for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++) {
        if (translations[i].number == error)
            return translations[i].code;
    }
    return ERROR_GEN_FAILURE;
}
