/* SPDX-License-Identifier: MIT */
/* snapshot.h: the form in which a picture of a heap is kept, a text of lines:
 *
 *     barrow-map 1
 *     snapshot PID SECONDS NAME          SECONDS since 1970, with a fraction
 *     stat KEY VALUE                     fields of struct barrow_stats
 *     class NUMBER BYTES                 size classes that are in use
 *     heap NUMBER HANDLE COMMITTED LIMIT NAME
 *     span ADDRESS BYTES KIND CLASS USED HEAP PAGES BLOCKS
 *     end
 *
 * and so on from `snapshot`, for each moment. KIND is a letter (see snapshot_kinds). PAGES and BLOCKS are
 * lengths of stretches, separated by commas: of pages in memory and not, of blocks in use and free, in turn;
 * `-` where nothing is known. ADDRESS, BYTES and HANDLE are hexadecimal. In NAME all but letters, digits and
 * -._ is written as %XX. */
#ifndef BARROW_TOOLS_SNAPSHOT_H
#define BARROW_TOOLS_SNAPSHOT_H

#include "heap_view.h"

#include <stdio.h>

#define SNAPSHOT_MAGIC "barrow-map 1"

/* The letters of enum layout_kind. After those, b: the committed part of a bounded heap. */
extern const char snapshot_kinds[];

enum { VIEW_BOUNDED = LAYOUT_KINDS };

/* Writes one moment; `seconds` since 1970. Blocks are looked into as long as there are no more than
 * `slabs_most` bytes of slabs. */
void snapshot_write(FILE *out, const struct view *view, const struct remote *remote, double seconds,
                    uint64_t slabs_most);

#endif
