/* SPDX-License-Identifier: MIT */
/* interval_map.h: a function from addresses to small numbers that is constant over long stretches:
 * the protection of an area's pages, the locked pages of the process.
 *
 *     key     0x0000      0x3000          0x9000
 *     value   |-- 4 ------|-- 0 ----------|-- 2 ----- ... to the end
 *
 * Neighbouring steps always differ in value, so that a step is as long as can be. Below the first
 * key the value is 0. The caller holds win32_lock. */
#ifndef BARROW_WIN32_HOST_INTERVAL_MAP_H
#define BARROW_WIN32_HOST_INTERVAL_MAP_H

#include "win32/host/tree.h"

#include <stdbool.h>
#include <stdint.h>

struct interval_map {
    struct tree_node *root;
};

/* The value at an address. */
uint32_t interval_map_get(const struct interval_map *map, uintptr_t at);

/* The first address above at where the value changes, or limit when that comes first. */
uintptr_t interval_map_next(const struct interval_map *map, uintptr_t at, uintptr_t limit);

/* The lowest address from which on the value is that at an address. */
uintptr_t interval_map_start(const struct interval_map *map, uintptr_t at);

/* Makes sure that the next interval_map_set cannot fail. False: out of memory. */
bool interval_map_ready(void);

/* Gives [start, end) the value. start < end; interval_map_ready was called. */
void interval_map_set(struct interval_map *map, uintptr_t start, uintptr_t end, uint32_t value);

void interval_map_clear(struct interval_map *map);

#endif
