/* SPDX-License-Identifier: MIT */
/* file.h: what a file's handle refers to. */
#ifndef BARROW_WIN32_HANDLE_FILE_H
#define BARROW_WIN32_HANDLE_FILE_H

#include "win32/handle/object.h"

struct file {
    struct object object;
    int fd;
    int owner;                 /* the process that opened it: it alone takes the marks back */
    bool delete_on_close;      /* the name goes with the last handle */
    struct range_list *ranges; /* what LockFile has locked, or NULL; see file_lock.c */
    bool overlapped; /* FILE_FLAG_OVERLAPPED: calls give offsets, the position does not move */
};

/* FILE_READ_DATA and so on, from the generic rights. */
DWORD file_rights(DWORD access);

/* The file of a handle, retained; NULL with the last error set when it is none or lacks a right. */
struct file *file_of(HANDLE handle, DWORD rights);

/* The same for a handle with FILE_WRITE_DATA or FILE_APPEND_DATA; *append: with the latter alone, so
 * it may write at the end only. */
struct file *file_for_writing(HANDLE handle, bool *append);

/* The error for a path at which a call failed with an errno value: ENOENT tells whether the file or
 * its folder is missing. */
DWORD file_path_error(const char *path, int error);

/* Forgets the locked ranges of a file that goes. */
void file_free_ranges(struct file *file);

/* In CreateFileMapping, INVALID_HANDLE_VALUE means memory; from a failed CreateFile it is a
 * mistake. Remembers that the thread's last CreateFile failed, and tells it once. */
bool file_last_open_failed(void);

#endif
