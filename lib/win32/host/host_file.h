/* SPDX-License-Identifier: MIT */
/* host_file.h: files, and the objects that processes share by name. Functions return 0 or an errno
 * value. Descriptors are never inherited through an exec. */
#ifndef BARROW_WIN32_HOST_HOST_FILE_H
#define BARROW_WIN32_HOST_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* --- files --------------------------------------------------------------------------------- */

struct host_file_info {
    uint64_t size;
    uint64_t device;
    uint64_t inode;
    uint32_t owner;
    uint32_t links;
    bool is_regular;
    bool is_directory;
};

enum host_open_mode {
    OS_OPEN_EXISTING,
    OS_OPEN_NEW /* EEXIST when there is one */
};

int host_file_open(const char *path, bool write, enum host_open_mode mode, bool read_only_file,
                   bool write_through, int *fd);
/* Only for writing: for files that may not be read. */
int host_file_open_blind(const char *path, int *fd);
/* A second, independent opening of the same file. */
int host_file_reopen(int fd, bool write, int *out);
void host_file_close(int fd);
int host_file_info(int fd, struct host_file_info *out);
int host_file_info_at(const char *path, struct host_file_info *out);
int host_file_resize(int fd, uint64_t size);
/* Whether the file system has so much room. */
bool host_file_has_room(int fd, uint64_t bytes);
int host_file_sync(int fd);
/* Starts to write changed pages to the disk, and does not wait for it. */
int host_file_start_writing(int fd, uint64_t offset, uint64_t size);
int host_file_seek(int fd, int64_t distance, unsigned method, uint64_t *position);
/* Transfer until all is done, the end of the file, or an error; offset -1: at the position. */
int host_file_read(int fd, void *buffer, size_t bytes, int64_t offset, size_t *done);
int host_file_write(int fd, const void *buffer, size_t bytes, int64_t offset, size_t *done);
int host_file_remove(const char *path);
/* The path of an open file, if it has one. */
int host_file_path(int fd, char *path, size_t room);
/* Gives the memory behind a range of a shared memory file back. */
void host_file_punch(int fd, uint64_t offset, uint64_t size);

/* --- marks on a file --------------------------------------------------------------------------
 * Programs of this library tell each other what they do with a file by shared locks on bytes far
 * beyond any contents, one byte for each meaning. A lock goes when its opening is closed, also by
 * the death of the process. */
enum {
    OS_MARK_READS = 0,
    OS_MARK_WRITES = 1,
    OS_MARK_DELETES = 2,
    OS_MARK_DENIES_READ = 3,
    OS_MARK_DENIES_WRITE = 4,
    OS_MARK_DENIES_DELETE = 5,
    OS_MARK_MAPPED = 6,
    OS_MARKS = 7
};

/* Sets the marks whose bits are given. Errors are ignored: some file systems have no locks. */
void host_mark_set(int fd, unsigned marks);
void host_mark_clear(int fd);
/* Whether another opening has any of the marks. */
bool host_mark_seen(int fd, unsigned marks);

/* --- shared memory --------------------------------------------------------------------------- */

int host_memory_file(uint64_t size, int *fd);

/* An object in a folder that all processes (of the user, or of the machine) share: a file with a
 * name. It is alive while any process holds its lock; a dead one is removed by who next meets it.
 */
struct host_object {
    int lock_fd; /* holds a shared lock; never mapped, as a mapping would keep the lock */
    int data_fd;
    bool created;
};

/* Opens the live object of that name, else creates it with contents from *head (head_size bytes,
 * then zeros up to size). head NULL: never create, ENOENT. name holds no slash. */
int host_object_open(const char *name, bool global, const void *head, size_t head_size,
                     uint64_t size, struct host_object *out);
/* Gives the name up: removes it when no other process holds it. Keeps data_fd. */
void host_object_leave(struct host_object *object, const char *name, bool global);
/* For fork: another lock of the same object, for the child; -1 on failure. */
int host_object_lock_again(const struct host_object *object);

/* Opens a file that process holds open as fd, if it is the file described. */
int host_file_of_process(int process, int fd, uint64_t device, uint64_t inode, bool write,
                         int *out);

uint32_t host_user(void);
int host_process(void);

#endif
