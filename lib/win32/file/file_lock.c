/* SPDX-License-Identifier: MIT */
/* file_lock.c: LockFile and its kin, by locks of the kernel on an opening of the file that is used for
 * nothing else.
 *
 * The kernel keeps one kind of lock for each byte; Windows keeps each range that was locked, and a
 * shared lock may lie over an exclusive one of the same handle. So a file has a list of its ranges,
 * and for any stretch of bytes the kernel is given the strongest lock that a range of the list asks
 * for.
 *
 * The list has the shared ranges and the exclusive ones apart, each twice: in an interval tree, which
 * tells what is locked at a byte and how far that holds, and in a tree by the place that the program
 * named, which UnlockFile must name again. So a call looks at log(ranges) of them, and once more for
 * each lock that it asks the kernel for. The kernel itself searches its locks of the file one by one.
 *
 * The list is guarded by win32_lock, which is not held while the kernel waits. */
#include "win32/file/file.h"

#include "win32/host/host_attributes.h"
#include "win32/host/host_file.h"
#include "win32/host/host_wait.h"
#include "win32/host/meta.h"
#include "win32/host/range_tree.h"
#include "win32/host/tree.h"

#include "barrow/fileapi.h"

#include <errno.h>
#include <stddef.h>

/* Above this, locks of the library itself lie: all ranges there become one and the same byte. */
#define FAR_BYTE ((uint64_t)1 << 61)

enum kind { SHARED, EXCLUSIVE, KINDS };

struct range {
    struct range_node bytes; /* of the kernel's locks; of a range of size 0: none */
    struct tree_node place;  /* key: place_key(). In the tree once its LockFileEx returns */
    struct range *same_key;  /* further ranges with this key, which are not in the tree */
    uint64_t offset, size;   /* as the program gave them */
    enum kind kind;
};

struct range_list {
    int fd;
    struct range_node *bytes[KINDS];
    struct tree_node *places[KINDS];
};

/* Counts the ranges that were unlocked: what waits for a range of its own file sleeps on it. */
static _Atomic uint32_t unlocks;

static void set_bounds(struct range *range)
{
    uint64_t end;
    if (__builtin_add_overflow(range->offset, range->size, &end) || end > FAR_BYTE)
        end = FAR_BYTE + 1;
    range->bytes.low = range->offset < FAR_BYTE ? range->offset : FAR_BYTE;
    range->bytes.high = range->size != 0 ? end : range->bytes.low;
}

/* ---- what is locked ----------------------------------------------------------------------------- */

/* Whether a range of the same file is in the way. A shared lock may follow an exclusive one. */
static bool is_taken(const struct range_list *list, const struct range *wanted)
{
    ASSERT(win32_lock_is_mine());
    uint64_t low = wanted->bytes.low, high = wanted->bytes.high;
    if (wanted->kind == SHARED || high == 0)
        return false;
    return range_tree_reach(list->bytes[SHARED], high - 1) > low ||
           range_tree_reach(list->bytes[EXCLUSIVE], high - 1) > low;
}

/* The strongest lock that a range asks for at a byte. *until, which is above the byte, is lowered to
 * where the answer may change. */
static enum host_lock lock_at(const struct range_list *list, uint64_t byte, uint64_t *until)
{
    static const enum host_lock locks[KINDS] = { HOST_SHARED, HOST_EXCLUSIVE };
    for (int kind = EXCLUSIVE; kind >= SHARED; kind--) {
        uint64_t reach = range_tree_reach(list->bytes[kind], byte);
        uint64_t next = reach > byte ? reach : range_tree_next(list->bytes[kind], byte);
        *until = next < *until ? next : *until;
        if (reach > byte)
            return locks[kind];
    }
    return HOST_UNLOCKED;
}

/* Gives the kernel what the list says, for the bytes of a range. With win32_lock, which is let go
 * while the kernel waits. Returns 0 or an errno value. */
