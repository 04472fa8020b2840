/* SPDX-License-Identifier: MIT */
/* backend.c: size words of blocks, and the calls that keep them right. A block in a slab keeps its size in its last two
 * bytes, a medium one in its last four; a large one in its descriptor. Any thread that owns the block may call; no lock
 * is needed. */
#include "redirect/backend.h"

#include "heap/walk.h"
#include "medium/map.h"

uint16_t backend_block_bytes[SMALL_UNITS];

void backend_start(void)
{
    for (size_t unit = 0; unit < SMALL_UNITS; unit++)
        backend_block_bytes[unit] = (uint16_t)size_class_bytes(size_class_of(unit * 16));
}

/* Regions lie between those of other heaps, so a block is ours if one of our spans has its granule. */
bool backend_owns_elsewhere(const void *address)
{
    if (region_find(address) != NULL)
        return true;
    return checked_is_on() && sampled_owns(address); /* which have pages of their own */
}

/* ---- blocks and their sizes --------------------------------------------------------------- */

/* The large block of malloc's that the address lies in, or NULL. */
static struct span *large_of(const void *address)
{
    size_t granule = granule_of(address);
    if (!granule_is_ours(granule))
        return NULL;
    struct span *span = span_at(granule);
    return span_kind_elsewhere(span) == SPAN_LARGE && span->heap == NULL ? span : NULL;
}

static uint32_t *medium_word(const void *block)
{
    struct place place = place_of(block);
    return (uint32_t *)(void *)(place_address(place) + place_bytes(place)) - 1;
}

static uint16_t *slab_word(const void *block)
{
    size_t granule = granule_of(block);
    const struct span *slab = span_at(span_get(&span_at(granule)->head));
    return size_word((void *)block, size_class_bytes(slab->size_class) - SIZE_WORD);
}

/* False for a block that keeps no size: of a private heap, or of the checked mode, which lays blocks out otherwise. */
static bool noted_size(const void *block, size_t *size)
{
    uint32_t tag = tag_at(block);
    const struct span *large;
    if (checked_is_on())
        return false;
    if (tag_is_medium(tag))
        *size = *medium_word(block);
    else if (tag != 0)
        *size = *slab_word(block);
    else if ((large = large_of(block)) != NULL)
        *size = large->size;
    else
        return false;
    return true;
}

static void note_size(const void *block, size_t size)
{
    uint32_t tag = tag_at(block);
    struct span *large;
    if (checked_is_on())
        return;
    if (tag_is_medium(tag))
        *medium_word(block) = (uint32_t)size;
    else if (tag != 0)
        *slab_word(block) = (uint16_t)size;
    else if ((large = large_of(block)) != NULL)
        large->size = size;
}

/* What the size of a block for that many bytes takes. */
static size_t word_bytes(size_t size)
{
    return size > SMALL_MAX - SIZE_WORD ? sizeof(uint32_t) : SIZE_WORD;
}

/* What malloc is asked for: zeros go on behind the size, and the size word is not among them. In the
 * checked mode it knows the size itself, and its guard starts right behind the program's last byte.
 */
static size_t with_word(size_t size, bool zero)
{
    if (checked_is_on())
        return size;
    return (zero ? zeroed_size(size) : size) + word_bytes(size);
}

static bool is_impossible(size_t size)
{
    return size > PTRDIFF_MAX - GRANULE_SIZE;
}

void *backend_alloc_slow(size_t size, bool zero)
{
    if (is_impossible(size))
        return NULL;
    size_t bytes = with_word(size, zero);
    void *block = zero ? heap_alloc_zero(bytes) : heap_alloc(bytes);
    if (block != NULL)
        note_size(block, size);
    return block;
}

size_t backend_size(const void *block, const char *call)
{
    /* does not return if this is no block */
    size_t usable = heap_usable_size(block, call), size = usable;
    if (!noted_size(block, &size) && !checked_is_on())
        size -= word_bytes(usable - SIZE_WORD);
    return size;
}

static void *resize(void *block, size_t size, DWORD flags, const char *call)
{
    size_t bytes = with_word(size, flags & HEAP_ZERO_MEMORY);
    if (is_impossible(size))
        return NULL;
    if ((flags & HEAP_REALLOC_IN_PLACE_ONLY) == 0)
        return heap_realloc(block, bytes, call);
    return heap_resize_in_place(block, bytes, call) ? block : NULL;
}

void *backend_realloc(void *block, size_t size, DWORD flags, const char *call)
{
    size_t old = backend_size(block, call);
    void *resized = resize(block, size, flags, call);
    if (resized == NULL)
        return NULL;
    note_size(resized, size);
    if (flags & HEAP_ZERO_MEMORY && size > old)
        memset((char *)resized + old, 0, (checked_is_on() ? size : zeroed_size(size)) - old);
    return resized;
}

/* ---- what is there ------------------------------------------------------------------------ */

bool backend_is_block(const void *address)
{
    return heap_is_block(address);
}

bool backend_walk(void **data, size_t *size)
{
    struct piece piece = { .kind = PIECE_BUSY, .data = *data };
    while (heap_walk(&piece) == WALK_MORE)
        if (piece.kind == PIECE_BUSY || piece.kind == PIECE_LARGE) {
            *data = piece.data;
            *size = piece.size;
            noted_size(piece.data, size);
            return true;
        }
    return false;
}

bool backend_is_sound(void)
{
    return heap_validate();
}
