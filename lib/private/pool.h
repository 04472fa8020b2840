/* SPDX-License-Identifier: MIT */
/* pool.h: the part of a private heap that one thread at a time allocates from. Blocks of one size
 * class lie in slabs; the last two bytes of each hold the size that was asked for.
 *
 *     pool_pop   takes from the class's list: the blocks of the slab in use
 *     pool_put   puts a block on its slab's own list, and counts
 *
 * The list that runs dry is exchanged for the slab's, so neither side counts what the other does,
 * and no function here takes a lock or uses an atomic operation but those of the inbox: whoever
 * calls has the pool to itself. */
#ifndef BARROW_PRIVATE_POOL_H
#define BARROW_PRIVATE_POOL_H

#include "private/freed.h"
#include "private/pool_class.h"
#include "region/page_map.h"

#include <stdatomic.h>

enum { SIZE_WORD_FREE = 0xFFFF /* in a block that the program does not have */ };

_Static_assert(FREED_KEY_BITS + 8 * SIZE_WORD == 64 && SIZE_WORD_FREE == (1 << 8 * SIZE_WORD) - 1,
               "see freed.h");

/* See nursery.h. */
struct nursery {
    uint32_t slab;                /* 0 for none */
    uint8_t *map;                 /* the class of the block that starts at each multiple of 16 */
    uint8_t given[POOL_EVEN + 1]; /* blocks cut, by class; UINT8_MAX: no more */
    uint8_t freed[POOL_EVEN + 1]; /* times that one came back */
};

enum { NURSERY_MAP = GRANULE_SIZE / 16 /* bytes */ };

struct pool {
    struct freed *lists[POOL_CLASSES]; /* blocks of the slab in use, by class */
    uint32_t active[POOL_CLASSES];     /* that slab, 0 for none */
    uint32_t avail[POOL_CLASSES];      /* slabs with free blocks, most recently woken first */
    uint64_t avail_map[(POOL_CLASSES + 63) / 64];
    uint64_t active_map[(POOL_CLASSES + 63) / 64];
    uint32_t busy; /* all other slabs: those in use, and full ones */
    struct private_heap *heap;
    struct nursery nursery;

    /* -- pools of a shared heap -- */
    /* Set by the pool's thread while it works; read by who wants the whole heap, see lock.c. */
    _Alignas(CACHE_LINE) _Atomic uint32_t working;
    /* The heap, while the thread may work in it without asking, else NO_HEAP; written under
     * attach.c's lock. */
    _Atomic(struct private_heap *) free_for;
    /* under attach.c's lock */
    struct pool *next_in_heap, *next_of_thread, **link_of_thread, *next_idle;
    struct thread_words *words; /* of the thread that has it, or NULL; and ... */
    uintptr_t thread;           /* ... its os_thread_token() */
    _Atomic bool idle;          /* no thread has it; others read it as a hint */
    bool torn;                  /* its thread was changing it when the process forked */
    _Alignas(CACHE_LINE) _Atomic(struct freed *) inbox; /* blocks that others freed; a stack */
};

extern struct pool pool_none HIDDEN; /* of no heap */

/* What no program will take for a handle, as it may NULL. */
#define NO_HEAP ((struct private_heap *)(void *)&pool_none)

ALWAYS_INLINE uint16_t *size_word(void *block, size_t size_most)
{
    return (uint16_t *)(void *)((char *)block + size_most);
}

/* NULL: see pool_alloc. size is at most POOL_SMALL_MAX. */
ALWAYS_INLINE void *pool_pop(struct pool *pool, size_t size)
{
    size_t size_class = pool_small_class(size);
    struct freed *block = freed_pop(&pool->lists[size_class]);
    if (unlikely(block == NULL))
        return NULL;
    *size_word(block, size_class * 16 - SIZE_WORD) = (uint16_t)size;
    return block;
}

/* 1, so that a free can end with it. */
int pool_slab_rests(struct pool *pool, struct span *slab);

/* True: pool_slab_rests must follow. */
ALWAYS_INLINE bool pool_put_rests(struct span *slab, struct freed *block)
{
    freed_link(block, slab->free);
    slab->free = block;
    return --slab->countdown == 0;
}

ALWAYS_INLINE int pool_put(struct pool *pool, struct span *slab, struct freed *block)
{
    return likely(!pool_put_rests(slab, block)) ? 1 : pool_slab_rests(pool, slab);
}

/* The pool's slab whose block the address starts, which is marked free; NULL when it can't be said
 * quickly that there is one. pool_put must follow. */
ALWAYS_INLINE struct span *pool_mark_free(struct pool *pool, void *address)
{
    size_t granule = granule_of(address);
    struct span *slab;
    if (unlikely(!granule_has_tag(granule)) || unlikely(!granule_is_of_pool(granule, pool, &slab)))
        return NULL;
    if (unlikely((slab->last - (uint16_t)(uintptr_t)address) * slab->magic >= POOL_STARTS))
        return NULL;
    uint16_t *word = size_word(address, slab->size_most);
    if (unlikely(*word == SIZE_WORD_FREE))
        return NULL;
    *word = SIZE_WORD_FREE;
    return slab;
}

/* A block of any size up to POOL_SIZE_MAX whose class's blocks lie at multiples of `align`; NULL
 * when the heap's limit, its memory or the system's is exhausted. */
void *pool_alloc(struct pool *pool, size_t align, size_t size);

/* The same after pool_pop has found nothing, or for a size that is not small. */
void *pool_alloc_dry(struct pool *pool, size_t size);

/* Takes back the slab's block that starts there; false, and nothing done, when none in use does. */
bool pool_free(struct pool *pool, struct span *slab, void *address);

/* Takes in what others have posted. */
void pool_drain(struct pool *pool);

/* Posts a block to its pool. Any thread. */
void pool_post(struct pool *owner, struct freed *block);

/* Lists in use go back to their slabs, empty slabs to the region. Returns the size that the largest
 * free block left would serve for. */
size_t pool_compact(struct pool *pool);

/* Gives all slabs back, whatever they hold. */
void pool_release(struct pool *pool);

/* The slabs, one after the other; the first after NULL. */
struct span *pool_next_slab(const struct pool *pool, const struct span *slab);

/* Takes back a block of the pool's that is marked free. */
void pool_give(struct pool *pool, struct span *slab, struct freed *block);

/* Makes the slab of a nursery; its index, or 0. */
uint32_t pool_make_nursery(struct pool *pool);

/* The bytes of the slab's block that starts there, its size word included; 0 if none does. */
size_t pool_block_bytes(const struct span *slab, size_t distance);

/* The most bytes that the block would serve for. */
size_t pool_block_most(const struct span *slab, const void *block);

/* The block of the slab that starts at the address and that the program holds, or NULL. */
void *pool_block_at(const struct span *slab, const void *address);

/* What its size word says. */
size_t pool_block_size(const struct span *slab, const void *block);

#endif
