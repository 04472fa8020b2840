/* SPDX-License-Identifier: MIT */
/* slist.c: lists of SLIST_ENTRY. The header's first word is a small spin lock beside the list's
 * length, so that an entry may be freed by the thread that popped it: nobody else reads it then. The
 * lock is held for a handful of instructions. */
#include "win32/host/internal.h"

#include "barrow/interlockedapi.h"
#include "os/thread.h"
#include "win32/host/host_wait.h"

#define DEPTH_MASK UINT64_C(0xFFFF)
#define LOCKED     UINT64_C(0x10000)

enum { SPINS = 100 };

static _Atomic uint64_t *word_of(PSLIST_HEADER list)
{
    return (_Atomic uint64_t *)&list->Alignment;
}

/* Returns the depth. Acquire pairs with the release in unlock. */
static uint64_t lock(PSLIST_HEADER list)
{
    for (unsigned i = 0;; i++) {
        uint64_t depth = atomic_load_explicit(word_of(list), memory_order_relaxed) & DEPTH_MASK;
        if (atomic_compare_exchange_weak_explicit(word_of(list), &depth, depth | LOCKED,
                                                  memory_order_acquire, memory_order_relaxed))
            return depth;
        if (i < SPINS)
            host_pause();
        else
            os_yield(); /* the holder may have lost the processor */
    }
}

static void unlock(PSLIST_HEADER list, uint64_t depth)
{
    atomic_store_explicit(word_of(list), depth & DEPTH_MASK, memory_order_release);
}

static PSLIST_ENTRY first_of(PSLIST_HEADER list)
{
    return (PSLIST_ENTRY)(uintptr_t)list->Region;
}

static void set_first(PSLIST_HEADER list, PSLIST_ENTRY entry)
{
    list->Region = (uintptr_t)entry;
}

void InitializeSListHead(PSLIST_HEADER list)
{
    list->Alignment = 0;
    list->Region = 0;
}

PSLIST_ENTRY InterlockedPushListSListEx(PSLIST_HEADER list, PSLIST_ENTRY first, PSLIST_ENTRY last,
                                        ULONG count)
{
    uint64_t depth = lock(list);
    PSLIST_ENTRY before = first_of(list);
    last->Next = before;
    set_first(list, first);
    unlock(list, depth + count);
    return before;
}

PSLIST_ENTRY InterlockedPushEntrySList(PSLIST_HEADER list, PSLIST_ENTRY entry)
{
    return InterlockedPushListSListEx(list, entry, entry, 1);
}

PSLIST_ENTRY InterlockedPopEntrySList(PSLIST_HEADER list)
{
    uint64_t depth = lock(list);
    PSLIST_ENTRY entry = first_of(list);
    if (entry != NULL) {
        set_first(list, entry->Next);
        depth--;
    }
    unlock(list, depth);
    return entry;
}

PSLIST_ENTRY InterlockedFlushSList(PSLIST_HEADER list)
{
    lock(list);
    PSLIST_ENTRY entry = first_of(list);
    set_first(list, NULL);
    unlock(list, 0);
    return entry;
}

USHORT QueryDepthSList(PSLIST_HEADER list)
{
    return (USHORT)(atomic_load_explicit(word_of(list), memory_order_relaxed) & DEPTH_MASK);
}
