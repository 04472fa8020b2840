/* SPDX-License-Identifier: MIT */
/* open.c: files are created, opened and closed.
 *
 * A lock on one byte of the file serializes openings and closings; each process that may write has a
 * lock on a byte of its own as long as it lives. So an opening knows whether it is alone, and only
 * one that is alone puts in order what the last users left. Nothing in the file is believed before
 * it has been checked. */
#include "mapped/mapped.h"

#include "os/process.h"
#include "os/shared_file.h"
#include "os/vm.h"
#include "private/slots.h"

#include "barrow/mapped_heap.h"
#include "barrow/winerror.h"

#include <errno.h>
#include <string.h>

#define MAPPED_CREATING 0x676e697461657243 /* "Creating": the magic until the heap is complete */

/* ---- those that are open -------------------------------------------------------------------- */

static struct os_lock lock;
static struct mapped *opened;
static _Atomic uint64_t closings;

static void add(struct mapped *mapped)
{
    os_lock(&lock);
    mapped->next = opened;
    opened = mapped;
    os_unlock(&lock);
}

static void remove_opened(struct mapped *mapped)
{
    os_lock(&lock);
    struct mapped **link = &opened;
    while (*link != NULL && *link != mapped)
        link = &(*link)->next;
    if (*link != NULL)
        *link = mapped->next;
    atomic_fetch_add_explicit(&closings, 1, memory_order_release);
    os_unlock(&lock);
}

struct mapped *mapped_of_engine(const struct bounded *heap)
{
    if (os_lock_is_mine(&lock))
        return NULL;
    os_lock(&lock);
    struct mapped *mapped = opened;
    while (mapped != NULL && mapped->heap != heap)
        mapped = mapped->next;
    os_unlock(&lock);
    return mapped;
}

/* Mostly the one of the last time. What is remembered is forgotten when any heap is closed. */
struct mapped *mapped_around(const void *address)
{
    static THREAD_LOCAL struct {
        uint64_t closings;
        uintptr_t base;
        size_t size;
        struct mapped *mapped;
    } last;
    uint64_t now = atomic_load_explicit(&closings, memory_order_acquire);
    if (likely((uintptr_t)address - last.base < last.size && last.closings == now))
        return last.mapped;
    if (os_lock_is_mine(&lock))
        return NULL;
    os_lock(&lock);
    struct mapped *mapped = opened;
    while (mapped != NULL && (uintptr_t)address - (uintptr_t)mapped->base >= mapped->size)
        mapped = mapped->next;
    if (mapped != NULL) {
        last.closings = now;
        last.base = (uintptr_t)mapped->base;
        last.size = mapped->size;
        last.mapped = mapped;
    }
    os_unlock(&lock);
    return mapped;
}

void mapped_leave_cache(uint64_t serial, struct mapped_cache *cache)
{
    os_lock(&lock);
    struct mapped *mapped = opened;
    while (mapped != NULL && mapped->serial != serial)
        mapped = mapped->next;
    if (mapped != NULL && !mapped->lost) /* release: the next thread sees what this one did */
        atomic_store_explicit(&cache->idle, 1, memory_order_release);
    os_unlock(&lock);
}

/* ---- errors --------------------------------------------------------------------------------- */

static uint32_t error_for(int error)
{
    switch (error) {
    case 0:
        return 0;
    case ENOENT:
        return ERROR_FILE_NOT_FOUND;
    case ENOTDIR:
        return ERROR_PATH_NOT_FOUND;
    case EEXIST:
        return ERROR_FILE_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
    case EISDIR:
        return ERROR_ACCESS_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERROR_DISK_FULL;
    case EMFILE:
    case ENFILE:
        return ERROR_TOO_MANY_OPEN_FILES;
    case ENOLCK:
    case EINVAL:
    case EOPNOTSUPP:
        return ERROR_NOT_SUPPORTED;
    case EIO:
        return ERROR_WRITE_FAULT;
    default:
        return ERROR_NOT_ENOUGH_MEMORY;
    }
}

