/* SPDX-License-Identifier: MIT */
/* backend.h: the process heap as redirected calls use it. Sizes are exact: _msize and _recalloc go
 * by what was asked for, not by what a size class gave. So the last bytes of a block in a slab or a medium
 * span hold its size; that of a large block is in its descriptor. Where malloc serves a call in
 * another way (the checked mode, a private heap that is the thread's for now), it knows the size
 * itself. */
#ifndef BARROW_REDIRECT_BACKEND_H
#define BARROW_REDIRECT_BACKEND_H

#include "heap/checked.h"
#include "heap/heap.h"
#include "heap/sampled.h"
#include "private/pool.h"
#include "private/zeroed.h"

#include <windows.h>

/* Bytes of the blocks that serve a size up to SMALL_MAX, in units of 16. */
extern uint16_t backend_block_bytes[SMALL_UNITS];

/* Before the first block. */
void backend_start(void);

/* For whatever the thread's cache does not serve at once. */
void *backend_alloc_slow(size_t size, bool zero);

/* NULL when memory or the limit is used up. */
ALWAYS_INLINE void *backend_alloc(size_t size, bool zero)
{
    size_t bytes = zero ? zeroed_size(size) : size, unit = (bytes + SIZE_WORD + 15) / 16;
    if (unlikely(bytes > SMALL_MAX - SIZE_WORD))
        return backend_alloc_slow(size, zero);
    void *block = bin_pop(theap_small_bin(theap_fast(), bytes + SIZE_WORD));
    if (unlikely(block == NULL))
        return backend_alloc_slow(size, zero);
    *size_word(block, backend_block_bytes[unit] - SIZE_WORD) = (uint16_t)size;
    return zero ? memset(block, 0, bytes) : block;
}

bool backend_owns_elsewhere(const void *address);

/* Whether an address is in our heap; it need not be a block. A slab's granules have tags. */
ALWAYS_INLINE bool backend_owns(const void *address)
{
    return likely(tag_at(address) != 0) || backend_owns_elsewhere(address);
}

/* The rest is for addresses in our heap. One that starts no block ends the process with a message,
 * as everywhere in the library, which names the call that the program made. */

ALWAYS_INLINE void backend_free(void *block, const char *call)
{
    heap_free(block, call);
}

/* flags as HeapReAlloc's: HEAP_ZERO_MEMORY, HEAP_REALLOC_IN_PLACE_ONLY. NULL: nothing has changed.
 */
void *backend_realloc(void *block, size_t size, DWORD flags, const char *call);

size_t backend_size(const void *block, const char *call);

/* Whether the address starts a block in use. */
bool backend_is_block(const void *address);

/* Whether the lists of the whole heap are as they should be. */
bool backend_is_sound(void);

/* The first block in use for data NULL, else the one behind data. False at the end. Blocks that
 * other threads allocate or free meanwhile may be missed or shown. */
bool backend_walk(void **data, size_t *size);

#endif
