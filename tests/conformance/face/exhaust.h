/* SPDX-License-Identifier: MIT */
/* exhaust.h: allocates until memory is refused, and tells how far it got. For children that run
 * under a limit. */
#ifndef BARROW_TESTS_EXHAUST_H
#define BARROW_TESTS_EXHAUST_H

#include <stdbool.h>
#include <stddef.h>

/* Blocks held, in a list through their first words: no table that would need memory itself. */
struct hoard {
    void *first;
    size_t blocks;
    size_t bytes;
};

/* Allocates blocks of size (at least a pointer's), touched at both ends, until one is refused or
 * most bytes are held. Ends the process when a refusal comes without ENOMEM. */
void hoard_fill(struct hoard *hoard, size_t size, size_t most);

/* Frees all but one block in keep; 0: all. */
void hoard_thin(struct hoard *hoard, size_t keep);

#endif
