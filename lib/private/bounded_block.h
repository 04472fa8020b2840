/* SPDX-License-Identifier: MIT */
/* bounded_block.h: what stands in a block of a bounded heap, for the engine's own files.
 *
 *     header | the program's bytes ..........................................  | next header
 *     header | next free | previous free | [range given back] | ...... | size (foot) | next header
 *
 * A block is named by its unit: the place of the program's first byte, in units from the heap's
 * start. It reaches to the next header, so a block of n units holds 16 n - 8 bytes. Two units are
 * the least, for the three words of a free block. Two blocks in free lists never touch. */
#ifndef BARROW_PRIVATE_BOUNDED_BLOCK_H
#define BARROW_PRIVATE_BOUNDED_BLOCK_H

#include "private/bounded.h"
#include "private/bounded_journal.h"

enum {
    BOUNDED_LEAST = 2,
    BOUNDED_FREE_HEAD = 3 /* units at the start of a long free block that hold more than zeros */
};

struct bounded_links {
    bounded_word next, previous; /* units, or no_block() */
};

/* Units of whole pages in a free block whose memory was given back. Stands behind the links, if the
 * header says so. */
struct bounded_range {
    bounded_word start, end;
};

ALWAYS_INLINE void *block_address(const struct bounded *heap, uint64_t unit)
{
    return (char *)heap + unit * BOUNDED_UNIT;
}

ALWAYS_INLINE bounded_word *block_header(const struct bounded *heap, uint64_t unit)
{
    return (bounded_word *)block_address(heap, unit) - 1;
}

ALWAYS_INLINE struct bounded_links *block_links(const struct bounded *heap, uint64_t unit)
{
    return block_address(heap, unit);
}

/* What stands for no block in lists: nothing that a block is likely to be overwritten with. */
ALWAYS_INLINE uint64_t no_block(const struct bounded *heap)
{
    return heap->key;
}

ALWAYS_INLINE struct bounded_range *block_range(const struct bounded *heap, uint64_t unit)
{
    return block_address(heap, unit + 1);
}

/* The last word of the block that ends where this one starts. */
ALWAYS_INLINE bounded_word *foot_before(const struct bounded *heap, uint64_t unit)
{
    return (bounded_word *)block_address(heap, unit) - 2;
}

ALWAYS_INLINE uint64_t block_fields(const struct bounded *heap, uint64_t unit)
{
    return bounded_fields(heap, unit, *block_header(heap, unit));
}

ALWAYS_INLINE void set_block(struct bounded *heap, uint64_t unit, uint64_t fields)
{
    bounded_note(heap, block_header(heap, unit), 1);
    *block_header(heap, unit) = bounded_stored(fields) ^ bounded_mask(heap, unit);
}

ALWAYS_INLINE void clear_header(struct bounded *heap, uint64_t unit)
{
    bounded_note(heap, block_header(heap, unit), 1);
    *block_header(heap, unit) = 0;
}

/* The last word of the block that ends at `end`. */
ALWAYS_INLINE void set_foot(struct bounded *heap, uint64_t end, uint64_t units)
{
    bounded_note(heap, foot_before(heap, end), 1);
    *foot_before(heap, end) = units;
}

ALWAYS_INLINE void set_links(struct bounded *heap, uint64_t unit, struct bounded_links links)
{
    bounded_note(heap, block_links(heap, unit), 2);
    *block_links(heap, unit) = links;
}

ALWAYS_INLINE void set_next(struct bounded *heap, uint64_t unit, uint64_t next)
{
    bounded_note(heap, &block_links(heap, unit)->next, 1);
    block_links(heap, unit)->next = next;
}

ALWAYS_INLINE void set_previous(struct bounded *heap, uint64_t unit, uint64_t previous)
{
    bounded_note(heap, &block_links(heap, unit)->previous, 1);
    block_links(heap, unit)->previous = previous;
}

/* Changes some fields and leaves damage as it is. */
ALWAYS_INLINE void flip_block(struct bounded *heap, uint64_t unit, uint64_t fields)
{
    bounded_flip(heap, block_header(heap, unit), bounded_stored(fields));
}

ALWAYS_INLINE uint64_t fields_units(uint64_t fields)
{
    return fields >> BOUNDED_SIZE_SHIFT & (((uint64_t)1 << BOUNDED_SIZE_BITS) - 1);
}

ALWAYS_INLINE size_t fields_slack(uint64_t fields)
{
    return ((fields & BOUNDED_SLACK) >> BOUNDED_SLACK_SHIFT) ^ 15;
}

/* What a block of that many units can hold. */
ALWAYS_INLINE size_t units_room(uint64_t units)
{
    return units * BOUNDED_UNIT - 8;
}

/* The units that `size` bytes take; the size must be below BOUNDED_LARGEST. */
ALWAYS_INLINE uint64_t units_for(size_t size)
{
    size_t units = (size + BOUNDED_UNIT + 7) / BOUNDED_UNIT;
    return units < BOUNDED_LEAST ? BOUNDED_LEAST : units;
}

ALWAYS_INLINE uint64_t fields_in_use(uint64_t units, size_t size)
{
    return units << BOUNDED_SIZE_SHIFT | ((units_room(units) - size) ^ 15) << BOUNDED_SLACK_SHIFT;
}

ALWAYS_INLINE uint64_t fields_quick(uint64_t units)
{
    return units << BOUNDED_SIZE_SHIFT | BOUNDED_STATE_QUICK;
}

