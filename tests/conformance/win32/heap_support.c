/* SPDX-License-Identifier: MIT */
/* heap_support.c: see heap_test.h. */
#include "heap_test.h"

const struct heap_kind heap_kinds[HEAP_KINDS] = {
    { "growable", 0, 0 },
    { "no serialize", HEAP_NO_SERIALIZE, 0 },
    { "executable", HEAP_CREATE_ENABLE_EXECUTE, 0 },
    { "bounded by 64 KiB", 0, 64 * KIB },
    { "bounded by 1 MiB", 0, MIB },
    { "bounded by 1 GiB", 0, GIB },
    { "bounded by 1 MiB, no serialize", HEAP_NO_SERIALIZE, MIB },
    { "bounded by 1 MiB, executable", HEAP_CREATE_ENABLE_EXECUTE, MIB },
    { "executable, no serialize", HEAP_CREATE_ENABLE_EXECUTE | HEAP_NO_SERIALIZE, 0 },
};

HANDLE heap_made(DWORD options, SIZE_T maximum)
{
    HANDLE heap = HeapCreate(options, 0, maximum);
    assert_non_null(heap);
    return heap;
}

void heap_gone(HANDLE heap)
{
    assert_true(HeapDestroy(heap));
}

void *taken(HANDLE heap, SIZE_T size)
{
    void *p = HeapAlloc(heap, 0, size);
    assert_non_null(p);
    return p;
}

struct census census_of(HANDLE heap)
{
    struct census census = { 0 };
    PROCESS_HEAP_ENTRY entry;
    memset(&entry, 0xCC, sizeof(entry));
    entry.lpData = NULL;
    assert_true(HeapLock(heap));
    SetLastError(0xDEADBEEF);
    while (HeapWalk(heap, &entry)) {
        census.entries++;
        if (entry.wFlags & PROCESS_HEAP_REGION) {
            census.regions++;
            census.committed_bytes += entry.Region.dwCommittedSize;
        } else if (entry.wFlags & PROCESS_HEAP_UNCOMMITTED_RANGE) {
            census.uncommitted++;
        } else if (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) {
            census.busy++;
            census.busy_bytes += entry.cbData;
        } else {
            census.free++;
        }
        SetLastError(0xDEADBEEF);
    }
    DWORD error = GetLastError();
    assert_true(HeapUnlock(heap));
    assert_int_equal(error, ERROR_NO_MORE_ITEMS);
    return census;
}

BOOL entry_of(HANDLE heap, const void *p, PROCESS_HEAP_ENTRY *entry)
{
    entry->lpData = NULL;
    while (HeapWalk(heap, entry)) {
        if (entry->lpData == p && !(entry->wFlags & PROCESS_HEAP_REGION))
            return TRUE;
    }
    return FALSE;
}

BOOL all_bytes(const void *p, int value, SIZE_T count)
{
    const unsigned char *bytes = p;
    if (count == 0)
        return TRUE;
    return bytes[0] == (unsigned char)value && memcmp(bytes, bytes + 1, count - 1) == 0;
}
