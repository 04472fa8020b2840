/* SPDX-License-Identifier: MIT */
/* layout.c: the page map and the account, for who reads the process: see diag/layout.h. */
#include "diag/layout.h"

#include "region/layout.h"
#include "region/region_state.h"

const struct region_layout region_layout = {
    .root = region_map.root,
    .no_tags = region_map.no_tags,
    .roots = LEAVES_MAX,
    .spans_before = LEAF_SPANS_BYTES,
    .root_shift = GRANULE_SHIFT + LEAF_SHIFT,
    .granule_shift = GRANULE_SHIFT,
    .covered_behind = LEAF_TAGS_BYTES + offsetof(struct leaf_info, covered),
    .span_size = sizeof(struct span),
    .kind = offsetof(struct span, kind_and_arena), /* its first byte, of a little-endian word */
    .size_class = offsetof(struct span, size_class),
    .granules = offsetof(struct span, granules),
    .used = offsetof(struct span, used),
    .holes = offsetof(struct span, holes),
    .heap = offsetof(struct span, heap),
    .pool = offsetof(struct span, pool),
    .large_size = offsetof(struct span, size),
    .kinds = {
        [SPAN_NONE] = LAYOUT_NONE,
        [SPAN_RESERVED] = LAYOUT_RESERVED,
        [SPAN_CLEAN] = LAYOUT_CLEAN,
        [SPAN_DIRTY] = LAYOUT_DIRTY,
        [SPAN_PURGING] = LAYOUT_DIRTY,
        [SPAN_GUARD] = LAYOUT_GUARD,
        [SPAN_META] = LAYOUT_META,
        [SPAN_LOST] = LAYOUT_LOST,
        [SPAN_SLAB] = LAYOUT_SLAB,
        [SPAN_POOL] = LAYOUT_POOL,
        [SPAN_LARGE] = LAYOUT_LARGE,
        [SPAN_MEDIUM] = LAYOUT_MEDIUM,
    },
    .committed = &region.committed,
    .committed_peak = &region.committed_peak,
    .purged = &region.purged_bytes,
    .reserved = &region.reserved,
    .meta = &region.meta_bytes,
    .commit_limit = &region_settings.commit_limit,
    .reservations = &region.reservations,
};
