/* SPDX-License-Identifier: MIT */
/* file_lock.c: LockFile and its kin, by locks of the kernel on an opening of the file that is used for
 * nothing else.
 *
 * The kernel keeps one kind of lock for each byte; Windows keeps each range that was locked, and a
 * shared lock may lie over an exclusive one of the same handle. So a file has a list of its ranges,
 * and for any stretch of bytes the kernel is given the strongest lock that a range of the list asks
 * for. The list is guarded by win32_lock, which is not held while the kernel waits. */
#include "win32/file/file.h"

#include "win32/host/host_attributes.h"
#include "win32/host/host_file.h"
#include "win32/host/host_wait.h"
#include "win32/host/meta.h"

#include "barrow/fileapi.h"

#include <errno.h>

/* Above this, locks of the library itself lie: all ranges there become one and the same byte. */
#define FAR_BYTE ((uint64_t)1 << 61)

struct range {
    struct range *next;
    uint64_t offset, size; /* as the program gave them */
    uint64_t start, end;   /* of the kernel's locks; equal: none */
    bool exclusive;
    bool pending; /* its LockFileEx has not returned yet */
};

struct range_list {
    int fd;
    struct range *first;
};

/* Counts the ranges that were unlocked: what waits for a range of its own file sleeps on it. */
static _Atomic uint32_t unlocks;

static void set_bounds(struct range *range)
{
    uint64_t end;
    if (__builtin_add_overflow(range->offset, range->size, &end) || end > FAR_BYTE)
        end = FAR_BYTE + 1;
    range->start = range->offset < FAR_BYTE ? range->offset : FAR_BYTE;
    range->end = range->size != 0 ? end : range->start;
}

static bool overlap(const struct range *a, const struct range *b)
{
    return a->start < b->end && b->start < a->end;
}

/* Whether a range of the same file is in the way. A shared lock may follow an exclusive one. */
static bool is_taken(const struct range_list *list, const struct range *wanted)
{
    ASSERT(win32_lock_is_mine());
    for (const struct range *range = list->first; range != NULL; range = range->next) {
        if (wanted->exclusive && overlap(range, wanted))
            return true;
    }
    return false;
}

/* The strongest lock that a range asks for at a byte; *until becomes where the answer may change. */
static enum host_lock lock_at(const struct range_list *list, uint64_t byte, uint64_t *until)
{
    enum host_lock kind = HOST_UNLOCKED;
    for (const struct range *range = list->first; range != NULL; range = range->next) {
        if (range->start > byte && range->start < *until)
            *until = range->start;
        if (range->start > byte || range->end <= byte)
            continue;
        if (range->end < *until)
            *until = range->end;
        if (range->exclusive || kind == HOST_UNLOCKED)
            kind = range->exclusive ? HOST_EXCLUSIVE : HOST_SHARED;
    }
    return kind;
}

/* Gives the kernel what the list says, for the bytes of a range. With win32_lock, which is let go
 * while the kernel waits. Returns 0 or an errno value. */
static int settle(const struct range_list *list, const struct range *range, bool wait)
{
    ASSERT(win32_lock_is_mine());
    int error = 0;
    for (uint64_t at = range->start; at < range->end && error == 0;) {
        uint64_t until = range->end;
        enum host_lock kind = lock_at(list, at, &until);
        if (wait && kind != HOST_UNLOCKED) {
            win32_unlock();
            error = host_range_lock(list->fd, at, until - at, kind, true);
            win32_lock();
        } else {
            error = host_range_lock(list->fd, at, until - at, kind, false);
        }
        at = until;
    }
    return error;
}

static void take_out(struct range_list *list, const struct range *range)
{
    ASSERT(win32_lock_is_mine());
    struct range **link = &list->first;
    while (*link != range)
        link = &(*link)->next;
    *link = range->next;
}

static DWORD lock_error(int error)
{
    if (error == EAGAIN)
        return ERROR_LOCK_VIOLATION;
    return error == EBADF ? ERROR_ACCESS_DENIED : win32_error(error);
}

/* With win32_lock. The range is put on the list first, so that no other thread takes what overlaps
 * it meanwhile. */
static DWORD add_range(struct range_list *list, struct range *range, bool wait)
{
    ASSERT(win32_lock_is_mine());
    range->next = list->first;
    list->first = range;
    range->pending = true;
    int error = settle(list, range, wait);
    range->pending = false;
    if (error == 0)
        return 0;
    take_out(list, range);
    settle(list, range, false);
    return lock_error(error);
}

static DWORD wait_and_add(struct range_list *list, struct range *range, bool wait)
{
    ASSERT(win32_lock_is_mine());
    while (is_taken(list, range)) {
        uint32_t seen = atomic_load(&unlocks);
        if (!wait)
            return ERROR_LOCK_VIOLATION;
        win32_unlock();
        host_wait(&unlocks, seen, HOST_NO_DEADLINE);
        win32_lock();
    }
    return add_range(list, range, wait);
}

/* The opening for the locks: with the permission to write, if there is one, which an exclusive lock
 * needs. With win32_lock. */
