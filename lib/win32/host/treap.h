/* SPDX-License-Identifier: MIT */
/* treap.h: the priorities of the nodes of a treap: hashes of addresses.
 *
 * The addresses of objects that were allocated one after the other differ by one stride. The multiples
 * of one stride times a constant are spread evenly but not at random: a treap of 100,000 of them is up
 * to 730 deep, depending on the stride. With a second multiplication it is about 40 deep for any. */
#ifndef BARROW_WIN32_HOST_TREAP_H
#define BARROW_WIN32_HOST_TREAP_H

#include <stdint.h>

static inline uint64_t treap_priority(uintptr_t address)
{
    uint64_t x = (uint64_t)address * UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 32)) * UINT64_C(0xD6E8FEB86659FD93);
    return x ^ (x >> 32);
}

#endif