/* ---- the identity --------------------------------------------------------------------------- */

static uint64_t checksum(const struct mapped_identity *identity)
{
    uint64_t sum = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < offsetof(struct mapped_identity, checksum); i++)
        sum = (sum ^ ((const unsigned char *)identity)[i]) * 0x100000001b3;
    return sum;
}

static bool identity_is_sound(const struct mapped_identity *identity)
{
    return identity->checksum == checksum(identity) && identity->head == MAPPED_HEAD &&
           identity->maximum % BOUNDED_FILE_PAGE == 0 && identity->maximum <= BOUNDED_LARGEST &&
           identity->maximum >= bounded_least(identity->maximum) && identity->key >> 63 == 1 &&
           identity->key % 2 == 1;
}

/* 0 with *creating: the file is empty, or its creation was interrupted. */
static uint32_t read_identity(const struct mapped *mapped, struct mapped_identity *identity,
                              bool *creating)
{
    uint64_t size;
    uint32_t error = error_for(shared_file_size(mapped->fd, &size));
    if (error != 0)
        return error;
    size = size < mapped->start ? 0 : size - mapped->start;
    memset(identity, 0, sizeof *identity);
    size_t bytes = size < sizeof *identity ? (size_t)size : sizeof *identity;
    if (bytes != 0 && shared_file_read(mapped->fd, mapped->start, identity, bytes) != 0)
        return ERROR_READ_FAULT;
    *creating = bytes == 0 || identity->magic == MAPPED_CREATING ||
                (mapped->fixed && identity->magic == 0 && identity->checksum == 0);
    if (*creating)
        return 0;
    if (identity->magic != MAPPED_MAGIC || identity->version != MAPPED_VERSION)
        return ERROR_BAD_FORMAT;
    return identity_is_sound(identity) && size >= MAPPED_HEAD + BOUNDED_FILE_PAGE
               ? 0
               : ERROR_FILE_CORRUPT;
}

static struct mapped_identity new_identity(uint64_t maximum, const struct bounded *heap)
{
    struct mapped_identity identity = { .magic = MAPPED_MAGIC,
                                        .version = MAPPED_VERSION,
                                        .page_size = (uint32_t)os_page_size(),
                                        .head = MAPPED_HEAD,
                                        .maximum = maximum,
                                        .uuid = { os_random(), os_random() },
                                        .key = heap->key,
                                        .salt = heap->salt };
    identity.checksum = checksum(&identity);
    return identity;
}

/* ---- processes ------------------------------------------------------------------------------ */

/* Whether something that the last process with the number left is still in the file. While it is, the
 * number is a dead process's: if it were given to a live one, nobody would take that back. */
static bool number_is_in_file(const struct mapped *mapped, uint32_t number)
{
    uint64_t taken = atomic_load_explicit(&mapped->state->lock, memory_order_relaxed);
    bool found = robust_owner(taken) == number + 1;
    for (unsigned i = 0; !found && i < MAPPED_CACHE_COUNT; i++)
        found = mapped_cache_owner(mapped_cache_at(mapped, i)) == number + 1;
    return found;
}

static uint32_t take_process_number(struct mapped *mapped)
{
    ASSERT(!mapped->read_only && mapped->base != NULL);
    robust_prepare();
    uint32_t first = (uint32_t)os_process_id() % MAPPED_PROCESSES;
    for (uint32_t i = 0; i < MAPPED_PROCESSES; i++) {
        uint32_t number = (first + i) % MAPPED_PROCESSES;
        int error =
            shared_file_lock_byte(mapped->fd, mapped_process_byte(mapped, number), true, false);
        if (error == 0 && !number_is_in_file(mapped, number)) {
            mapped->process = number;
            return 0;
        }
        if (error == 0)
            shared_file_unlock_byte(mapped->fd, mapped_process_byte(mapped, number));
        else if (error != EAGAIN && error != EACCES)
            return ERROR_NOT_SUPPORTED;
    }
    return ERROR_TOO_MANY_OPEN_FILES;
}