static DWORD need_list(struct file *file)
{
    ASSERT(win32_lock_is_mine());
    if (file->ranges != NULL)
        return 0;
    struct range_list *list = meta_alloc(sizeof(*list));
    if (list == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    int error = host_file_reopen(file->fd, true, &list->fd);
    if (error != 0)
        error = host_file_reopen(file->fd, false, &list->fd);
    if (error != 0) {
        meta_free(list, sizeof(*list));
        return win32_error(error);
    }
    file->ranges = list;
    return 0;
}

static DWORD lock_range(struct file *file, const struct range *wanted, bool wait)
{
    struct range *range = meta_alloc(sizeof(*range));
    if (range == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    *range = *wanted;
    set_bounds(range);
    win32_lock();
    DWORD error = need_list(file);
    if (error == 0)
        error = wait_and_add(file->ranges, range, wait);
    win32_unlock();
    if (error != 0)
        meta_free(range, sizeof(*range));
    return error;
}

/* The range of exactly that place; an exclusive one before a shared one. */
static struct range *find(const struct range_list *list, uint64_t offset, uint64_t size)
{
    struct range *shared = NULL;
    for (struct range *range = list->first; range != NULL; range = range->next) {
        if (range->offset != offset || range->size != size || range->pending)
            continue;
        if (range->exclusive)
            return range;
        shared = range;
    }
    return shared;
}

static DWORD unlock_range(struct file *file, uint64_t offset, uint64_t size)
{
    win32_lock();
    struct range_list *list = file->ranges;
    struct range *range = list != NULL ? find(list, offset, size) : NULL;
    if (range != NULL) {
        take_out(list, range);
        settle(list, range, false); /* to give up a lock cannot fail */
        atomic_fetch_add(&unlocks, 1);
    }
    win32_unlock();
    host_wake_all(&unlocks);
    meta_free(range, sizeof(*range));
    return range != NULL ? 0 : ERROR_NOT_LOCKED;
}

void file_free_ranges(struct file *file)
{
    struct range_list *list = file->ranges;
    if (list == NULL)
        return;
    while (list->first != NULL) {
        struct range *range = list->first;
        list->first = range->next;
        meta_free(range, sizeof(*range));
    }
    host_file_close(list->fd); /* and with it go the locks */
    meta_free(list, sizeof(*list));
}

/* The file of a handle that may read or write. */
static struct file *lockable_file(HANDLE handle)
{
    struct file *file = file_of(handle, FILE_READ_DATA);
    return file != NULL || GetLastError() != ERROR_ACCESS_DENIED ? file
                                                                 : file_of(handle, FILE_WRITE_DATA);
}

static uint64_t joined(DWORD low, DWORD high)
{
    return (uint64_t)high << 32 | low;
}

static BOOL lock_bytes(HANDLE handle, uint64_t offset, uint64_t size, DWORD flags)
{
    DWORD before = GetLastError();
    struct range wanted = { .offset = offset,
                            .size = size,
                            .exclusive = (flags & LOCKFILE_EXCLUSIVE_LOCK) != 0 };
    struct file *file = lockable_file(handle);
    if (file == NULL)
        return FALSE;
    DWORD error = lock_range(file, &wanted, (flags & LOCKFILE_FAIL_IMMEDIATELY) == 0);
    object_release(&file->object);
    SetLastError(error != 0 ? error : before);
    return error == 0;
}

static BOOL unlock_bytes(HANDLE handle, uint64_t offset, uint64_t size)
{
    struct file *file = file_of(handle, 0);
    if (file == NULL)
        return FALSE;
    DWORD error = unlock_range(file, offset, size);
    object_release(&file->object);
    return error != 0 ? fail(error) : TRUE;
}

BOOL LockFile(HANDLE file, DWORD offset_low, DWORD offset_high, DWORD size_low, DWORD size_high)
{
    return lock_bytes(file, joined(offset_low, offset_high), joined(size_low, size_high),
                      LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY);
}

BOOL LockFileEx(HANDLE file, DWORD flags, DWORD reserved, DWORD size_low, DWORD size_high,
                LPOVERLAPPED overlapped)
{
    if (reserved != 0 || overlapped == NULL ||
        (flags & ~(LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY)) != 0)
        return fail(ERROR_INVALID_PARAMETER);
    return lock_bytes(file, joined(overlapped->Offset, overlapped->OffsetHigh),
                      joined(size_low, size_high), flags);
}

BOOL UnlockFile(HANDLE file, DWORD offset_low, DWORD offset_high, DWORD size_low, DWORD size_high)
{
    return unlock_bytes(file, joined(offset_low, offset_high), joined(size_low, size_high));
}

BOOL UnlockFileEx(HANDLE file, DWORD reserved, DWORD size_low, DWORD size_high,
                  LPOVERLAPPED overlapped)
{
    if (reserved != 0 || overlapped == NULL)
        return fail(ERROR_INVALID_PARAMETER);
    return unlock_bytes(file, joined(overlapped->Offset, overlapped->OffsetHigh),
                        joined(size_low, size_high));
}
