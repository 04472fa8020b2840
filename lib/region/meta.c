/* SPDX-License-Identifier: MIT */
/* meta.c: memory of the library's own, cut off piece by piece and never given back. It lies in
 * mappings of its own, between guards, away from the program's blocks. All of it counts in the
 * account and keeps to the limit. */
#include "region/meta.h"

#include "os/child.h"
#include "region/arena.h"
#include "region/grow.h"
#include "region/runs_purge.h"

#define MAPPING_MIN (256 * KIB)
#define MAPPING_MAX (256 * MIB)

/* Under meta_lock. [next, end) is committed, reads as zero and is not in use; [end, limit) is reserved. */
static char *next, *end, *limit;
static size_t mapped;

static bool map_more(size_t size)
{
    size_t bytes = 4 * mapped;
    bytes = bytes < MAPPING_MIN ? MAPPING_MIN : bytes > MAPPING_MAX ? MAPPING_MAX : bytes;
    bytes = bytes < size ? round_up(size, GRANULE_SIZE) : bytes;
    size_t total = bytes + 2 * GRANULE_SIZE;
    char *start = os_reserve_aligned(total, GRANULE_SIZE, 0);
    if (start == NULL)
        return false;
    os_exclude_from_dumps(start, total);
    next = end = start + GRANULE_SIZE;
    limit = next + bytes;
    mapped += bytes;
    add(&region.reserved, total);
    add(&region.reservations, 1);
    return true;
}

static bool commit_more(size_t size)
{
    size_t bytes = round_up(size - (size_t)(end - next), GRANULE_SIZE);
    size_t granules = bytes >> GRANULE_SHIFT;
    if (bytes > (size_t)(limit - end) || !account_charge(granules))
        return false;
    if (!os_commit(end, bytes)) {
        account_discharge(granules);
        return false;
    }
    end += bytes;
    add(&region.meta_bytes, bytes);
    return true;
}

static void *take_meta(size_t size)
{
    if ((size_t)(end - next) < size && (size_t)(limit - next) < size && !map_more(size))
        return NULL;
    if ((size_t)(end - next) < size && !commit_more(size))
        return NULL;
    void *memory = next;
    next += size;
    return memory;
}

static void *take_locked(size_t size)
{
    region_lock(&region.meta_lock);
    void *memory = take_meta(size);
    region_unlock(&region.meta_lock);
    return memory;
}

/* Where there is none, the system may want first what is free: memory, and then address space. */
void *region_meta(size_t size)
{
    os_child_look();
    size = round_up(size, CACHE_LINE);
    if (region_is_interrupted())
        return NULL;
    void *memory = take_locked(size);
    if (memory == NULL && runs_purge_all())
        memory = take_locked(size);
    if (memory == NULL) {
        grow_give_all_back();
        memory = take_locked(size);
    }
    return memory;
}

/* ---- tables of which few pages are touched -------------------------------------------------- */

/* Under meta_lock: committed, and not in use. More of it is had at once the more there is. */
static char *sparse_next, *sparse_end;
static size_t sparse_mapped;

static bool map_sparse(size_t size)
{
    size_t bytes = sparse_mapped < size          ? size
                   : sparse_mapped > MAPPING_MAX ? MAPPING_MAX
                                                 : sparse_mapped;
    char *start = os_reserve_aligned(bytes, GRANULE_SIZE, 0);
    if (start == NULL)
        return false;
    if (!os_commit(start, bytes)) {
        os_release(start, bytes);
        return false;
    }
    os_exclude_from_dumps(start, bytes);
    sparse_next = start;
    sparse_end = start + bytes;
    sparse_mapped += bytes;
    add(&region.reserved, bytes);
    add(&region.reservations, 1);
    return true;
}

void *region_sparse_meta(size_t size)
{
    void *memory = NULL;
    size = round_up(size, GRANULE_SIZE);
    if (region_is_interrupted())
        return NULL;
    region_lock(&region.meta_lock);
    if ((size_t)(sparse_end - sparse_next) >= size || map_sparse(size)) {
        memory = sparse_next;
        sparse_next += size;
    }
    region_unlock(&region.meta_lock);
    return memory;
}

void meta_after_fork(void)
{
    if (!os_lock_is_held(&region.meta_lock))
        return;
    os_lock_reset(&region.meta_lock);
    next = end = limit = NULL; /* what another thread was cutting may be half taken */
    sparse_next = sparse_end = NULL;
}