/* No other opening may write. */
static bool is_alone(const struct mapped *mapped)
{
    return !shared_file_byte_is_locked(mapped->fd, mapped_process_byte(mapped, 0),
                                       MAPPED_PROCESSES);
}

/* ---- mapping -------------------------------------------------------------------------------- */

static size_t alignment_for(size_t size)
{
    return size >= (size_t)32 << 20 ? (size_t)2 << 20 : BOUNDED_FILE_PAGE;
}

static uint32_t map(struct mapped *mapped, uint64_t maximum, void *address)
{
    mapped->size = MAPPED_HEAD + maximum;
    mapped->page_size = os_page_size();
    bool write = !mapped->read_only || mapped->is_private;
    mapped->base = shared_file_map(mapped->fd, mapped->start, address, mapped->size,
                                   alignment_for(mapped->size), write, mapped->is_private);
    if (mapped->base == NULL)
        return address != NULL ? ERROR_INVALID_ADDRESS : ERROR_NOT_ENOUGH_MEMORY;
    mapped->heap = (struct bounded *)(mapped->base + MAPPED_HEAD);
    mapped->state = (struct mapped_state *)(mapped->base + MAPPED_STATE);
    return 0;
}

static void unmap(struct mapped *mapped)
{
    if (mapped->base != NULL)
        shared_file_unmap(mapped->base, mapped->size);
    mapped->base = NULL;
}

/* ---- creation ------------------------------------------------------------------------------- */

/* What the magic vouches for is complete before it. */
static void write_identity(struct mapped *mapped, struct mapped_identity identity)
{
    ASSERT(identity.magic == MAPPED_MAGIC);
    struct mapped_identity *place = (struct mapped_identity *)mapped->base;
    identity.magic = MAPPED_CREATING;
    *place = identity;
    mapped_order();
    *(volatile uint64_t *)&place->magic = MAPPED_MAGIC;
}

/* The identity comes last: what has none is begun again by the next that opens it. */
static uint32_t create(struct mapped *mapped, const struct mapped_wish *wish)
{
    uint64_t maximum = round_up(wish->maximum, BOUNDED_FILE_PAGE), magic = MAPPED_CREATING;
    if (wish->maximum == 0 || wish->maximum > BOUNDED_LARGEST - ((size_t)1 << 20) ||
        maximum < bounded_least(maximum))
        return ERROR_INVALID_PARAMETER;
    uint64_t initial =
        wish->initial < maximum ? round_up(wish->initial, BOUNDED_FILE_PAGE) : maximum;
    initial = initial < bounded_least(maximum) ? bounded_least(maximum) : initial;
    int error = mapped->fixed ? shared_file_back(mapped->fd, mapped->start, sizeof magic)
                              : shared_file_set_size(mapped->fd, 0);
    if (error == 0)
        error = shared_file_write(mapped->fd, mapped->start, &magic, sizeof magic);
    if (error == 0)
        error = shared_file_back(mapped->fd, mapped->start, MAPPED_HEAD + initial);
    if (error != 0)
        return error_for(error);
    uint32_t failed = map(mapped, maximum, wish->address);
    if (failed != 0)
        return failed;
    if (mapped->fixed) /* an interrupted creation may have left something */
        memset(mapped->base + sizeof magic, 0, MAPPED_HEAD + initial - sizeof magic);
    bounded_format(mapped->heap, maximum, initial);
    mapped->state->closed = 1; /* nothing needs to be put in order */
    write_identity(mapped, new_identity(maximum, mapped->heap));
    return 0;
}

/* ---- what the last users left --------------------------------------------------------------- */

static bool key_is_sound(const struct mapped *mapped)
{
    const struct mapped_identity *identity = (const struct mapped_identity *)mapped->base;
    return mapped->heap->key == identity->key && mapped->heap->salt == identity->salt;
}

