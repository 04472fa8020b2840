/* SPDX-License-Identifier: MIT */
/* pool.c: the memory of unnamed sections. They share a memory file, the pool, so that 100,000 of them
 * need one descriptor. A section's place is cut from the end of what is used; places that were given
 * back are gaps, joined with their neighbours, and taken first-fit when the end can go no further: at
 * 2^63 bytes, or at the process's limit on the size of files. When no gap fits either, a new pool
 * takes over, and the old one lives as long as sections in it.
 *
 * The memory of a place is punched out before it is a gap. After a fork parent and child share a
 * pool's memory, so both go on with a new one, and what is in the old one is given back only with the
 * pool as a whole. */
#include "win32/section/section.h"

#include "win32/host/face_lock.h"
#include "win32/host/meta.h"
#include "win32/host/tree.h"

#include <errno.h>

#define POOL_START ((uint64_t)64 << 20) /* size of a fresh pool file; sparse */
#define POOL_MOST  ((uint64_t)INT64_MAX & ~(uint64_t)(GRANULE_BYTES - 1))

struct section_pool {
    atomic_uint references; /* of sections, and of current_pool */
    int fd;
    uint64_t used; /* places end here; the first granule is in none of them */
    uint64_t size; /* of the file */
    struct tree_node *gaps;
    atomic_bool forked;
};

struct gap {
    struct tree_node node; /* key: where it starts; never 0 */
    uint64_t size;
};

FACE_LOCK(pool_lock) /* guards all pools' used, size and gaps */
static struct section_pool *current_pool;

static void release(struct section_pool *pool)
{
    if (atomic_fetch_sub(&pool->references, 1) != 1)
        return;
    host_file_close(pool->fd);
    for (struct tree_node *node; (node = tree_above(pool->gaps, 0)) != NULL;) {
        tree_remove(&pool->gaps, node);
        meta_free(node, sizeof(struct gap));
    }
    meta_free(pool, sizeof(*pool));
}

static DWORD memory_error(int error)
{
    return error == EMFILE || error == ENFILE ? win32_error(error) : ERROR_COMMITMENT_LIMIT;
}

