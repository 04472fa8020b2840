/* SPDX-License-Identifier: MIT */
/* sync.c: what is on the disk.
 *
 * The system writes a mapping's pages when it likes, so after a loss of power the file itself may be
 * a mixture. A sync therefore makes a copy beside it, while the caches are held off, and gives it its
 * name when it is on the disk. The next opening takes the copy if the system was restarted since the
 * heap was last open and its last user did not close it after that sync. */
#include "mapped/mapped.h"

#include "os/process.h"
#include "os/shared_file.h"

#include "barrow/mapped_heap.h"
#include "barrow/winerror.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SYNCED ".synced"

enum { PATH_ROOM = 4096 + 32 };

static uint32_t write_error(int error)
{
    bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    return error == 0                                            ? 0
           : full                                                ? ERROR_DISK_FULL
           : error == EACCES || error == EPERM || error == EROFS ? ERROR_ACCESS_DENIED
           : error == ENOENT                                     ? ERROR_PATH_NOT_FOUND
                                                                 : ERROR_WRITE_FAULT;
}

uint32_t mapped_flush(struct mapped *mapped)
{
    uint64_t size = mapped_file_end(mapped);
    int error = shared_file_sync_map(mapped->base, size < mapped->size ? size : mapped->size);
    return write_error(error != 0 ? error : shared_file_sync(mapped->fd));
}

/* ---- copies --------------------------------------------------------------------------------- */

static bool join(char *out, const char *path, const char *end)
{
    size_t length = strlen(path), more = strlen(end) + 1;
    if (length + more > PATH_ROOM)
        return false;
    memcpy(out, path, length);
    memcpy(out + length, end, more);
    return true;
}

/* Whole and on the disk before it has its name; the name is durable when this returns. */
static uint32_t name_copy(int copy, const char *fresh, const char *path)
{
    ASSERT(copy >= 0);
    int error = shared_file_sync(copy);
    int closed = shared_file_close(copy);
    if (error == 0)
        error = closed;
    if (error == 0)
        error = shared_file_rename(fresh, path);
    if (error == 0)
        return write_error(shared_file_sync_folder(path));
    shared_file_remove(fresh);
    return write_error(error);
}

/* The heap as it is at one moment. */
static int copy_held(struct mapped *mapped, int copy)
{
    ASSERT(copy >= 0);
    if (!mapped_hold(mapped)) /* a reader: nobody writes, or what is copied may be any moment's */
        return shared_file_copy(mapped->fd, mapped->start, copy, mapped_file_end(mapped));
    int error = shared_file_copy(mapped->fd, mapped->start, copy, mapped_file_end(mapped));
    mapped_release(mapped);
    return error;
}

/* A file with a name that no other thread or process takes for its copy. */
static uint32_t open_fresh(const char *path, char *fresh, int *copy)
{
    static _Atomic uint32_t number;
    char end[40];
    snprintf(end, sizeof end, ".%x.%x", (unsigned)os_process_id(),
             (unsigned)atomic_fetch_add_explicit(&number, 1, memory_order_relaxed));
    if (!join(fresh, path, end))
        return ERROR_PATH_NOT_FOUND;
    shared_file_remove(fresh); /* of a process with our number that died */
    return write_error(shared_file_open(fresh, SHARED_NEW, copy));
}

/* ---- sync ----------------------------------------------------------------------------------- */

static uint32_t sync_in_turn(struct mapped *mapped, const char *synced)
{
    char fresh[PATH_ROOM];
    int copy;
    uint32_t error = open_fresh(synced, fresh, &copy);
    if (error != 0)
        return error;
    mapped_lock(mapped);
    mapped->state->sync_number++;
    mapped_unlock(mapped);
    int failed = copy_held(mapped, copy);
    if (failed == 0)
        return name_copy(copy, fresh, synced);
    shared_file_close(copy);
    shared_file_remove(fresh);
    return write_error(failed);
}

