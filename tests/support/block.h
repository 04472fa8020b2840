/* SPDX-License-Identifier: MIT */
/* block.h: a block with contents that can be checked, made through a random entry point. */
#ifndef BARROW_TESTS_BLOCK_H
#define BARROW_TESTS_BLOCK_H

#include <stddef.h>
#include <stdint.h>

struct block {
    void *bytes; /* NULL: none held */
    size_t size;
    uint64_t seed;
};

/* Allocates size bytes (malloc, calloc, aligned_alloc, ... by chance), checks what is promised of
 * them, and fills them. Ends the process when memory is refused. */
void block_make(struct block *block, size_t size, uint64_t *random);

/* Checks the contents, reallocates and checks again, and fills anew. */
void block_resize(struct block *block, size_t size, uint64_t *random);

/* Checks the contents. */
void block_check(const struct block *block);

/* Checks the contents and frees the block if there is one. */
void block_drop(struct block *block);

#endif
