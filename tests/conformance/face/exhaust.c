/* SPDX-License-Identifier: MIT */
#include "exhaust.h"

#include <errno.h>

#include "support/calls.h"
#include "support/check.h"

void hoard_fill(struct hoard *hoard, size_t size, size_t most)
{
    while (hoard->bytes + size <= most) {
        errno = 0;
        char *block = malloc(size);
        if (block == NULL) {
            REQUIRE(errno == ENOMEM);
            return;
        }
        block[size - 1] = 1;
        *(void **)(void *)block = hoard->first;
        hoard->first = block;
        hoard->blocks++;
        hoard->bytes += size;
    }
}

void hoard_thin(struct hoard *hoard, size_t keep)
{
    size_t size = hoard->blocks > 0 ? hoard->bytes / hoard->blocks : 0;
    struct hoard kept = { NULL, 0, 0 };

    for (size_t i = 0; hoard->first != NULL; i++) {
        void *block = hoard->first;
        hoard->first = *(void **)block;
        if (keep == 0 || i % keep != 0) {
            free(block);
            continue;
        }
        *(void **)block = kept.first;
        kept.first = block;
        kept.blocks++;
        kept.bytes += size;
    }
    *hoard = kept;
}
