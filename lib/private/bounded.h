/* SPDX-License-Identifier: MIT */
/* bounded.h: heaps of a fixed maximum: a coalescing engine over one reservation of exactly that
 * size, in which the heap's own records stand too. README.md beside this file says how it works.
 *
 * Nothing here locks: calls for one heap come one after the other. errno is left alone. The records
 * hold no addresses, only distances, so a heap means the same wherever it is mapped. */
#ifndef BARROW_PRIVATE_BOUNDED_H
#define BARROW_PRIVATE_BOUNDED_H

#include "os/compiler.h"
#include "private/bounded_names.h"
#include "private/zeroed.h"

#include <string.h>

enum {
    BOUNDED_UNIT = 16,   /* sizes and places of blocks are multiples of it */
    BOUNDED_LEVELS = 34, /* of free lists: blocks of up to 2^36 units */
    BOUNDED_SUBLISTS = 16
};

/* The largest maximum: what the size in a block's header can say. */
#define BOUNDED_LARGEST ((size_t)1 << 40)

struct bounded {
    /* with a block's place they make the mask of its header; the key also ends lists */
    uint64_t key, salt, unkey; /* key * unkey is 1 */
    uint64_t quick_last;       /* units 1 to this one may be blocks */
    uint64_t quick_fields;     /* a header below it is that of a block in use with a quick list */
    uint64_t quick_bytes;      /* the largest request with a quick list */
    uint64_t quick_room;       /* units that quick lists may still take */
    uint64_t missed;           /* units that found no such room since bounded_flush() */

    /* in units from the heap's start: first block, end of what is committed (there stands a header
     * of no block, the end mark), end of the reservation */
    uint64_t first, frontier, end;
    uint64_t initial;    /* the least that the frontier may be */
    uint64_t reached;    /* the most that the frontier has been */
    uint64_t limit;      /* the frontier goes no further; at most `end` */
    uint64_t fresh;      /* from here on nothing was ever handed out: it reads as zero */
    uint64_t blocks;     /* in use or in quick lists */
    uint64_t free_units; /* in free lists */
    uint64_t given_back; /* units below the frontier that hold no memory: of purged blocks */
    uint64_t low;        /* the fewest free units since bounded_trim() last looked */
    uint64_t freed;      /* units that came to free lists since */
    uint64_t level_bits; /* which levels have a list that is not empty */
    uint16_t sublists[BOUNDED_LEVELS]; /* for each level, which of its lists are not empty */
    uint32_t lists;                    /* where the lists stand: bytes from the heap's start */
    uint16_t levels;                   /* how many the maximum needs */
    /* no bool: in a file these bytes may be anything */
    uint8_t executable;
    uint8_t damaged;  /* a quick list named what is no block of its own */
    uint64_t quick[]; /* the quick lists by units, see bounded_quick_named; then the free lists */
};

/* ---- life of a heap ------------------------------------------------------------------------- */

/* `maximum` (rounded up to a page) is reserved, `initial` committed, at least what the records
 * need; more as it is needed. NULL: no memory, or a maximum above BOUNDED_LARGEST. */
struct bounded *bounded_create(size_t initial, size_t maximum, bool executable);

void bounded_destroy(struct bounded *heap);

/* No more than so many bytes are to be committed from now on; 0: all of the maximum. What is
 * committed already stays. */
void bounded_set_limit(struct bounded *heap, size_t bytes);

/* ---- blocks ---------------------------------------------------------------------------------
 *
 * Addresses that are passed in may be anything: what is not the start of a block in use is told
 * from its header and refused, and so is a block whose header, or a neighbour's, was overwritten.
 * Nothing has changed then. */

/* The general way, by quick lists too; `align` is a power of two. `zero`, if not NULL, says whether
 * the block is known to be all zero. NULL: no room. */
void *bounded_alloc_slow(struct bounded *heap, size_t size, size_t align, bool *zero);

/* False: not a block in use, or damage. */
bool bounded_free_slow(struct bounded *heap, void *block);

/* Contents are kept up to the lesser size. NULL: no room, or not a block; nothing has changed. */
void *bounded_realloc(struct bounded *heap, void *block, size_t size, bool in_place_only);

