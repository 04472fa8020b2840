/* SPDX-License-Identifier: MIT */
#include "heap/block_bin.h"

bool is_any_start(const struct theap *theap, const struct bin *bin, const void *address)
{
    const struct span *slab = span_at(span_get(&span_at(granule_of(address))->head));
    unsigned size_class = bin_class(theap, bin);
    uint32_t reach = theap->reach[size_class];
    uint32_t distance = (uint32_t)((const char *)address - span_start(slab));
    bool starts = size_class_is_long(size_class) ? is_long_start(distance, bin->magic, reach)
                                                 : is_start((uint16_t)distance, bin->magic, reach);
    return starts && !slab_is_in_hole(slab, address);
}