/* While nobody else changes them: the opening is alone, or has the lock. */
static bool records_are_sound(const struct mapped *mapped, uint64_t file_size)
{
    uint64_t maximum = mapped->size - MAPPED_HEAD, have = file_size - mapped->start - MAPPED_HEAD;
    return key_is_sound(mapped) && bounded_records_are_sound(mapped->heap, maximum, have);
}

static bool was_restarted(const struct mapped *mapped)
{
    uint64_t boot[2];
    shared_file_boot(boot);
    return memcmp(boot, mapped->state->boot, sizeof boot) != 0;
}

/* What is in the memory of the state that processes share as long as they live. */
static void reset_sharing(struct mapped *mapped)
{
    atomic_store_explicit(&mapped->state->lock, 0, memory_order_relaxed);
    atomic_store_explicit(&mapped->state->held, 0, memory_order_relaxed);
}

static void set_repairing(struct mapped *mapped, uint32_t repairing)
{
    mapped_order();
    *(volatile uint32_t *)&mapped->state->repairing = repairing;
    mapped_order();
}

static uint32_t rebuild(struct mapped *mapped)
{
    set_repairing(mapped, 1);
    mapped_rebuild(mapped);
    set_repairing(mapped, 0);
    return 0;
}

static bool undo(struct mapped *mapped, uint64_t file_size)
{
    uint64_t size = file_size - mapped->start;
    size = size < mapped->size ? size : mapped->size;
    return bounded_journal_undo(mapped->heap, size - MAPPED_JOURNAL);
}

/* Of a heap that nobody else has open for writing. */
static uint32_t put_in_order(struct mapped *mapped, uint64_t file_size, bool repair)
{
    ASSERT(mapped->serial == 0);
    struct mapped_state *state = mapped->state;
    bool closed = state->closed == 1 && state->repairing == 0;
    bool sound =
        undo(mapped, file_size) && state->repairing == 0 && records_are_sound(mapped, file_size);
    reset_sharing(mapped);
    if (sound && !closed) {
        if (state->pending != 0)
            mapped_take_back(mapped, state->pending);
        state->pending = 0;
        mapped_scavenge_all(mapped);
        state->recoveries++;
        sound = !was_restarted(mapped) || bounded_validate(mapped->heap);
    }
    if (sound && repair)
        sound = bounded_validate(mapped->heap);
    if (sound)
        return 0;
    if (!repair)
        return ERROR_FILE_CORRUPT;
    bounded_journal(mapped->heap)->active = 0;
    return rebuild(mapped);
}

/* A reader can't keep writers from changes, and one that has died or is stopped in the middle of one
 * may leave it so for any time. So a reader beside writers believes nothing that a change touches. The
 * writers have seen that the file is long enough for its frontier, and keep it so. */
static uint32_t join_as_reader(const struct mapped *mapped)
{
    ASSERT(mapped->read_only);
    uint64_t maximum = mapped->size - MAPPED_HEAD;
    bool sound = key_is_sound(mapped) && bounded_places_are_sound(mapped->heap, maximum, maximum);
    return sound ? 0 : ERROR_FILE_CORRUPT;
}

static uint32_t join_as_writer(struct mapped *mapped)
{
    ASSERT(!mapped->read_only);
    uint64_t file_size;
    mapped_lock(mapped);
    uint32_t error = error_for(shared_file_size(mapped->fd, &file_size));
    if (error == 0 && !records_are_sound(mapped, file_size))
        error = ERROR_FILE_CORRUPT;
    mapped_unlock(mapped);
    return error;
}

static uint32_t settle(struct mapped *mapped, uint32_t flags, bool alone)
{
    uint64_t file_size;
    uint32_t error = error_for(shared_file_size(mapped->fd, &file_size));
    bool repair = (flags & BARROW_HEAP_REPAIR) != 0;
    if (error != 0)
        return error;
    if (!alone)
        return mapped->read_only ? join_as_reader(mapped) : join_as_writer(mapped);
    if (mapped->read_only && !mapped->is_private)
        return records_are_sound(mapped, file_size) ? 0 : ERROR_FILE_CORRUPT;
    error = put_in_order(mapped, file_size, repair);
    if (error != 0 || mapped->is_private)
        return error;
    mapped->state->openings++;
    shared_file_boot(mapped->state->boot);
    mapped->state->closed = 0;
    if ((flags & BARROW_HEAP_DURABLE_OPEN) != 0)
        return mapped_flush(mapped);
    return 0;
}

