/* SPDX-License-Identifier: MIT */
/* bounded_journal.h: what makes a change of a bounded heap in a file whole or none.
 *
 * An undo journal: before the engine stores to a word that others can find, the word's place and
 * old value are noted; the records at the heap's front are copied as one when the change begins. One
 * store ends the change. A process that is killed before it leaves a journal from which whoever
 * holds the heap's lock next restores everything (bounded_journal_undo), as often as need be.
 *
 * Stores reach the file in program order as far as other processes are concerned, and the death of
 * a process takes none of them back, so it is enough that the compiler keeps their order: the
 * signal fences below. Power loss is another matter; see lib/mapped/README.md.
 *
 * In the plain engine all of it is nothing. */
#ifndef BARROW_PRIVATE_BOUNDED_JOURNAL_H
#define BARROW_PRIVATE_BOUNDED_JOURNAL_H

#include "private/bounded.h"

#include <stdatomic.h>

enum {
    BOUNDED_FILE_PAGE = 64 << 10, /* the frontier of a heap in a file is a multiple of it */
    BOUNDED_CACHED = 66           /* blocks of fewer units may be in caches */
};

#if BOUNDED_JOURNALED

_Static_assert(BOUNDED_ROTATION + 6 == 16 && BOUNDED_SLACK_SHIFT == 0 &&
                   (62 + BOUNDED_ROTATION) % 64 == 8,
               "state and slack are the second byte of a stored header, alone");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "or the bytes are others");

enum {
    JOURNAL_NOTES = 480,        /* more than any change makes; a test counts them */
    JOURNAL_BEFORE = 120 << 10, /* bytes from the journal's start to the heap's */
    JOURNAL_FLIP = 1            /* in a place: only the bit of a header that neighbours change */
};

struct bounded_note {
    uint64_t place; /* bytes from the journal's start, a multiple of 8; and JOURNAL_FLIP */
    uint64_t old;
};

struct bounded_journal {
    uint64_t active; /* 1: what is noted must be undone */
    uint64_t count;
    uint64_t records[(offsetof(struct bounded, quick) + 7) / 8];
    struct bounded_note notes[JOURNAL_NOTES];
};

ALWAYS_INLINE struct bounded_journal *bounded_journal(const struct bounded *heap)
{
    return (struct bounded_journal *)((char *)heap - JOURNAL_BEFORE);
}

/* The least that a heap of that maximum has behind it; makes one in memory that is all zero, with
 * that much committed. */
size_t bounded_least(size_t maximum);
void bounded_format(struct bounded *heap, size_t maximum, size_t committed);

/* Whether the records can be worked with, while nobody changes them; blocks are asked as they are
 * used. */
bool bounded_records_are_sound(const struct bounded *heap, size_t maximum, size_t committed);

/* Whether blocks can be looked at, which is so in the middle of any change, too. */
bool bounded_places_are_sound(const struct bounded *heap, size_t maximum, size_t committed);

/* Makes them so, but for lists and counts, where they can't be believed. */
void bounded_restore_places(struct bounded *heap, size_t maximum, size_t committed, uint64_t key,
                            uint64_t salt);

/* A change begins, and ends for good. Under the heap's lock, one at a time. */
void bounded_journal_begin(struct bounded *heap);
void bounded_journal_end(struct bounded *heap);

/* Restores what an interrupted change has noted; nothing if there was none. `size`: bytes from the
 * journal's start that may be written. False: the journal is not one, and nothing was restored. */
bool bounded_journal_undo(struct bounded *heap, uint64_t size);

ALWAYS_INLINE void bounded_note_word(struct bounded *heap, const bounded_word *word, uint64_t flip)
{
    struct bounded_journal *journal = bounded_journal(heap);
    uint64_t count = journal->count;
    ASSERT(journal->active && count < JOURNAL_NOTES);
    journal->notes[count].place = (uint64_t)((const char *)word - (char *)journal) | flip;
    journal->notes[count].old = *word;
    atomic_signal_fence(memory_order_seq_cst);
    *(volatile uint64_t *)&journal->count = count + 1;
    atomic_signal_fence(memory_order_seq_cst);
}

/* The words are about to be stored to. */
ALWAYS_INLINE void bounded_note(struct bounded *heap, const void *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bounded_note_word(heap, (const bounded_word *)words + i, 0);
}

/* A header's byte with the bit BOUNDED_PREVIOUS_FREE, its lowest one. Only the heap's lock allows to
 * change it, while the byte before it, with the state and the slack, is the block's owner's. */
ALWAYS_INLINE unsigned char *bounded_previous_byte(bounded_word *header)
{
    return (unsigned char *)header + 2;
}

ALWAYS_INLINE unsigned char *bounded_state_byte(bounded_word *header)
{
    return (unsigned char *)header + 1;
}

/* Changes that bit of a header that may be another thread's, which may be changing other bits. */
ALWAYS_INLINE void bounded_flip(struct bounded *heap, bounded_word *header, uint64_t bits)
{
    ASSERT(bits == bounded_stored(BOUNDED_PREVIOUS_FREE));
    (void)bits;
    bounded_note_word(heap, header, JOURNAL_FLIP);
    unsigned char *byte = bounded_previous_byte(header);
    __atomic_store_n(byte, (unsigned char)(*byte ^ 1), __ATOMIC_RELAXED);
    atomic_signal_fence(memory_order_seq_cst);
}

/* Storage for a block that is about to be in use, and for what its cutting writes behind it. False:
 * there is none. lib/mapped/grow.c */
bool bounded_back(struct bounded *heap, uint64_t unit, uint64_t units);

/* The same for memory at the frontier. */
bool bounded_back_more(struct bounded *heap, size_t bytes);

/* What blocks in caches add up to, in a census; see bounded_walk.c. lib/mapped/validate.c */
struct bounded_census;
bool bounded_caches_are_sound(const struct bounded *heap, struct bounded_census *census);

#else

ALWAYS_INLINE void bounded_note(struct bounded *heap, const void *words, unsigned count)
{
    (void)heap;
    (void)words;
    (void)count;
}

ALWAYS_INLINE void bounded_flip(struct bounded *heap, bounded_word *header, uint64_t bits)
{
    (void)heap;
    *header ^= bits;
}

ALWAYS_INLINE bool bounded_back(struct bounded *heap, uint64_t unit, uint64_t units)
{
    (void)heap;
    (void)unit;
    (void)units;
    return true;
}

#endif

#endif
