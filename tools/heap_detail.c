/* SPDX-License-Identifier: MIT */
/* heap_detail.c: pages and blocks of a span of another process. */
#include "heap_view.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENTRIES = 4096, PRESENT_SHIFT = 63 };

static struct bits make_bits(size_t count)
{
    return (struct bits){ calloc(count / 64 + 1, sizeof(uint64_t)), count };
}

static void set(struct bits *bits, size_t number)
{
    bits->words[number / 64] |= 1ULL << (number % 64);
}

/* /proc/PID/pagemap has a word for each page. */
struct bits view_resident(const struct remote *remote, const struct view_span *span)
{
    char path[64];
    static uint64_t entries[ENTRIES];
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), first = span->address / page;
    struct bits bits = make_bits(span->bytes / page);
    snprintf(path, sizeof path, "/proc/%jd/pagemap", (intmax_t)remote->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (size_t at = 0; bits.words && fd >= 0 && at < bits.count;) {
        size_t wanted = bits.count - at < ENTRIES ? bits.count - at : ENTRIES;
        ssize_t got =
            pread(fd, entries, wanted * sizeof *entries, (off_t)((first + at) * sizeof *entries));
        if (got < (ssize_t)sizeof *entries)
            break;
        for (size_t i = 0; i < (size_t)got / sizeof *entries; i++)
            if (entries[i] >> PRESENT_SHIFT)
                set(&bits, at + i);
        at += (size_t)got / sizeof *entries;
    }
    if (fd >= 0)
        close(fd);
    return bits;
}

static bool is_free(const uint64_t words[2], uint64_t key, uint32_t free_byte)
{
    return words[1] >> 56 == free_byte && words[1] == (words[0] ^ key);
}

/* A hole stands for a 64th of the slab, of a short one for a page. */
static bool is_in_hole(const struct view_span *slab, uint64_t distance)
{
    uint64_t unit = slab->bytes / 64 < 4096 ? 4096 : slab->bytes / 64;
    return slab->holes >> (distance / unit & 63) & 1;
}

/* Pages that are not in memory are not read, for reading would bring them. */
static void read_pages(const struct remote *remote, const struct view_span *slab,
                       const struct bits *resident, unsigned char *memory)
{
    uint64_t page = slab->bytes / resident->count;
    for (size_t first = 0, end; first < resident->count; first = end) {
        for (end = first + 1; end < resident->count && bit(resident, end) == bit(resident, first);)
            end++;
        if (bit(resident, first))
            remote_read(remote, slab->address + first * page, memory + first * page,
                        (end - first) * page);
    }
}

static void find_blocks(const struct remote *remote, const struct view_span *slab, uint64_t block,
                        const struct bits *resident, struct bits *blocks)
{
    uint64_t key;
    unsigned char *memory = calloc(1, slab->bytes);
    uint64_t page = slab->bytes / resident->count, words[2];
    if (memory && remote_read(remote, (uintptr_t)remote->heap.block_key, &key, sizeof key)) {
        read_pages(remote, slab, resident, memory);
        for (size_t i = 0; i < blocks->count; i++) {
            memcpy(words, memory + i * block, sizeof words);
            if (!is_in_hole(slab, i * block) && bit(resident, i * block / page) &&
                !is_free(words, key, remote->heap.free_byte))
                set(blocks, i);
        }
    }
    free(memory);
}

struct bits view_blocks(const struct remote *remote, const struct view_span *slab, uint64_t block)
{
    struct bits none = { NULL, 0 };
    if (block < 16 || slab->bytes > 1 << 24 || slab->bytes < 4096)
        return none;
    struct bits resident = view_resident(remote, slab), blocks = make_bits(slab->bytes / block);
    if (resident.words && blocks.words && resident.count)
        find_blocks(remote, slab, block, &resident, &blocks);
    free(resident.words);
    return blocks;
}
