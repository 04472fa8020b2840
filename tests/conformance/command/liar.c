/* SPDX-License-Identifier: MIT */
/* liar.c: has the note that leads to struct heap_layout, and at its end what no library would say:
 * random words, drawn by the number given, with the magic and version right. */
#include "diag/layout.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct heap_layout heap_layout = { .magic = LAYOUT_MAGIC, .version = LAYOUT_VERSION };

static struct region_layout region;
static struct threads_layout threads;
static struct slots_layout slots;
static uint64_t words[1 << 16]; /* what the addresses lead to */

__asm__(".pushsection .note.barrow, \"a\", %note\n"
        "    .balign 4\n"
        "    .long 7, 8, 1\n"
        "    .asciz \"barrow\"\n"
        "    .balign 4\n"
        "1:  .quad heap_layout - 1b\n"
        ".popsection");

static uint64_t draw(void)
{
    static const uint64_t odd[] = { 0, 1, UINT64_MAX, UINT32_MAX, (uint64_t)1 << 63, 4096 };
    uint64_t number = ((uint64_t)rand() << 32) ^ (uint64_t)rand();
    switch (rand() % 4) {
    case 0:
        return odd[(unsigned)rand() % 6];
    case 1:
        return (uintptr_t)&words[(unsigned)rand() % (1 << 16)];
    case 2:
        return number % 256;
    default:
        return number;
    }
}

static void fill(void *structure, size_t size)
{
    for (size_t at = 0; at + 8 <= size; at += 8) {
        uint64_t word = draw();
        memcpy((char *)structure + at, &word, 8);
    }
}

/* What the command checks first is right more often than chance would have it. */
static void be_plausible(void)
{
    heap_layout.size = sizeof heap_layout;
    heap_layout.region = &region;
    heap_layout.threads = &threads;
    heap_layout.slots = &slots;
    heap_layout.classes = (uint32_t)rand() % (LAYOUT_CLASSES + 1);
    for (int i = 0; i < LAYOUT_CLASSES; i++)
        heap_layout.block_bytes[i] = (uint32_t)rand() | 1;
    region.span_size = 64;
    region.granule_shift = 16;
    region.root_shift = 30;
    region.roots = 1 << 17;
    region.root = region.no_tags = words;
    region.spans_before = (uint64_t)rand() % 4096 * 8;
    region.covered_behind = (uint32_t)rand() % 4096 * 8;
    region.kind = region.size_class = region.granules = region.used = (uint16_t)(rand() % 60);
    region.holes = region.heap = region.pool = region.large_size = (uint16_t)(rand() % 56);
    for (int i = 0; i < 16; i++)
        region.kinds[i] = (uint8_t)(rand() % LAYOUT_KINDS);
    threads = (struct threads_layout){ .leaves = words,
                                       .count = &words[5],
                                       .idle_count = words,
                                       .leaf_shift = 12,
                                       .theap_size = 8192,
                                       .bin_size = 32,
                                       .limit = 8,
                                       .spare = 16,
                                       .spare_count = 24 };
    slots.first = &words[rand() % 1000];
    slots.next = (uint16_t)(rand() % 256);
    slots.name_size = (uint16_t)rand();
}

int main(int argc, char **argv)
{
    srand(argc > 1 ? (unsigned)atoi(argv[1]) : 0);
    fill(words, sizeof words);
    fill(&region, sizeof region);
    fill(&threads, sizeof threads);
    fill(&slots, sizeof slots);
    heap_layout.region = (const struct region_layout *)draw();
    heap_layout.size = (uint32_t)draw();
    if (rand() % 8)
        be_plausible();
    if (write(1, "ready\n", 6) != 6)
        return 1;
    pause();
    return 0;
}
