/* SPDX-License-Identifier: MIT */
/* layout.c: the maps of medium spans, for who reads the process: see diag/layout.h. */
#include "medium/layout.h"

#include "diag/layout.h"
#include "medium/map.h"

enum { LEAF_SHIFT_OF_MAPS = 9 };
_Static_assert(MAP_LEAF == 1 << LEAF_SHIFT_OF_MAPS, "as below");

const struct medium_layout medium_layout = {
    .tag_size = sizeof(struct granule_tag),
    .number = offsetof(struct granule_tag, map),
    .leaves = medium_maps,
    .leaf_shift = LEAF_SHIFT_OF_MAPS,
    .map_size = sizeof(struct medium_map),
    .most = MAP_CELLS,
    .cell_shift = CELL_SHIFT,
    .start = offsetof(struct medium_map, start),
    .cells = offsetof(struct medium_map, cells),
    .states = offsetof(struct medium_map, state),
    .records = offsetof(struct medium_map, cell),
    .record_size = sizeof(struct cell),
    .length = offsetof(struct cell, length),
    .live = CELL_LIVE,
    .passed = CELL_PASSED,
};
