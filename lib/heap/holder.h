/* SPDX-License-Identifier: MIT */
/* holder.h: what a block of malloc's lies in: a slab, a medium span, or a span of its own. */
#ifndef BARROW_HEAP_HOLDER_H
#define BARROW_HEAP_HOLDER_H

#include "medium/map.h"

struct holder {
    enum span_kind kind; /* SPAN_SLAB, SPAN_MEDIUM or SPAN_LARGE */
    uint32_t owner;      /* number of the theap; 0 for SPAN_LARGE */
    union {
        struct span *span;  /* slab, large: the head */
        struct place place; /* medium: the cell */
    };
};

/* For an address whose granule is ours (granule_is_ours); false: none of the three is there. Any thread. */
bool holder_find(const void *address, struct holder *holder);

/* Whether the program has a block that starts at the address, which the holder was found by. */
bool holder_has_in_use(const struct holder *holder, const void *address);

/* How long the block is that starts there. */
size_t holder_bytes(const struct holder *holder);

/* The same for a block that is there for certain. */
size_t plain_bytes(const void *block);

#endif
