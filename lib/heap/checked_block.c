/* SPDX-License-Identifier: MIT */
#include "heap/checked_block.h"

#include "heap/random.h"

#include <string.h>

enum { OFFSET_SHIFT = 56, GUARD_MOST = 64 };

#define SIZE_MASK (((uint64_t)1 << OFFSET_SHIFT) - 1)

static uint64_t key;

void checked_block_start(void)
{
    key = random_next();
}

/* ---- header ------------------------------------------------------------------------------- */

static uint64_t seal_of(const struct checked_header *header, uint64_t word)
{
    uint64_t x = ((uintptr_t)header ^ word * 0x9e3779b97f4a7c15U) + key;
    x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9U;
    return x ^ (x >> 32);
}

static size_t offset_of(const struct checked_header *header)
{
    return (size_t)1 << (header->word >> OFFSET_SHIFT);
}

size_t checked_block_size(const struct checked_header *header)
{
    return header->word & SIZE_MASK;
}

unsigned char *checked_block_bytes_of(const struct checked_header *header)
{
    return (unsigned char *)(uintptr_t)header + offset_of(header);
}

/* The seal last: who reads it (acquire) to be right finds the rest in place. */
static void write_header(struct checked_header *header, size_t offset, size_t size)
{
    header->word = size | (uint64_t)__builtin_ctzll(offset) << OFFSET_SHIFT;
    atomic_store_explicit(&header->seal, seal_of(header, header->word), memory_order_release);
}

enum checked_state checked_block_state(const struct checked_header *header)
{
    uint64_t seal = atomic_load_explicit(&header->seal, memory_order_acquire);
    uint64_t live = seal_of(header, header->word);
    return seal == live ? CHECKED_LIVE : seal == ~live ? CHECKED_FREED : CHECKED_OTHER;
}

bool checked_block_retire(struct checked_header *header)
{
    uint64_t live = seal_of(header, header->word);
    return atomic_compare_exchange_strong_explicit(&header->seal, &live, ~live,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

/* ---- guards ------------------------------------------------------------------------------- */

static unsigned char *rear_end(const struct checked_header *header, size_t usable)
{
    unsigned char *start = checked_block_bytes_of(header) + checked_block_size(header);
    unsigned char *end = (unsigned char *)(uintptr_t)header + usable;
    return end - start < GUARD_MOST ? end : start + GUARD_MOST;
}

static unsigned char *front_start(const struct checked_header *header)
{
    unsigned char *bytes = checked_block_bytes_of(header);
    unsigned char *start = (unsigned char *)(uintptr_t)header + CHECKED_HEADER;
    return bytes - start < GUARD_MOST ? start : bytes - GUARD_MOST;
}

static size_t filled(const struct checked_header *header)
{
    size_t size = checked_block_size(header);
    return size < FILL_MOST ? size : FILL_MOST;
}

const unsigned char *checked_first_other(const unsigned char *at, const unsigned char *end,
                                         unsigned char byte)
{
    uint64_t eight = 0x0101010101010101U * byte, here;
    for (; end - at >= (ptrdiff_t)sizeof here; at += sizeof here) {
        memcpy(&here, at, sizeof here);
        if (here != eight)
            break;
    }
    for (; at < end; at++)
        if (*at != byte)
            return at;
    return NULL;
}

/* ---- block -------------------------------------------------------------------------------- */

size_t checked_block_bytes(size_t align, size_t size)
{
    size_t offset = align > CHECKED_HEADER ? align : CHECKED_HEADER, bytes;
    if (size > PTRDIFF_MAX / 2 || __builtin_add_overflow(offset + CHECKED_GUARD, size, &bytes) ||
        bytes > PTRDIFF_MAX)
        return 0;
    return bytes;
}

void *checked_block_make(void *plain, size_t align, size_t size, size_t usable)
{
    struct checked_header *header = plain;
    size_t offset = align > CHECKED_HEADER ? align : CHECKED_HEADER;
    header->word = size | (uint64_t)__builtin_ctzll(offset) << OFFSET_SHIFT;
    unsigned char *bytes = checked_block_bytes_of(header), *front = front_start(header);
    memset(front, GUARD_BYTE, (size_t)(bytes - front));
    memset(bytes + size, GUARD_BYTE, (size_t)(rear_end(header, usable) - (bytes + size)));
    write_header(header, offset, size);
    return bytes;
}

void checked_block_fill(struct checked_header *header, int byte)
{
    memset(checked_block_bytes_of(header), byte, filled(header));
}

struct damage checked_block_look(const struct checked_header *header, size_t usable, bool freed)
{
    const unsigned char *bytes = checked_block_bytes_of(header), *at;
    const unsigned char *end = bytes + checked_block_size(header);
    if ((at = checked_first_other(front_start(header), bytes, GUARD_BYTE)) != NULL)
        return (struct damage){ DAMAGE_FRONT, at };
    if ((at = checked_first_other(end, rear_end(header, usable), GUARD_BYTE)) != NULL)
        return (struct damage){ DAMAGE_BEHIND, at };
    if (freed && (at = checked_first_other(bytes, bytes + filled(header), FREED_BYTE)) != NULL)
        return (struct damage){ DAMAGE_CONTENTS, at };
    return (struct damage){ DAMAGE_NONE, NULL };
}