uint32_t mapped_sync(struct mapped *mapped)
{
    static struct os_lock one_at_a_time;
    char synced[PATH_ROOM];
    if (mapped->read_only || mapped->lost)
        return ERROR_ACCESS_DENIED;
    if (mapped->path[0] == 0 || !join(synced, mapped->path, SYNCED))
        return ERROR_NOT_SUPPORTED;
    os_lock(&one_at_a_time); /* an older copy must not replace a newer one */
    int locked = shared_file_lock_byte(mapped->fd, mapped_open_byte(mapped) + 1, true, true);
    uint32_t error = locked != 0 ? ERROR_NOT_SUPPORTED : sync_in_turn(mapped, synced);
    shared_file_unlock_byte(mapped->fd, mapped_open_byte(mapped) + 1);
    os_unlock(&one_at_a_time);
    return error;
}

uint32_t mapped_forget_synced(const char *path)
{
    char synced[PATH_ROOM];
    if (!join(synced, path, SYNCED))
        return 0;
    int error = shared_file_remove(synced);
    return error == ENOENT || error == 0 ? 0 : write_error(error);
}

/* ---- after a restart ------------------------------------------------------------------------ */

struct facts {
    bool known;
    struct mapped_identity identity;
    struct mapped_state state;
};

static struct facts facts_of(int fd)
{
    struct facts facts = { 0 };
    facts.known = shared_file_read(fd, 0, &facts.identity, sizeof facts.identity) == 0 &&
                  shared_file_read(fd, MAPPED_STATE, &facts.state, sizeof facts.state) == 0;
    return facts;
}

/* Whether the copy, not the file, is what was promised. */
static bool copy_counts(const struct facts *file, const struct facts *copy)
{
    uint64_t boot[2];
    shared_file_boot(boot);
    if (!copy->known || copy->identity.magic != MAPPED_MAGIC)
        return false;
    if (!file->known || file->identity.magic != MAPPED_MAGIC)
        return true;
    if (memcmp(file->identity.uuid, copy->identity.uuid, sizeof file->identity.uuid) != 0)
        return false; /* another heap's, that had this path */
    if (memcmp(file->state.boot, boot, sizeof boot) == 0)
        return false; /* only processes died since */
    return file->state.closed != 1 || file->state.sync_number < copy->state.sync_number;
}

static uint32_t restore(int fd, int copy)
{
    uint64_t size;
    int error = shared_file_size(copy, &size);
    if (error == 0)
        error = shared_file_copy(copy, 0, fd, size);
    return write_error(error != 0 ? error : shared_file_sync(fd));
}

uint32_t mapped_restore_synced(int fd, const char *path)
{
    char synced[PATH_ROOM];
    int copy;
    if (!join(synced, path, SYNCED) || shared_file_open(synced, SHARED_READ, &copy) != 0)
        return 0;
    struct facts file = facts_of(fd), other = facts_of(copy);
    uint32_t error = copy_counts(&file, &other) ? restore(fd, copy) : 0;
    shared_file_close(copy);
    return error;
}

/* ---- snapshots ------------------------------------------------------------------------------ */

/* What was copied is a heap whose users died at that moment: an opening puts it in order. */
static uint32_t put_in_order(const char *path)
{
    struct private_heap *heap;
    struct mapped_wish wish = { .path = path, .flags = BARROW_HEAP_MUST_EXIST };
    uint32_t error = mapped_open(&wish, &heap);
    return error != 0 ? error : mapped_close(heap);
}

uint32_t mapped_snapshot(struct mapped *mapped, const char *path)
{
    char fresh[PATH_ROOM];
    int copy;
    uint32_t error = open_fresh(path, fresh, &copy);
    if (error != 0)
        return error;
    error = write_error(copy_held(mapped, copy));
    if (error == 0)
        error = put_in_order(fresh);
    if (error == 0)
        return name_copy(copy, fresh, path);
    shared_file_close(copy);
    shared_file_remove(fresh);
    return error;
}