/* A reader may not change the file, so it puts in order what a crash left in memory of its own. */
static bool must_be_private(const struct mapped *mapped, bool alone)
{
    struct mapped_state state;
    return mapped->read_only && alone &&
           shared_file_read(mapped->fd, mapped->start + MAPPED_STATE, &state, sizeof state) == 0 &&
           (state.closed != 1 || state.repairing != 0);
}

/* ---- opening -------------------------------------------------------------------------------- */

static uint32_t open_file(struct mapped *mapped, const struct mapped_wish *wish)
{
    enum shared_file_mode mode = (wish->flags & BARROW_HEAP_READ_ONLY) != 0     ? SHARED_READ
                                 : (wish->flags & BARROW_HEAP_MUST_BE_NEW) != 0 ? SHARED_NEW
                                 : (wish->flags & BARROW_HEAP_MUST_EXIST) != 0  ? SHARED_WRITE
                                                                                : SHARED_CREATE;
    mapped->read_only = mode == SHARED_READ;
    mapped->start = wish->start;
    mapped->fixed = wish->path == NULL;
    int error = wish->path != NULL ? shared_file_open(wish->path, mode, &mapped->fd)
                                   : shared_file_reopen(wish->fd, !mapped->read_only, &mapped->fd);
    if (error != 0)
        return error_for(error);
    if (wish->path == NULL || !shared_file_path(mapped->fd, mapped->path, sizeof mapped->path))
        mapped->path[0] = 0;
    return 0;
}

static uint32_t open_locked(struct mapped *mapped, const struct mapped_wish *wish)
{
    struct mapped_identity identity;
    bool creating = false, alone = is_alone(mapped);
    uint32_t error = 0;
    if (alone && !mapped->read_only && mapped->path[0] != 0)
        error = mapped_restore_synced(mapped->fd, mapped->path);
    if (error == 0)
        error = read_identity(mapped, &identity, &creating);
    if (error != 0)
        return error;
    if (creating && mapped->read_only)
        return ERROR_BAD_FORMAT;
    mapped->is_private = must_be_private(mapped, alone);
    error = creating ? create(mapped, wish) : map(mapped, identity.maximum, wish->address);
    if (error == 0 && !mapped->read_only)
        error = take_process_number(mapped);
    return error != 0 ? error : settle(mapped, wish->flags, alone);
}

static uint32_t open_in(struct mapped *mapped, const struct mapped_wish *wish)
{
    uint32_t error = open_file(mapped, wish);
    if (error != 0)
        return error;
    int locked =
        shared_file_lock_byte(mapped->fd, mapped_open_byte(mapped), !mapped->read_only, true);
    error = locked != 0 ? ERROR_NOT_SUPPORTED : open_locked(mapped, wish);
    if (locked == 0)
        shared_file_unlock_byte(mapped->fd, mapped_open_byte(mapped));
    if (error != 0) {
        unmap(mapped);
        shared_file_close(mapped->fd);
    }
    return error;
}

