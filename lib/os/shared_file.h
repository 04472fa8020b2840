/* SPDX-License-Identifier: MIT */
/* shared_file.h: a file that processes map and share: its storage, locks on its bytes that go with
 * the process that has them, and a lock in its memory whose owner's death is found at once.
 * Functions return 0 or an errno value, unless they say something else; errno is left alone. */
#ifndef BARROW_OS_SHARED_FILE_H
#define BARROW_OS_SHARED_FILE_H

#include "os/compiler.h"

#include <stdatomic.h>

enum shared_file_mode { SHARED_READ, SHARED_WRITE, SHARED_CREATE, SHARED_NEW };

int shared_file_open(const char *path, enum shared_file_mode mode, int *fd);
/* Another opening of the same file. */
int shared_file_reopen(int fd, bool write, int *out);
/* Takes the opening over under a number that no exec inherits. */
int shared_file_duplicate(int fd, int *out);
int shared_file_close(int fd);
int shared_file_size(int fd, uint64_t *size);
int shared_file_set_size(int fd, uint64_t size);
/* Storage for the range, which may be behind the end: writing there can't fail then. */
int shared_file_back(int fd, uint64_t start, uint64_t size);
int shared_file_punch(int fd, uint64_t start, uint64_t size);
int shared_file_sync(int fd);
int shared_file_remove(const char *path);
int shared_file_rename(const char *from, const char *to);
/* Makes what was created, renamed or removed in the path's folder durable. */
int shared_file_sync_folder(const char *path);
/* `out` becomes a copy of what is from `start` on: by sharing its storage where the file system can, else byte by byte, holes
 * left out. */
int shared_file_copy(int fd, uint64_t start, int out, uint64_t size);
int shared_file_read(int fd, uint64_t start, void *buffer, size_t size);
int shared_file_write(int fd, uint64_t start, const void *buffer, size_t size);
/* Absolute; false: it has none, or one that is too long. */
bool shared_file_path(int fd, char *path, size_t capacity);
/* The system's boot, 16 bytes that no other has; zeros when that can't be known. */
void shared_file_boot(void *id);

/* Shared mapping of a file, or a private copy; aligned; NULL on failure. `address` NULL: anywhere. */
void *shared_file_map(int fd, uint64_t start, void *address, size_t size, size_t align, bool write,
                      bool private);
void shared_file_unmap(void *address, size_t size);
int shared_file_sync_map(void *address, size_t size);

/* Locks of bytes; they belong to the opening. */
int shared_file_lock_byte(int fd, uint64_t byte, bool exclusive, bool wait);
void shared_file_unlock_byte(int fd, uint64_t byte);
/* Whether another opening has a lock in the range; true also when that can't be known. */
bool shared_file_byte_is_locked(int fd, uint64_t byte, uint64_t count);

/* ---- a lock in shared memory ---------------------------------------------------------------- */

/* In the lower half the number of the thread that has it, or 0, and the bits; in the upper half what
 * the owner has given as its name, which stays when it dies. */
typedef _Atomic uint64_t robust_word;

#define ROBUST_AWAITED ((uint64_t)0x80000000)
#define ROBUST_DIED    ((uint64_t)0x40000000)

ALWAYS_INLINE uint32_t robust_owner(uint64_t lock)
{
    return (uint32_t)(lock >> 32);
}

/* Before the process's first lock, and in the child of a fork: threads learn their numbers anew. */
void robust_prepare(void);

/* Waits at most so many milliseconds while the lock is another's. `owner`: the name, not 0. 1: taken;
 * 2: taken, and the last owner died with it; 0: not taken. */
int robust_lock(robust_word *lock, uint32_t owner, uint32_t milliseconds);
void robust_unlock(robust_word *lock);

/* Takes the lock that was `seen` with the name of an owner that is known to be dead. False: it has
 * changed since. Nobody may have that name again as long as a lock carries it. */
bool robust_steal(robust_word *lock, uint64_t seen, uint32_t owner);

/* All threads of all processes that have called shared_barrier_register pass a memory barrier.
 * False: the system has none. */
bool shared_barrier_register(void);
bool shared_barrier(void);

#endif
