/* SPDX-License-Identifier: MIT */
/* file.h: what a file's handle refers to. */
#ifndef BARROW_WIN32_HANDLE_FILE_H
#define BARROW_WIN32_HANDLE_FILE_H

#include "win32/handle/object.h"

struct file {
    struct object object;
    int fd;
    int owner;       /* the process that opened it: it alone takes the marks back */
    bool append;     /* FILE_APPEND_DATA without FILE_WRITE_DATA */
    char *delete_at; /* path to remove with the last handle, TEXT_ROOM bytes, or NULL */
};

/* FILE_READ_DATA and so on, from the generic rights. */
DWORD file_rights(DWORD access);

/* The file of a handle, retained; NULL with the last error set when it is none or lacks a right. */
struct file *file_of(HANDLE handle, DWORD rights);

/* In CreateFileMapping, INVALID_HANDLE_VALUE means memory; from a failed CreateFile it is a
 * mistake. Remembers that the thread's last CreateFile failed, and tells it once. */
bool file_last_open_failed(void);

#endif
