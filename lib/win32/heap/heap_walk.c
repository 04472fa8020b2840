/* SPDX-License-Identifier: MIT */
/* heap_walk.c: HeapWalk, HeapValidate, HeapSummary. */
#include "win32/heap/heap.h"

#include "barrow/barrow.h"
#include "heap/figures.h"
#include "heap/heap.h"
#include "heap/walk.h"
#include "private/walk.h"

enum { LARGE_REGION = 64 /* the number that all blocks with a span of their own have */ };

static WORD flags_of(const struct piece *piece)
{
    static const WORD flags[] = {
        [PIECE_FREE] = 0,
        [PIECE_BUSY] = PROCESS_HEAP_ENTRY_BUSY,
        [PIECE_LARGE] = PROCESS_HEAP_ENTRY_BUSY,
        [PIECE_REGION] = PROCESS_HEAP_REGION,
        [PIECE_UNCOMMITTED] = PROCESS_HEAP_UNCOMMITTED_RANGE,
    };
    return flags[piece->kind];
}

/* Sizes of more than 4 GiB do not fit into an entry. */
static DWORD narrow(size_t n)
{
    return n < 0xFFFFFFFF ? (DWORD)n : 0xFFFFFFFF;
}

static void store(LPPROCESS_HEAP_ENTRY entry, const struct piece *piece)
{
    *entry = (PROCESS_HEAP_ENTRY){ 0 };
    entry->lpData = piece->data;
    entry->cbData = narrow(piece->size);
    entry->cbOverhead = (BYTE)(piece->overhead < 0xFF ? piece->overhead : 0xFF);
    entry->iRegionIndex = piece->kind == PIECE_LARGE ? LARGE_REGION : 0;
    entry->wFlags = flags_of(piece);
    if (piece->kind == PIECE_REGION) {
        entry->Region.dwCommittedSize = narrow(piece->committed);
        entry->Region.dwUnCommittedSize = narrow(piece->uncommitted);
        entry->Region.lpFirstBlock = (char *)piece->data + piece->size;
        entry->Region.lpLastBlock = piece->end;
    }
}

static struct piece load(const PROCESS_HEAP_ENTRY *entry)
{
    return (struct piece){ .kind = (entry->wFlags & PROCESS_HEAP_REGION) != 0 ? PIECE_REGION
                                                                              : PIECE_BUSY,
                           .data = entry->lpData };
}

/* The process heap is its private part, and then what malloc has handed out. */
static enum walked step(struct private_heap *heap, struct piece *piece)
{
    if (is_process_heap(heap) && piece->data != NULL &&
        !private_walk_is_in_header(heap, piece->data) && heap_has(piece->data))
        return heap_walk(piece);
    enum walked walked = private_walk(heap, piece);
    if (walked != WALK_END || !is_process_heap(heap))
        return walked;
    *piece = (struct piece){ .data = NULL };
    return heap_walk(piece);
}

BOOL WINAPI HeapWalk(HANDLE handle, LPPROCESS_HEAP_ENTRY entry)
{
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return FALSE;
    if (entry == NULL)
        return fail(ERROR_INVALID_PARAMETER);
    struct piece piece = load(entry);
    private_lock(heap);
    enum walked walked = step(heap, &piece);
    private_unlock(heap);
    if (walked == WALK_MORE)
        store(entry, &piece);
    return walked == WALK_MORE  ? TRUE
           : walked == WALK_END ? fail(ERROR_NO_MORE_ITEMS)
                                : fail(ERROR_INVALID_PARAMETER);
}

/* ---- HeapValidate ------------------------------------------------------------------------- */

static bool is_mapped(LPCVOID address)
{
    MEMORY_BASIC_INFORMATION information;
    return VirtualQuery(address, &information, sizeof information) != 0 &&
           information.State == MEM_COMMIT;
}

static BOOL validate_block(struct private_heap *heap, LPCVOID block)
{
    if (private_size(heap, block) != PRIVATE_NO_BLOCK ||
        (is_process_heap(heap) && heap_is_block(block)))
        return TRUE;
    DWORD before = GetLastError();
    SetLastError(is_mapped(block) ? before : ERROR_NOACCESS);
    return FALSE;
}

BOOL WINAPI HeapValidate(HANDLE handle, DWORD flags, LPCVOID block)
{
    (void)flags;
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return FALSE;
    if (block != NULL)
        return validate_block(heap, block);
    private_lock(heap);
    bool sound = private_validate(heap) && (!is_process_heap(heap) || heap_validate());
    private_unlock(heap);
    return sound;
}

/* ---- HeapSummary -------------------------------------------------------------------------- */

static void add_malloc(LPHEAP_SUMMARY summary)
{
    struct barrow_stats stats = { .size = sizeof stats };
    heap_figures(&stats);
    summary->cbAllocated += stats.live_bytes;
    summary->cbCommitted = stats.committed;
    summary->cbReserved = stats.reserved;
    summary->cbMaxReserve = stats.reserved;
}

BOOL WINAPI HeapSummary(HANDLE handle, DWORD flags, LPHEAP_SUMMARY summary)
{
    (void)flags;
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return FALSE;
    if (summary == NULL || summary->cb != sizeof *summary)
        return fail(ERROR_INVALID_PARAMETER);
    struct private_figures figures;
    private_lock(heap);
    private_figures(heap, &figures);
    private_unlock(heap);
    summary->cbAllocated = figures.bytes;
    summary->cbCommitted = figures.committed;
    summary->cbReserved = figures.reserved;
    summary->cbMaxReserve = figures.maximum != 0 ? figures.reserved : (SIZE_T)-1;
    if (is_process_heap(heap))
        add_malloc(summary);
    return TRUE;
}
