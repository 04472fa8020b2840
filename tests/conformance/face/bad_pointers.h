/* SPDX-License-Identifier: MIT */
/* bad_pointers.h: pointers that no block starts at, or whose block is free already, one kind each,
 * for bad_calls.c to hand to every call that takes a block. */
#ifndef BARROW_TESTS_BAD_POINTERS_H
#define BARROW_TESTS_BAD_POINTERS_H

#include <stddef.h>

/* What a message may give as the cause; more than one where the heap cannot know. */
enum {
    FOREIGN = 1, /* not a block of this heap */
    INSIDE = 2,  /* inside a block */
    FREED = 4    /* a block that is free already */
};

struct bad_pointer {
    const char *name;
    void *(*make)(void);
    unsigned causes;
};

/* Ends with a name of NULL. */
extern const struct bad_pointer bad_pointers[];

#endif
