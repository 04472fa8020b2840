/* SPDX-License-Identifier: MIT */
/* global_entry.h: the entries of GlobalAlloc's and LocalAlloc's moveable blocks.
 *
 * A moveable block's handle is the address of the second word of its entry, 8 mod 16; the address
 * of a fixed block is 0 mod 16, so the two are never mistaken for each other:
 *
 *     word 0  flags, lock count << 16; in a free entry: the next free one
 *     word 1  address of the data, NULL when discarded     <- the handle points here
 *
 * There are 65,536 entries, as on Windows, behind one lock: what is said of an entry holds until it
 * is let go. */
#ifndef BARROW_WIN32_GLOBAL_GLOBAL_ENTRY_H
#define BARROW_WIN32_GLOBAL_GLOBAL_ENTRY_H

#include "win32/host/internal.h"

enum { IN_USE = 1, MOVEABLE = 2, DISCARDABLE = 4, DISCARDED = 8, DDESHARE = 0x8000 };
#define LOCK_SHIFT 16

struct global_entry {
    uintptr_t flags;
    void *data;
};
_Static_assert(sizeof(struct global_entry) == 16, "handles are 8 mod 16");

static inline HANDLE entry_handle(struct global_entry *entry)
{
    return &entry->data;
}

static inline bool is_entry_handle(HANDLE handle)
{
    return ((uintptr_t)handle & 15) == 8;
}

static inline uintptr_t entry_lock_count(const struct global_entry *entry)
{
    return entry->flags >> LOCK_SHIFT;
}

/* All that follow want the lock. */
void entries_lock(void);
void entries_unlock(void);

/* The entry of a live moveable handle, or NULL. */
struct global_entry *entry_of(HANDLE handle);

/* The entry whose data start at the address, or NULL. */
struct global_entry *entry_with(const void *address);

/* A fresh entry without data, or NULL when all are in use. */
struct global_entry *entry_new(uintptr_t flags);

/* Its handle is none any more; what its data were is the caller's to free. */
void entry_free(struct global_entry *entry);

/* NULL: none. What the data were is the caller's to free. */
void entry_set_data(struct global_entry *entry, void *data);

#endif
