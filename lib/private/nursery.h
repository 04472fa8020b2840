/* SPDX-License-Identifier: MIT */
/* nursery.h: a young pool's first blocks. They lie one behind the other in one slab, whatever their
 * classes, so that a heap of a hundred blocks need not have a slab for each of their sizes. Once a
 * class has had a few it gets slabs of its own. */
#ifndef BARROW_PRIVATE_NURSERY_H
#define BARROW_PRIVATE_NURSERY_H

#include "private/pool.h"

ALWAYS_INLINE bool is_nursery(const struct span *slab)
{
    return slab->size_class == 0;
}

/* The bytes of the block that starts there; 0 if none does. */
size_t nursery_block_bytes(const struct span *slab, size_t distance);

/* A block for a class that has no slab yet; NULL: it must have one. */
struct freed *nursery_alloc(struct pool *pool, unsigned size_class);

/* The class is to have slabs of its own, whose blocks are aligned to what divides their size. */
void nursery_close(struct pool *pool, unsigned size_class);

/* Takes back a block that is marked free. */
void nursery_give(struct pool *pool, struct span *slab, struct freed *block);

/* How many blocks of the class are in use in it. */
unsigned nursery_busy(const struct span *slab, unsigned size_class);

/* Whether the lists have free blocks of the right class alone. */
bool nursery_validate(const struct pool *pool);

/* The slab, if no block of it is in use: it may be freed after that. */
struct span *nursery_forget_empty(struct pool *pool);

/* The same whatever is in use. */
void nursery_forget(struct pool *pool);

#endif
