/* SPDX-License-Identifier: MIT */
/* journal.c: the undo journal's beginning, end and use. */
#include "mapped/engine.h"

#include <string.h>

static void set_active(struct bounded_journal *journal, uint64_t active)
{
    atomic_signal_fence(memory_order_seq_cst);
    *(volatile uint64_t *)&journal->active = active;
    atomic_signal_fence(memory_order_seq_cst);
}

void bounded_journal_begin(struct bounded *heap)
{
    struct bounded_journal *journal = bounded_journal(heap);
    ASSERT(!journal->active);
    memcpy(journal->records, heap, sizeof journal->records);
    journal->count = 0;
    set_active(journal, 1);
}

void bounded_journal_end(struct bounded *heap)
{
    ASSERT(bounded_journal(heap)->active == 1);
    set_active(bounded_journal(heap), 0);
}

static bool notes_are_sound(const struct bounded_journal *journal, uint64_t size)
{
    if (journal->count > JOURNAL_NOTES)
        return false;
    for (uint64_t i = 0; i < journal->count; i++) {
        uint64_t place = journal->notes[i].place & ~(uint64_t)JOURNAL_FLIP;
        if (place % 8 != 0 || place < sizeof *journal || place > size - 8)
            return false;
    }
    return true;
}

static void restore(char *start, struct bounded_note note)
{
    bounded_word *word = (bounded_word *)(start + (note.place & ~(uint64_t)JOURNAL_FLIP));
    uint64_t bit = bounded_stored(BOUNDED_PREVIOUS_FREE);
    if (!(note.place & JOURNAL_FLIP))
        *word = note.old;
    else
        *bounded_previous_byte(word) =
            (unsigned char)((*bounded_previous_byte(word) & ~1) | ((note.old & bit) != 0));
}

/* Word by word: other threads read the frontier meanwhile. */
static void restore_records(struct bounded *heap, const struct bounded_journal *journal)
{
    ASSERT(journal->active != 0);
    bounded_word *words = (bounded_word *)heap;
    for (size_t i = 0; i < sizeof journal->records / sizeof *words; i++)
        __atomic_store_n(&words[i], journal->records[i], __ATOMIC_RELAXED);
}

/* The notes name old values, so that restoring them twice is the same as once; the last comes first,
 * as a word may have been noted twice. */
bool bounded_journal_undo(struct bounded *heap, uint64_t size)
{
    struct bounded_journal *journal = bounded_journal(heap);
    if (journal->active == 0)
        return true;
    if (!notes_are_sound(journal, size))
        return false;
    for (uint64_t i = journal->count; i-- != 0;)
        restore((char *)journal, journal->notes[i]);
    restore_records(heap, journal);
    set_active(journal, 0);
    return true;
}