uint32_t mapped_open(const struct mapped_wish *wish, struct private_heap **out)
{
    struct private_heap *heap = slot_take(PLACE_BOUNDED_SERIALIZED);
    if (heap == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    struct mapped *mapped = mapped_of(heap);
    memset(mapped, 0, sizeof *mapped);
    mapped->slot = heap->slot;
    uint32_t error = open_in(mapped, wish);
    if (error != 0) {
        slot_give(heap);
        return error;
    }
    mapped->may_cache = !mapped->read_only && shared_barrier_register();
    heap->bounded = (struct bounded *)mapped->heap;
    heap->backend = &mapped_backend;
    heap->maximum = mapped->size - MAPPED_HEAD;
    heap->serialized = true;
    heap->options = wish->options;
    heap->pool.heap = heap;
    atomic_store_explicit(&heap->held, 2, memory_order_relaxed); /* no pool is ever free for it */
    mapped->serial = slot_open(heap, HEAP_MAPPED);
    add(mapped);
    *out = heap;
    return 0;
}

/* ---- closing -------------------------------------------------------------------------------- */

static THREAD_LOCAL uint32_t end_error;

/* What this process's threads have in caches. */
static void leave_caches(struct mapped *mapped)
{
    mapped_hold(mapped);
    for (unsigned i = 0; i < MAPPED_CACHE_COUNT; i++) {
        struct mapped_cache *cache = mapped_cache_at(mapped, i);
        if (mapped_cache_owner(cache) != mapped->process + 1)
            continue;
        mapped_cache_empty(mapped, cache);
        mapped_cache_set_owner(cache, 0);
    }
    mapped_release(mapped);
    mapped_cache_forget(mapped);
}

static void remove_blocks(struct mapped *mapped)
{
    mapped_hold(mapped);
    set_repairing(mapped, 1); /* an interrupted removal ends as a repair */
    mapped_caches_empty(mapped);
    mapped_remove_all(mapped);
    set_repairing(mapped, 0);
    mapped_release(mapped);
    mapped_compact(mapped);
}

/* The mark comes when everything that it vouches for is on the disk, and goes there itself. */
static uint32_t mark_closed(struct mapped *mapped)
{
    ASSERT(!mapped->read_only);
    uint32_t error = mapped_flush(mapped);
    if (error != 0)
        return error;
    mapped->state->closed = 1;
    error = mapped_flush(mapped);
    return error == 0 && mapped->path[0] != 0 ? mapped_forget_synced(mapped->path) : error;
}

static uint32_t leave(struct mapped *mapped)
{
    if (!mapped->keeps)
        remove_blocks(mapped);
    leave_caches(mapped);
    if (shared_file_lock_byte(mapped->fd, mapped_open_byte(mapped), true, true) != 0)
        return ERROR_WRITE_FAULT;
    uint32_t error = is_alone(mapped) ? mark_closed(mapped) : 0;
    shared_file_unlock_byte(mapped->fd, mapped_open_byte(mapped));
    return error;
}

/* The lock may be this thread's still. */
static void let_go(struct mapped *mapped)
{
    while (mapped_lock_is_mine(mapped))
        mapped_unlock(mapped);
}

void mapped_end(struct private_heap *heap)
{
    struct mapped *mapped = mapped_of(heap);
    remove_opened(mapped);
    end_error = 0;
    if (!mapped->read_only && !mapped->lost) {
        let_go(mapped);
        end_error = leave(mapped);
    }
    unmap(mapped);
    int closed = mapped->fd >= 0 ? shared_file_close(mapped->fd) : 0;
    if (end_error == 0)
        end_error = error_for(closed);
}

uint32_t mapped_close(struct private_heap *heap)
{
    mapped_of(heap)->keeps = true;
    private_destroy(heap);
    return end_error;
}

/* ---- fork ----------------------------------------------------------------------------------- */

/* The child shares the parent's opening and with it the parent's number: it needs its own. */
void mapped_after_fork(struct private_heap *heap)
{
    struct mapped *mapped = mapped_of(heap);
    int parents = mapped->fd;
    os_lock_reset(&lock);
    mapped_cache_forget(mapped);
    atomic_store_explicit(&mapped->owner, 0, memory_order_relaxed);
    mapped->depth = mapped->holds = 0;
    if (shared_file_reopen(parents, !mapped->read_only, &mapped->fd) != 0) {
        mapped->fd = -1;
        mapped->lost = true;
    } else if (!mapped->read_only && take_process_number(mapped) != 0) {
        mapped->lost = true;
    }
    mapped->may_cache = mapped->may_cache && !mapped->lost && shared_barrier_register();
    shared_file_close(parents);
}