static DWORD open_pool(struct section_pool **out)
{
    struct section_pool *pool = meta_alloc(sizeof(*pool));
    struct host_file_info info;
    if (pool == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    int error = host_memory_file(POOL_START, &pool->fd);
    if (error == 0 && (error = host_file_info(pool->fd, &info)) != 0)
        host_file_close(pool->fd);
    if (error != 0) {
        meta_free(pool, sizeof(*pool));
        return memory_error(error);
    }
    atomic_init(&pool->references, 1);
    pool->size = info.size;
    pool->used = GRANULE_BYTES;
    *out = pool;
    return 0;
}

static bool grow(struct section_pool *pool, uint64_t wanted)
{
    uint64_t limit = host_file_limit() < POOL_MOST ? host_file_limit() : POOL_MOST;
    uint64_t size = pool->size <= limit / 2 ? 2 * pool->size : limit;
    if (wanted <= pool->size)
        return true;
    if (wanted > limit)
        return false;
    if (size < wanted)
        size = wanted;
    if (host_file_resize(pool->fd, size) != 0)
        return false;
    pool->size = size;
    return true;
}

static struct gap *find_gap(struct section_pool *pool, uint64_t bytes)
{
    struct tree_node *node = tree_above(pool->gaps, 0);
    while (node != NULL && ((struct gap *)node)->size < bytes)
        node = tree_above(pool->gaps, node->key);
    return (struct gap *)node;
}

static uint64_t cut_gap(struct section_pool *pool, struct gap *gap, uint64_t bytes)
{
    uint64_t start = gap->node.key;
    tree_remove(&pool->gaps, &gap->node);
    if (gap->size == bytes) {
        meta_free(gap, sizeof(*gap));
        return start;
    }
    gap->node.key += bytes;
    gap->size -= bytes;
    tree_insert(&pool->gaps, &gap->node);
    return start;
}

/* A place of the pool; 0 when there is none. Locked. */
static uint64_t take_place(struct section_pool *pool, uint64_t bytes)
{
    ASSERT(face_lock_is_mine(&pool_lock));
    if (bytes <= POOL_MOST - pool->used && grow(pool, pool->used + bytes)) {
        pool->used += bytes;
        return pool->used - bytes;
    }
    struct gap *gap = find_gap(pool, bytes);
    return gap != NULL ? cut_gap(pool, gap, bytes) : 0;
}

static void give_place(struct section *section, struct section_pool *pool, uint64_t start)
{
    section->pool = pool;
    section->pool_start = start;
    section->fd = pool->fd;
    atomic_fetch_add(&pool->references, 1);
}

/* A fresh pool becomes the one in use if it serves; that has a reference to it. Locked. */
static DWORD take_from_new(struct section *section, uint64_t bytes)
{
    struct section_pool *pool = NULL;
    DWORD error = open_pool(&pool);
    if (error != 0)
        return error;
    uint64_t start = take_place(pool, bytes);
    if (start == 0) {
        release(pool);
        return ERROR_COMMITMENT_LIMIT;
    }
    if (current_pool != NULL)
        release(current_pool);
    current_pool = pool;
    give_place(section, pool, start);
    return 0;
}

DWORD pool_take(struct section *section, uint64_t bytes)
{
    DWORD error = 0;
    ASSERT(bytes != 0 && bytes % GRANULE_BYTES == 0);
    section->pool_size = bytes;
    face_lock(&pool_lock);
    uint64_t start = current_pool != NULL ? take_place(current_pool, bytes) : 0;
    if (start != 0)
        give_place(section, current_pool, start);
    else
        error = take_from_new(section, bytes);
    face_unlock(&pool_lock);
    return error;
}

/* Takes a gap out of the tree, and into the place that it is joined with. */
static struct gap *absorb(struct section_pool *pool, struct tree_node *node, uint64_t *start,
                          uint64_t *size)
{
    struct gap *gap = (struct gap *)node;
    tree_remove(&pool->gaps, node);
    *start = node->key < *start ? node->key : *start;
    *size += gap->size;
    return gap;
}

/* record may be used for the gap, or is NULL. Without memory for one the place is lost. Locked. */
static void insert_gap(struct section_pool *pool, struct gap *record, uint64_t start, uint64_t size)
{
    if (start + size == pool->used) {
        pool->used = start;
        meta_free(record, sizeof(*record));
        return;
    }
    if (record == NULL && (record = meta_alloc(sizeof(*record))) == NULL)
        return;
    record->node.key = start;
    record->size = size;
    tree_insert(&pool->gaps, &record->node);
}

static void add_gap(struct section_pool *pool, uint64_t start, uint64_t size)
{
    struct gap *before = NULL, *behind = NULL;
    ASSERT(face_lock_is_mine(&pool_lock) && start != 0);
    struct tree_node *node = tree_floor(pool->gaps, start);
    if (node != NULL && node->key + ((struct gap *)node)->size == start)
        before = absorb(pool, node, &start, &size);
    node = tree_above(pool->gaps, start);
    if (node != NULL && node->key == start + size)
        behind = absorb(pool, node, &start, &size);
    if (before != NULL && behind != NULL)
        meta_free(behind, sizeof(*behind));
    insert_gap(pool, before != NULL ? before : behind, start, size);
}

void pool_return(struct section *section)
{
    struct section_pool *pool = section->pool;
    bool used = section->was_mapped || section->committed != NULL;
    bool zero = !used || (!atomic_load(&pool->forked) &&
                          host_file_punch(pool->fd, section->pool_start, section->pool_size) == 0);
    face_lock(&pool_lock);
    if (pool == current_pool && zero)
        add_gap(pool, section->pool_start, section->pool_size);
    face_unlock(&pool_lock);
    release(pool);
}

void pool_fork_prepare(void)
{
    face_lock_hold(&pool_lock);
    if (current_pool == NULL)
        return;
    atomic_store(&current_pool->forked, true);
    release(current_pool);
    current_pool = NULL;
}

void pool_fork_release(void)
{
    face_lock_let_go(&pool_lock);
}
