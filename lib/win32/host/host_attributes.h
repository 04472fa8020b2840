/* SPDX-License-Identifier: MIT */
/* host_attributes.h: what the system knows of a file beside its contents, and operations on names.
 * Functions return 0 or an errno value. */
#ifndef BARROW_WIN32_HOST_HOST_ATTRIBUTES_H
#define BARROW_WIN32_HOST_HOST_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum host_kind { HOST_REGULAR, HOST_DIRECTORY, HOST_CHARACTERS, HOST_PIPE, HOST_OTHER };

/* Times are in 100 ns since 1601. */
struct host_attributes {
    enum host_kind kind;
    bool read_only; /* nobody has the permission to write */
    uint32_t links;
    uint64_t size;
    uint64_t device;
    uint64_t inode;
    uint64_t created; /* when the file system does not tell: the last change of the contents */
    uint64_t accessed;
    uint64_t written;
};

int host_attributes_of(int fd, struct host_attributes *out);
int host_attributes_at(const char *path, struct host_attributes *out);

/* Takes away every permission to write, or gives the owner that permission. */
int host_set_read_only(const char *path, bool read_only);

/* Renames; without `replace`, EEXIST when there is such a name. EXDEV: another file system. */
int host_rename(const char *from, const char *to, bool replace);
/* Copies a regular file's contents, permissions and times to a new file, which must not exist. */
int host_copy(const char *from, const char *to);
int host_sync_folder_of(const char *path);

int host_make_folder(const char *path);
int host_remove_folder(const char *path);
int host_current_folder(char *path, size_t capacity);

struct host_space {
    uint64_t total, unused, available; /* bytes; available: to a user without privileges */
};

int host_space_at(const char *path, struct host_space *out);

/* Locks of byte ranges, held by an opening of the file; each byte has one kind of lock by it. Size 0
 * is up to the end of all offsets. Without `wait`, EAGAIN when another opening is in the way. Waits
 * are in the kernel, and no points of thread cancellation. */
enum host_lock { HOST_UNLOCKED, HOST_SHARED, HOST_EXCLUSIVE };
int host_range_lock(int fd, uint64_t start, uint64_t size, enum host_lock kind, bool wait);

#endif