bool bounded_is_block(const struct bounded *heap, const void *address);

/* As asked for; SIZE_MAX: not a block in use. */
size_t bounded_block_size(const struct bounded *heap, const void *block);

/* Whether the address is in the heap's reservation. */
bool bounded_contains(const struct bounded *heap, const void *address);

/* ---- the heap as a whole -------------------------------------------------------------------- */

/* Joins blocks of quick lists with their neighbours. Done before any request is refused. */
void bounded_flush(struct bounded *heap);

/* Joins what can be joined, gives whole free pages back, down to what was committed at first, and
 * answers how large a block the largest
 * free one could become; 0 when none is free. */
size_t bounded_compact(struct bounded *heap);

enum bounded_kind {
    BOUNDED_BUSY,
    BOUNDED_FREE,
    BOUNDED_UNCOMMITTED, /* what is behind the last block: comes last */
    BOUNDED_END,         /* no more blocks */
    BOUNDED_LOST         /* `after` is no block, or there is damage */
};

struct bounded_entry {
    void *address;
    size_t size;     /* busy: as asked for; free: as could be asked for */
    size_t overhead; /* up to the next block's address: header and what rounding took */
    enum bounded_kind kind;
};

/* The block after the one at `after`, which an earlier call gave; the first for NULL. False with
 * BOUNDED_END or BOUNDED_LOST. Constant time. */
bool bounded_walk(const struct bounded *heap, const void *after, struct bounded_entry *entry);

/* What the walk is through: the bytes before the first block, those up to where nothing is
 * committed yet, and all. */
struct bounded_extent {
    size_t records, committed, reserved;
};

struct bounded_extent bounded_extent(const struct bounded *heap);

/* Checks every block and every list. */
bool bounded_validate(const struct bounded *heap);

struct bounded_figures {
    size_t reserved;
    size_t committed;   /* without what was given back */
    size_t reached;     /* at most so far, with it */
    size_t blocks;      /* in use */
    size_t block_bytes; /* of them, with their headers */
};

struct bounded_figures bounded_figures(const struct bounded *heap);

/* ---- the quick way --------------------------------------------------------------------------
 *
 * The word before a block is its header. XORed with a mask that belongs to its place, and rotated,
 * it reads, from the lowest bit:
 *
 *     6   bytes that the program did not ask for, XOR 15. Free blocks: 1 when its pages were given
 *         back. Quick ones: 0
 *     1   the block before is free (its size is in its last word)
 *     36  size in units, header included
 *     19  zero, or the header was overwritten, or is none
 *     2   in use: 0; in a free list: 1; in a quick list: 2
 *
 * As stored, state and slack are one byte, so that a block's owner and whoever frees the block before
 * it need not change the same byte (lib/mapped/cache.c). Eight of the zero bits and that byte come first
 * in memory, so that an overrun meets them. That a block in use is small and its header sound is one comparison. */
enum {
    BOUNDED_ROTATION = 10,
    BOUNDED_SLACK_SHIFT = 0,
    BOUNDED_SLACK_BITS = 6,
    BOUNDED_SIZE_SHIFT = 7,
    BOUNDED_SIZE_BITS = 36
};
#define BOUNDED_PREVIOUS_FREE ((uint64_t)1 << 6)
#define BOUNDED_SLACK         ((uint64_t)0x3f << BOUNDED_SLACK_SHIFT)
#define BOUNDED_STATE_FREE    ((uint64_t)1 << 62)
#define BOUNDED_STATE_QUICK   ((uint64_t)1 << 63)

typedef uint64_t MAY_ALIAS bounded_word;

ALWAYS_INLINE uint64_t bounded_rotate(uint64_t word, unsigned right)
{
    return word >> right | word << (64 - right);
}

/* Fields as they are XORed into a stored header. */
ALWAYS_INLINE uint64_t bounded_stored(uint64_t fields)
{
    return bounded_rotate(fields, 64 - BOUNDED_ROTATION);
}

ALWAYS_INLINE uint64_t bounded_mask(const struct bounded *heap, uint64_t unit)
{
    return unit * heap->key + heap->salt;
}