ALWAYS_INLINE uint64_t fields_free(uint64_t units)
{
    return units << BOUNDED_SIZE_SHIFT | BOUNDED_STATE_FREE;
}

/* The word that ends a quick list. */
ALWAYS_INLINE uint64_t quick_end(const struct bounded *heap)
{
    return bounded_mask(heap, 0);
}

/* The unit that a word of a quick list names; 0: the list ends, or it was overwritten. */
ALWAYS_INLINE uint64_t quick_unit(const struct bounded *heap, uint64_t word)
{
    uint64_t named = bounded_quick_named(heap, word);
    return named < heap->quick_last ? named + 1 : 0;
}

/* Other numbers for the masks, in a heap that has no block in use and no free one. */
void bounded_set_key(struct bounded *heap, uint64_t key, uint64_t salt);

/* How many sizes have an element in heap->quick; those of 0 and 1 units have no list. */
ALWAYS_INLINE unsigned quick_sizes(const struct bounded *heap)
{
    return (unsigned)(heap->quick_fields >> BOUNDED_SIZE_SHIFT);
}

/* In a free block's fields: some of its pages were given back. */
#define BOUNDED_PURGED ((uint64_t)1 << BOUNDED_SLACK_SHIFT)

ALWAYS_INLINE uint64_t fields_state(uint64_t fields)
{
    return fields & (BOUNDED_STATE_FREE | BOUNDED_STATE_QUICK);
}

/* Whether a word can be a header at that place. The end mark is one, of no units. */
ALWAYS_INLINE bool fields_are_sound(uint64_t fields)
{
    return (fields << 2) >> (2 + BOUNDED_SIZE_SHIFT + BOUNDED_SIZE_BITS) == 0;
}

ALWAYS_INLINE bool fields_are_free(uint64_t fields)
{
    unsigned above = BOUNDED_SIZE_SHIFT + BOUNDED_SIZE_BITS;
    return fields >> above == BOUNDED_STATE_FREE >> above;
}

ALWAYS_INLINE bool fields_are_in_use(uint64_t fields)
{
    return fields >> (BOUNDED_SIZE_SHIFT + BOUNDED_SIZE_BITS) == 0;
}

ALWAYS_INLINE bool is_unit(const struct bounded *heap, uint64_t unit)
{
    return unit - heap->first < heap->frontier - heap->first;
}

/* Whether a block of that size may start there. */
ALWAYS_INLINE bool block_fits(const struct bounded *heap, uint64_t unit, uint64_t units)
{
    return is_unit(heap, unit) && units >= BOUNDED_LEAST && units <= heap->frontier - unit;
}

/* The fields of the block in use that starts at the address; 0 when there is none, or its header
 * or the next one is damaged. */
uint64_t bounded_block_in_use(const struct bounded *heap, const void *address);

/* Makes the block in use, or the piece of one, a free one, joined with its neighbours. False, and
 * nothing changed, when a neighbour is damaged. */
bool bounded_release(struct bounded *heap, uint64_t unit);

/* Blocks end there, and with them what is committed. */
void bounded_set_frontier(struct bounded *heap, uint64_t frontier);

/* How many units at the frontier are free; UINT64_MAX when that can't be known. */
uint64_t bounded_free_at_frontier(const struct bounded *heap);

/* Commits what lacks for the last block to be free and have that many units: that block, or 0. */
uint64_t bounded_grow(struct bounded *heap, uint64_t units);

/* Makes [unit, unit+units) a free block. What of the range is in its whole pages is given back
 * already. */
void bounded_make_free(struct bounded *heap, uint64_t unit, uint64_t units,
                       struct bounded_range range);

/* Takes a sound free block, of these fields, off its list, and answers what of it is given back. */
struct bounded_range bounded_take_off(struct bounded *heap, uint64_t unit, uint64_t fields);

/* The sound free block at `from`, of these fields, becomes one at `to` with the same end. Where it
 * was, nothing is left of it. */
void bounded_move_start(struct bounded *heap, uint64_t from, uint64_t fields, uint64_t to);

/* What a look at all blocks found. The sum of the quick ones' places tells whether one stands in a
 * list twice and another in none. */
struct bounded_census {
    uint64_t blocks, free_blocks, free_units, given_back;
    uint64_t quick_blocks, quick_units, quick_places;
};

#define BOUNDED_NO_RANGE ((struct bounded_range){ 0 })

/* What of a free block could be given back: whole pages between its range and its foot. */
struct bounded_range bounded_whole_pages(uint64_t unit, uint64_t units);

ALWAYS_INLINE uint64_t range_units(struct bounded_range range)
{
    return range.end > range.start ? range.end - range.start : 0;
}

ALWAYS_INLINE struct bounded_range range_common(struct bounded_range a, struct bounded_range b)
{
    return (struct bounded_range){ .start = a.start > b.start ? a.start : b.start,
                                   .end = a.end < b.end ? a.end : b.end };
}

/* To be called when as much was freed as there is: gives pages back of what was free all the while.
 */
void bounded_trim(struct bounded *heap);

/* Joins the blocks of the quick list of the most units below so many, and answers its units; 0: the lists
 * there are empty. */
unsigned bounded_flush_below(struct bounded *heap, unsigned units);

/* The most that may be in quick lists, and what is, in units. */
uint64_t bounded_quick_share(const struct bounded *heap);
uint64_t bounded_quick_units(const struct bounded *heap);

#endif
