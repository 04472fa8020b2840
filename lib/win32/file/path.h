/* SPDX-License-Identifier: MIT */
/* path.h: arguments that are paths. */
#ifndef BARROW_WIN32_FILE_PATH_H
#define BARROW_WIN32_FILE_PATH_H

#include "win32/host/internal.h"
#include "win32/host/text.h"

struct path {
    char text[TEXT_ROOM];
};

/* The path as the system wants it. Returns 0, or ERROR_PATH_NOT_FOUND for NULL or an empty name, or
 * ERROR_FILENAME_EXCED_RANGE. */
DWORD path_from(LPCSTR name, struct path *path);
DWORD path_from_utf16(LPCWSTR name, struct path *path);

#endif
