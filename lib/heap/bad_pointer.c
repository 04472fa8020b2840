/* SPDX-License-Identifier: MIT */
#include "heap/bad_pointer.h"

#include "diag/message.h"
#include "heap/slab.h"
#include "medium/map.h"
#include "os/process.h"
#include "region/region.h"

static void describe_in_slab(const char *call, const void *address, const struct span *slab)
{
    size_t size = size_class_bytes(slab->size_class);
    const void *start = slab_block_at(slab, address);
    if (start == address && slab_is_in_hole(slab, address))
        message(
            "%s(%p): not a block: its memory was never handed out, or was free and has gone back "
            "to the system",
            call, address);
    else if (start == address)
        message("%s(%p): block of %zu bytes is free already (double free)", call, address, size);
    else if (start != NULL)
        message("%s(%p): pointer is inside a block of %zu bytes that starts at %p", call, address,
                size, start);
    else
        message("%s(%p): pointer is in the unused end of a slab, not a block", call, address);
}

static void describe_in_medium(const char *call, const void *address)
{
    struct place place = map_holder(address);
    if (place.map == NULL || state_of(place) < CELL_LIVE)
        message("%s(%p): memory is free already (double free or wild pointer), not a block", call,
                address);
    else if (place_address(place) != address)
        message("%s(%p): pointer is inside a block of %zu bytes that starts at %p", call, address,
                place_bytes(place), (void *)place_address(place));
    else
        message("%s(%p): block of %zu bytes is free already (double free)", call, address,
                place_bytes(place));
}

void bad_pointer(const char *call, const void *address)
{
    const struct span *span = region_find(address);
    enum span_kind kind = span == NULL ? SPAN_NONE : span_kind(span);
    if (!granule_is_ours(granule_of(address)))
        message("%s(%p): not a block of this heap: foreign or wild pointer", call, address);
    else if (kind == SPAN_SLAB)
        describe_in_slab(call, address, span);
    else if (kind == SPAN_MEDIUM)
        describe_in_medium(call, address);
    else if (kind == SPAN_LARGE)
        message("%s(%p): pointer is inside a block of %zu bytes that starts at %p", call, address,
                span_bytes(span), (void *)span_start(span));
    else if (kind == SPAN_POOL)
        message("%s(%p): not a block in use of the private heap that the address is in", call,
                address);
    else if (kind == SPAN_META)
        message("%s(%p): pointer into the heap's own records, not a block", call, address);
    else
        message("%s(%p): memory is free already (double free or wild pointer), not a block", call,
                address);
    os_abort();
}

void bad_list(const void *block)
{
    message_address("malloc: the freed block at ", block, " was written to (use after free)");
    os_abort();
}

void bad_size(const char *call, const void *block, size_t size, size_t holds)
{
    message("%s(%p): wrong size: freed as a block of %zu bytes, but it holds %zu", call, block,
            size, holds);
    os_abort();
}

void bad_alignment(const char *call, const void *block, size_t alignment)
{
    message("%s(%p): wrong alignment: the block does not start at a multiple of %zu", call, block,
            alignment);
    os_abort();
}
