/* SPDX-License-Identifier: MIT */
/* crt_aligned.c: _aligned_malloc and its kin. A block is a part of a larger one of malloc's, and has
 * a record before it that says where that begins and what was asked for. */
#include "barrow/malloc.h"

#include "os/compiler.h"

#include <errno.h>
#include <string.h>

struct record {
    void *start; /* of malloc's block */
    size_t size;
    size_t alignment;
    size_t offset;
};

/* An offset may put a block at any address; its record is at a multiple of 8 before it. */
static struct record *record_of(const void *block)
{
    return (struct record *)(((uintptr_t)block & ~(uintptr_t)7) - sizeof(struct record));
}

static void *fail_with(int error)
{
    errno = error;
    return NULL;
}

/* Alignments 0 and 1 mean that of malloc. */
static size_t effective(size_t alignment)
{
    return alignment < 16 ? 16 : alignment;
}

static bool is_valid(size_t size, size_t alignment, size_t offset)
{
    return (alignment & (alignment - 1)) == 0 && (offset == 0 || offset < size);
}

/* The first address behind the record with (address + offset) % alignment == 0. */
static void *place(void *start, const struct record *record)
{
    size_t alignment = effective(record->alignment);
    uintptr_t least = (uintptr_t)start + sizeof(*record) + 7;
    uintptr_t block = round_up(least + record->offset, alignment) - record->offset;
    *record_of((void *)block) = *record;
    return (void *)block;
}

static void *make(size_t size, size_t alignment, size_t offset)
{
    struct record record = { .size = size, .alignment = alignment, .offset = offset };
    size_t bytes, added = effective(alignment) + sizeof(record) + 8;
    if (__builtin_add_overflow(size, added, &bytes))
        return fail_with(ENOMEM);
    record.start = barrow_malloc(bytes);
    return record.start != NULL ? place(record.start, &record) : NULL;
}

void *barrow_aligned_offset_malloc(size_t size, size_t alignment, size_t offset)
{
    return is_valid(size, alignment, offset) ? make(size, alignment, offset) : fail_with(EINVAL);
}

void *barrow_aligned_malloc(size_t size, size_t alignment)
{
    return barrow_aligned_offset_malloc(size, alignment, 0);
}

void barrow_aligned_free(void *block)
{
    if (block != NULL)
        barrow_free(record_of(block)->start);
}

static bool is_made_so(const void *block, size_t alignment, size_t offset)
{
    const struct record *record = record_of(block);
    return effective(record->alignment) == effective(alignment) && record->offset == offset;
}

/* A block of another size with the contents of this one. An offset that is outside of the new block
 * is the caller's mistake. */
static void *resize(void *block, size_t size, size_t alignment, size_t offset)
{
    size_t before = record_of(block)->size;
    if (!is_made_so(block, alignment, offset) || !is_valid(size, alignment, offset))
        return fail_with(EINVAL);
    void *resized = make(size, alignment, offset);
    if (resized == NULL)
        return NULL;
    memcpy(resized, block, before < size ? before : size);
    barrow_aligned_free(block);
    return resized;
}

void *barrow_aligned_offset_realloc(void *block, size_t size, size_t alignment, size_t offset)
{
    if (block == NULL)
        return barrow_aligned_offset_malloc(size, alignment, offset);
    if (size != 0)
        return resize(block, size, alignment, offset);
    barrow_aligned_free(block);
    return NULL;
}

void *barrow_aligned_realloc(void *block, size_t size, size_t alignment)
{
    return barrow_aligned_offset_realloc(block, size, alignment, 0);
}

void *barrow_aligned_offset_recalloc(void *block, size_t count, size_t size, size_t alignment,
                                     size_t offset)
{
    size_t bytes, before = block != NULL ? record_of(block)->size : 0;
    if (product_overflows(count, size, &bytes))
        return fail_with(ENOMEM);
    char *resized = barrow_aligned_offset_realloc(block, bytes, alignment, offset);
    if (resized != NULL && bytes > before)
        memset(resized + before, 0, bytes - before);
    return resized;
}

void *barrow_aligned_recalloc(void *block, size_t count, size_t size, size_t alignment)
{
    return barrow_aligned_offset_recalloc(block, count, size, alignment, 0);
}

size_t barrow_aligned_msize(void *block, size_t alignment, size_t offset)
{
    if (block != NULL && is_made_so(block, alignment, offset))
        return record_of(block)->size;
    errno = EINVAL;
    return (size_t)-1;
}
