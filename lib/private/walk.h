/* SPDX-License-Identifier: MIT */
/* walk.h: what is in a private heap, piece by piece. The caller holds the heap (private_lock), or
 * nobody else uses it. */
#ifndef BARROW_PRIVATE_WALK_H
#define BARROW_PRIVATE_WALK_H

#include "private/private_heap.h"

enum piece_kind { PIECE_FREE, PIECE_BUSY, PIECE_LARGE, PIECE_REGION, PIECE_UNCOMMITTED };

/* Names its place in the heap by kind and data alone, so that a walk can go on from it. */
struct piece {
    enum piece_kind kind;
    void *data;
    size_t size;     /* busy: as asked for; free: what it could serve */
    size_t overhead; /* the bytes behind data + size that are of no use to the program */
    size_t committed, uncommitted; /* region */
    void *end;                     /* region */
};

enum walked { WALK_MORE, WALK_END, WALK_LOST };

/* The first piece for data NULL, else the one after. WALK_LOST: the heap has no such piece. */
enum walked private_walk(struct private_heap *heap, struct piece *piece);

/* Whether the address is one of the first pieces of a walk, which show the heap's own record. */
bool private_walk_is_in_header(const struct private_heap *heap, const void *address);

/* Whether everything agrees: lists, size words, counts. */
bool private_validate(struct private_heap *heap);

/* How many blocks of one size class are in use, of the class that has most in a slab. */
size_t private_most_of_a_size(struct private_heap *heap);

struct private_figures {
    size_t blocks, bytes;       /* in the program's hands, as asked for */
    size_t committed, reserved; /* of it */
    size_t committed_peak;      /* at most so far */
    size_t maximum;             /* that it can come to; 0: unlimited */
};

void private_figures(struct private_heap *heap, struct private_figures *figures);

/* All but blocks and bytes, of a heap that is not bounded: without holding it. */
void private_totals(struct private_heap *heap, struct private_figures *figures);

#endif
