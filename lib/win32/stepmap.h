/* SPDX-License-Identifier: MIT */
/* stepmap.h: a function from addresses to small numbers that is constant over long stretches: the
 * protection of an area's pages, the locked pages of the process.
 *
 *     key     0x0000      0x3000          0x9000
 *     value   |-- 4 ------|-- 0 ----------|-- 2 ----- ... to the end
 *
 * Neighbouring steps always differ in value, so that a step is as long as can be. Below the first
 * key the value is 0. The caller holds win32_lock. */
#ifndef BARROW_WIN32_STEPMAP_H
#define BARROW_WIN32_STEPMAP_H

#include "tree.h"

#include <stdbool.h>
#include <stdint.h>

struct stepmap {
    struct tree_node *root;
};

/* The value at an address. */
uint32_t stepmap_get(const struct stepmap *map, uintptr_t at);

/* The first address above at where the value changes, or limit when that comes first. */
uintptr_t stepmap_next(const struct stepmap *map, uintptr_t at, uintptr_t limit);

/* Makes sure that the next stepmap_set cannot fail. False: out of memory. */
bool stepmap_ready(void);

/* Gives [start, end) the value. start < end; stepmap_ready was called. */
void stepmap_set(struct stepmap *map, uintptr_t start, uintptr_t end, uint32_t value);

void stepmap_clear(struct stepmap *map);

#endif
