/* SPDX-License-Identifier: MIT */
/* checked_block.h: a block of the checked mode (BARROW_CHECKS), inside a plain block of the heap.
 *
 *     | header | front guard ... | the program's bytes ... | rear guard ... |
 *     ^ plain block              ^ what malloc returned    ^ its end as asked for
 *
 * The header is 16 bytes. The program's bytes start 16 behind the plain block, or as many as their
 * alignment asks for; then there is a front guard in between. The rear guard is 16 bytes at least,
 * and what the size class leaves over, up to 64. The header's seal depends on its address, on its
 * contents and on a key of the process: a header that was written over, or copied, does not hold.
 *
 * While a block is in quarantine its seal is inverted. Once it has left that, the heap's own link
 * and mark stand where the header was (heap/block.h): out of reach of a program that writes to a
 * freed block, but for one that runs over a guard of 16 bytes first. */
#ifndef BARROW_HEAP_CHECKED_BLOCK_H
#define BARROW_HEAP_CHECKED_BLOCK_H

#include "region/page_map.h"

enum {
    CHECKED_HEADER = 16,
    CHECKED_GUARD = 16, /* bytes behind the block, at least */
    GUARD_BYTE = 0xB7,
    FRESH_BYTE = 0xC5,    /* what a block holds before the program has written to it */
    FREED_BYTE = 0xDB,    /* eight of either are an address that no process has */
    FILL_MOST = 64 * 1024 /* a longer block is filled, and looked at, up to here only */
};

struct checked_header {
    uint64_t word; /* size, and the logarithm of the distance to the program's bytes above it */
    _Atomic uint64_t seal;
};

_Static_assert(sizeof(struct checked_header) == CHECKED_HEADER, "keeps the alignment");

enum checked_state { CHECKED_LIVE, CHECKED_FREED, CHECKED_OTHER };

enum damage_kind { DAMAGE_NONE, DAMAGE_FRONT, DAMAGE_BEHIND, DAMAGE_CONTENTS };

struct damage {
    enum damage_kind kind;
    const unsigned char *at; /* the first byte that is not as it should be */
};

void checked_block_start(void); /* draws the key */

/* The bytes that a plain block must have; 0 if there can be none so long. */
size_t checked_block_bytes(size_t align, size_t size);

/* Makes a plain block a checked one, and returns where the program's bytes start. `usable` is the
 * length of the plain block. */
void *checked_block_make(void *plain, size_t align, size_t size, size_t usable);

enum checked_state checked_block_state(const struct checked_header *header);

/* LIVE -> FREED; false when another thread was quicker, or the header no longer holds. */
bool checked_block_retire(struct checked_header *header);

size_t checked_block_size(const struct checked_header *header);
unsigned char *checked_block_bytes_of(const struct checked_header *header);

/* Fill the program's bytes. */
void checked_block_fill(struct checked_header *header, int byte);

/* Looks at both guards; with `freed`, at the contents as well, which must be FREED_BYTE. */
struct damage checked_block_look(const struct checked_header *header, size_t usable, bool freed);

/* The first byte of [at, end) that is not `byte`; NULL: they all are. */
const unsigned char *checked_first_other(const unsigned char *at, const unsigned char *end,
                                         unsigned char byte);

#endif
