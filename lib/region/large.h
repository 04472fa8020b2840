/* SPDX-License-Identifier: MIT */
/* large.h: blocks beyond what slabs hold: a span each, owned by no thread. Any thread. */
#ifndef BARROW_REGION_LARGE_H
#define BARROW_REGION_LARGE_H

#include "region/page_map.h"

/* What a heap, or one of its threads, holds of such blocks. relaxed: figures. A block may leave another
 * account than it entered; the sums are right. */
struct large_account {
    _Atomic size_t blocks, bytes;
    bool single_writer; /* one thread at a time counts here */
};

/* align is a power of two; NULL when there is no memory. With `growing`, room is kept behind it. */
void *large_alloc(struct large_account *account, size_t align, size_t size, bool zero,
                  bool growing);
void large_free(struct large_account *account, struct span *span);

/* In place if it can be, else, if it may, by moving the pages, else by copying. NULL, and nothing
 * changed, when there is no memory. */
void *large_resize(struct large_account *account, struct span *span, size_t size, bool may_move);

#endif
