/* SPDX-License-Identifier: MIT */
/* seats.h: what a thread has of each heap that it has used: its pool of a shared heap, its cache of a mapped one.
 * It is found by the heap's slot, at the same cost for any number of heaps and without a lock. A seat names the heap
 * by its serial, so it need not be cleared when the heap is destroyed.
 *
 * Seats are in leaves, which are made when the thread comes to the first heap of their slots. All that a thread had
 * goes to another thread when it ends. */
#ifndef BARROW_PRIVATE_SEATS_H
#define BARROW_PRIVATE_SEATS_H

#include "private/private_heap.h"

struct seat {
    uint64_t serial; /* of the heap; 0: empty */
    void *taken;     /* what the thread has of it */
};

enum { SEATS_LEAF = 64, SEATS_LEAVES = SLOTS_MOST / SEATS_LEAF };

struct seats {
    struct seat *leaves[SEATS_LEAVES];
    struct seats *next; /* in seats.c's list of those that no thread has */
};

/* The slot's seat; NULL: none is there yet. The thread whose seats they are; NULL: it has none. */
ALWAYS_INLINE struct seat *seat_of(const struct seats *seats, uint32_t slot)
{
    struct seat *leaf = seats != NULL ? seats->leaves[slot / SEATS_LEAF] : NULL;
    return leaf != NULL ? &leaf[slot % SEATS_LEAF] : NULL;
}

/* What the thread has of that heap, or NULL. */
ALWAYS_INLINE void *seats_find(const struct seats *seats, uint32_t slot, uint64_t serial)
{
    const struct seat *seat = seat_of(seats, slot);
    return seat != NULL && seat->serial == serial ? seat->taken : NULL;
}

/* The slot's seat, made if it is not there. NULL: there is no memory for it, or the caller is a signal handler that has
 * interrupted this. */
struct seat *seats_make(struct seats **seats, uint32_t slot);

/* Calls it for each seat that is not empty. */
void seats_each(const struct seats *seats, void (*call)(const struct seat *seat));

/* The thread ends, and *seats is NULL then. */
void seats_give(struct seats **seats);

/* In the child of fork. */
void seats_after_fork(void);

#endif
