/* SPDX-License-Identifier: MIT */
/* checked_report.h: from an address to its checked block, and what there is to say when it is none,
 * or not what it was. */
#ifndef BARROW_HEAP_CHECKED_REPORT_H
#define BARROW_HEAP_CHECKED_REPORT_H

#include "heap/checked_block.h"

/* The start of the plain block in which the address lies: a header, if it is a checked one. NULL
 * for addresses that no block of the heap has. */
struct checked_header *checked_header_of(const void *address);

/* The address is not the start of a block in use. */
_Noreturn void checked_report_pointer(const struct checked_header *header, const void *address,
                                      const char *call);

/* A guard, or a freed block, was written over. */
_Noreturn void checked_report_damage(const struct checked_header *header, struct damage damage,
                                     const char *call);

/* The heap's own records do not hold; `wrong` is the rule that they break. */
_Noreturn void checked_report_records(const char *wrong, const char *call);

/* A header was written over. */
_Noreturn void checked_report_header(const struct checked_header *header, const char *call);

#endif