ALWAYS_INLINE uint64_t bounded_fields(const struct bounded *heap, uint64_t unit, uint64_t header)
{
    return bounded_rotate(header ^ bounded_mask(heap, unit), BOUNDED_ROTATION);
}

/* Where in the heap the address is; a number beyond any heap's end if it is before the heap or not
 * a multiple of a unit. */
ALWAYS_INLINE uint64_t bounded_unit_of(const struct bounded *heap, const void *address)
{
    return bounded_rotate((uintptr_t)address - (uintptr_t)heap, 4);
}

/* The block that a word of a quick list names, by its mask: a number beyond any block's when there
 * is none, or the word was overwritten. Unit 0 ends a list. */
ALWAYS_INLINE uint64_t bounded_quick_named(const struct bounded *heap, uint64_t word)
{
    return (word - heap->salt) * heap->unkey - 1;
}

/* A block of the right size from its quick list, or NULL. */
ALWAYS_INLINE void *bounded_quick_pop(struct bounded *heap, size_t size)
{
    if (unlikely(size > heap->quick_bytes))
        return NULL;
    size_t rounded = size + BOUNDED_UNIT + 7; /* with a header: units * 16 + 15 - slack */
    uint64_t *list = &heap->quick[rounded / BOUNDED_UNIT];
    uint64_t named = bounded_quick_named(heap, *list);
    if (unlikely(named >= heap->quick_last))
        return NULL;
    bounded_word *block = (bounded_word *)((char *)heap + BOUNDED_UNIT + named * BOUNDED_UNIT);
    *list = block[0];
    heap->quick_room += rounded / BOUNDED_UNIT;
    /* the slack, XOR 15, where it is in a stored header: rounding does not reach the rotation */
    uint64_t slack = rounded % BOUNDED_UNIT << (BOUNDED_SLACK_SHIFT + BOUNDED_ROTATION);
    block[-1] ^= slack | bounded_stored(BOUNDED_STATE_QUICK);
    return block;
}

/* Aligned to 16 bytes; a size of 0 is a block too. NULL: no room. */
ALWAYS_INLINE void *bounded_alloc(struct bounded *heap, size_t size)
{
    void *block = bounded_quick_pop(heap, size);
    return likely(block != NULL) ? block : bounded_alloc_slow(heap, size, BOUNDED_UNIT, NULL);
}

ALWAYS_INLINE void *bounded_alloc_zero(struct bounded *heap, size_t size)
{
    bool zero = false;
    void *block = bounded_quick_pop(heap, size);
    if (unlikely(block == NULL))
        block = bounded_alloc_slow(heap, size, BOUNDED_UNIT, &zero);
    return block == NULL || zero ? block : memset(block, 0, zeroed_size(size));
}

/* Puts a block on its quick list; false, and nothing changed, when that can't be. */
ALWAYS_INLINE bool bounded_quick_push(struct bounded *heap, void *address)
{
    uint64_t unit = bounded_unit_of(heap, address);
    if (unlikely(unit - 1 >= heap->quick_last)) /* nothing stands before unit 0 */
        return false;
    bounded_word *block = address;
    uint64_t mask = bounded_mask(heap, unit), header = block[-1] ^ mask;
    uint64_t fields = bounded_rotate(header, BOUNDED_ROTATION);
    if (unlikely(fields >= heap->quick_fields))
        return false;
    uint64_t units = fields >> BOUNDED_SIZE_SHIFT, room = heap->quick_room;
    if (unlikely(units > room))
        return false;
    heap->quick_room = room - units;
    header = (header & bounded_stored(BOUNDED_SLACK)) | bounded_stored(BOUNDED_STATE_QUICK);
    block[-1] ^= header; /* the slack is zero then, and the state is another */
    block[0] = heap->quick[units];
    heap->quick[units] = mask;
    return true;
}

/* False, and nothing changed: not a block in use, or damage. */
ALWAYS_INLINE bool bounded_free(struct bounded *heap, void *block)
{
    return likely(bounded_quick_push(heap, block)) || bounded_free_slow(heap, block);
}

#endif
