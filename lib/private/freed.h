/* SPDX-License-Identifier: MIT */
/* freed.h: what a free block in a private heap's slab holds. Only its first word is used: the last
 * two bytes of any block are the pool's. */
#ifndef BARROW_PRIVATE_FREED_H
#define BARROW_PRIVATE_FREED_H

struct freed {
    struct freed *next;
};

#endif
