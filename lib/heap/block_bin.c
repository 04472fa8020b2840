/* SPDX-License-Identifier: MIT */
#include "heap/block_bin.h"

bool is_any_start(const struct bin *bin, const void *address)
{
    const struct span *slab = span_at(span_get(&span_at(granule_of(address))->head));
    size_t blocks = span_bytes(slab) / bin_bytes(bin);
    const char *last = span_start(slab) + (blocks - 1) * bin_bytes(bin);
    bool starts = is_start((uintptr_t)last - (uintptr_t)address, bin->magic);
    return starts && !slab_is_in_hole(slab, address);
}