static int settle(const struct range_list *list, const struct range *range, bool wait)
{
    ASSERT(win32_lock_is_mine());
    int error = 0;
    for (uint64_t at = range->bytes.low; at < range->bytes.high && error == 0;) {
        uint64_t until = range->bytes.high;
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

/* ---- places -------------------------------------------------------------------------------------- */

static uintptr_t place_key(uint64_t offset, uint64_t size)
{
    return (uintptr_t)(offset + size * UINT64_C(0x9E3779B97F4A7C15));
}

static struct range *first_at(const struct range_list *list, enum kind kind, uintptr_t key)
{
    struct tree_node *node = tree_floor(list->places[kind], key);
    if (node == NULL || node->key != key)
        return NULL;
    return (struct range *)((char *)node - offsetof(struct range, place));
}

/* Makes first the one range with its key that is in the tree. */
static void set_first(struct range_list *list, struct range *before, struct range *first)
{
    if (before != NULL)
        tree_remove(&list->places[before->kind], &before->place);
    if (first != NULL)
        tree_insert(&list->places[first->kind], &first->place);
}

static void add_place(struct range_list *list, struct range *range)
{
    ASSERT(win32_lock_is_mine());
    range->place.key = place_key(range->offset, range->size);
    range->same_key = first_at(list, range->kind, range->place.key);
    set_first(list, range->same_key, range);
}

/* Takes a range of exactly that place out of the tree of places, or returns NULL. */
static struct range *take_place(struct range_list *list, enum kind kind, uint64_t offset,
                                uint64_t size)
{
    struct range *first = first_at(list, kind, place_key(offset, size)), *range = first;
    struct range **link = &first;
    while (range != NULL && (range->offset != offset || range->size != size)) {
        link = &range->same_key;
        range = range->same_key;
    }
    if (range == NULL)
        return NULL;
    if (link == &first)
        set_first(list, range, range->same_key);
    else
        *link = range->same_key;
    return range;
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
    range_tree_insert(&list->bytes[range->kind], &range->bytes);
    int error = settle(list, range, wait);
    if (error == 0) {
        add_place(list, range);
        return 0;
    }
    range_tree_remove(&list->bytes[range->kind], &range->bytes);
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

/* An exclusive range of that place goes before a shared one. */
static struct range *take_out(struct range_list *list, uint64_t offset, uint64_t size)
{
    ASSERT(win32_lock_is_mine());
    struct range *range = take_place(list, EXCLUSIVE, offset, size);
    if (range == NULL)
        range = take_place(list, SHARED, offset, size);
    if (range != NULL)
        range_tree_remove(&list->bytes[range->kind], &range->bytes);
    return range;
}

static DWORD unlock_range(struct file *file, uint64_t offset, uint64_t size)
{
    win32_lock();
    struct range_list *list = file->ranges;
    struct range *range = list != NULL ? take_out(list, offset, size) : NULL;
    if (range != NULL) {
        settle(list, range, false); /* to give up a lock cannot fail */
        atomic_fetch_add(&unlocks, 1);
    }
    win32_unlock();
    host_wake_all(&unlocks);
    meta_free(range, sizeof(*range));
    return range != NULL ? 0 : ERROR_NOT_LOCKED;
}

static void free_ranges(struct tree_node **places)
{
    while (*places != NULL) {
        struct range *range = (struct range *)((char *)*places - offsetof(struct range, place));
        tree_remove(places, &range->place);
        for (struct range *next; range != NULL; range = next) {
            next = range->same_key;
            meta_free(range, sizeof(*range));
        }
    }
}

/* Nobody waits for a lock of a file that goes: each range is in a tree of places. */
void file_free_ranges(struct file *file)
{
    struct range_list *list = file->ranges;
    if (list == NULL)
        return;
    free_ranges(&list->places[SHARED]);
    free_ranges(&list->places[EXCLUSIVE]);
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
                            .kind = (flags & LOCKFILE_EXCLUSIVE_LOCK) != 0 ? EXCLUSIVE : SHARED };
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
