/* SPDX-License-Identifier: MIT */
/* zeroed.h: how far zeros reach behind a block that was asked for with HEAP_ZERO_MEMORY. */
#ifndef BARROW_PRIVATE_ZEROED_H
#define BARROW_PRIVATE_ZEROED_H

#include "os/compiler.h"

/* Up to the next multiple of 8, as on Windows: programs take what is there for theirs. A size that no
 * block can have stays as it is. */
ALWAYS_INLINE size_t zeroed_size(size_t size)
{
    return likely(size <= PTRDIFF_MAX) ? round_up(size, 8) : size;
}

#endif
