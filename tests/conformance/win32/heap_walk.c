/* SPDX-License-Identifier: MIT */
/* heap_walk.c: section 1: HeapWalk. */
#include "heap_fixture.h"

#define KINDS                                                                                      \
    (PROCESS_HEAP_REGION | PROCESS_HEAP_UNCOMMITTED_RANGE | PROCESS_HEAP_ENTRY_BUSY |              \
     PROCESS_HEAP_ENTRY_MOVEABLE | PROCESS_HEAP_ENTRY_DDESHARE)

static void s1_walk_entry_has_windows_layout(void **state)
{
    (void)state;
    assert_int_equal(sizeof(PROCESS_HEAP_ENTRY), 40);
    assert_int_equal(offsetof(PROCESS_HEAP_ENTRY, lpData), 0);
    assert_int_equal(offsetof(PROCESS_HEAP_ENTRY, cbData), 8);
    assert_int_equal(offsetof(PROCESS_HEAP_ENTRY, cbOverhead), 12);
    assert_int_equal(offsetof(PROCESS_HEAP_ENTRY, iRegionIndex), 13);
    assert_int_equal(offsetof(PROCESS_HEAP_ENTRY, wFlags), 14);
    assert_int_equal(offsetof(PROCESS_HEAP_ENTRY, Block.hMem), 16);
    assert_int_equal(offsetof(PROCESS_HEAP_ENTRY, Region.dwCommittedSize), 16);
    assert_int_equal(offsetof(PROCESS_HEAP_ENTRY, Region.dwUnCommittedSize), 20);
    assert_int_equal(offsetof(PROCESS_HEAP_ENTRY, Region.lpFirstBlock), 24);
    assert_int_equal(offsetof(PROCESS_HEAP_ENTRY, Region.lpLastBlock), 32);
}

static void s1_walk_flags_have_windows_values(void **state)
{
    (void)state;
    assert_int_equal(PROCESS_HEAP_REGION, 1);
    assert_int_equal(PROCESS_HEAP_UNCOMMITTED_RANGE, 2);
    assert_int_equal(PROCESS_HEAP_ENTRY_BUSY, 4);
    assert_int_equal(PROCESS_HEAP_ENTRY_MOVEABLE, 0x10);
    assert_int_equal(PROCESS_HEAP_ENTRY_DDESHARE, 0x20);
}

static void s1_walk_starts_at_null_whatever_the_rest_is(void **state)
{
    (void)state;
    PROCESS_HEAP_ENTRY a, b;
    memset(&a, 0, sizeof(a));
    memset(&b, 0xFF, sizeof(b));
    b.lpData = NULL;
    taken(heap, 100);
    assert_kept(HeapWalk(heap, &a));
    assert_kept(HeapWalk(heap, &b));
    assert_ptr_equal(a.lpData, b.lpData);
    assert_int_equal(a.cbData, b.cbData);
    assert_int_equal(a.wFlags, b.wFlags);
}

static BOOL alike(const PROCESS_HEAP_ENTRY *a, const PROCESS_HEAP_ENTRY *b)
{
    return a->lpData == b->lpData && a->cbData == b->cbData && a->wFlags == b->wFlags &&
           a->cbOverhead == b->cbOverhead && a->iRegionIndex == b->iRegionIndex;
}

static void s1_walk_state_is_in_the_entry_alone(void **state)
{
    (void)state;
    PROCESS_HEAP_ENTRY a = { .lpData = NULL }, b = { .lpData = NULL };
    for (SIZE_T size = 0; size < 2000; size += 17)
        taken(heap, size);
    for (int i = 0; i < 3; i++)
        taken(heap, (SIZE_T)i * MIB + 70000);
    size_t total = census_of(heap).entries;
    for (size_t i = 0; i < total; i++) { /* two walks, one step apart, and a copy of the entry */
        assert_true(HeapWalk(heap, &a));
        PROCESS_HEAP_ENTRY copy = a;
        if (i > 0)
            assert_true(HeapWalk(heap, &b));
        if (i + 1 < total) {
            PROCESS_HEAP_ENTRY again = a;
            assert_true(HeapWalk(heap, &copy));
            assert_true(HeapWalk(heap, &again));
            assert_true(alike(&copy, &again));
        }
    }
    assert_true(HeapWalk(heap, &b));
    assert_true(alike(&a, &b));
    assert_error(HeapWalk(heap, &a), FALSE, ERROR_NO_MORE_ITEMS);
}

static void s1_walk_ends_with_259(void **state)
{
    (void)state;
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    size_t steps = 0;
    SetLastError(0xDEADBEEF);
    while (HeapWalk(heap, &entry) && steps < 1000)
        steps++;
    assert_int_equal(GetLastError(), ERROR_NO_MORE_ITEMS);
    assert_true(steps >= 1 && steps < 1000);
}

static void s1_walk_unknown_address_is_87(void **state)
{
    (void)state;
    static char elsewhere[64];
    PROCESS_HEAP_ENTRY entry;
    memset(&entry, 0, sizeof(entry));
    entry.lpData = elsewhere + 32;
    entry.wFlags = PROCESS_HEAP_ENTRY_BUSY;
    assert_error(HeapWalk(heap, &entry), FALSE, ERROR_INVALID_PARAMETER);
}

static void s1_walk_first_entry_is_the_region_at_the_handle(void **state)
{
    (void)state;
    for (size_t i = 0; i < HEAP_KINDS; i++) {
        PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
        HANDLE h = heap_made(heap_kinds[i].options, heap_kinds[i].maximum);
        assert_true(HeapWalk(h, &entry));
        assert_int_equal(entry.wFlags, PROCESS_HEAP_REGION);
        assert_ptr_equal(entry.lpData, h);
        assert_true(entry.cbData <= 0x1000);
        assert_int_equal(entry.cbOverhead, 0);
        assert_int_equal(entry.iRegionIndex, 0);
        assert_true(entry.Region.dwCommittedSize > 0);
        heap_gone(h);
    }
}

static void s1_walk_region_bounds_its_blocks(void **state)
{
    (void)state;
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    char *first = NULL, *last = NULL;
    for (SIZE_T size = 0; size < 3000; size++)
        taken(heap, size);
    while (HeapWalk(heap, &entry)) {
        if (entry.wFlags & PROCESS_HEAP_REGION) {
            first = entry.Region.lpFirstBlock;
            last = entry.Region.lpLastBlock;
            assert_true(first <= last);
        } else if (!(entry.wFlags & PROCESS_HEAP_UNCOMMITTED_RANGE)) {
            assert_true((char *)entry.lpData >= first);
            assert_true((char *)entry.lpData + entry.cbData <= last);
        }
    }
}

/* In each region: blocks by address, not overlapping, then what is uncommitted. Blocks that stand
 * alone come last. */
static void check_order(HANDLE h)
{
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    char *end = NULL;
    BOOL alone = FALSE, uncommitted = FALSE;
    while (HeapWalk(h, &entry)) {
        char *data = entry.lpData;
        assert_int_equal(entry.wFlags & ~KINDS, 0);
        if (entry.iRegionIndex == 64) {
            alone = TRUE;
            continue;
        }
        assert_false(alone);
        if (entry.wFlags & PROCESS_HEAP_REGION) {
            end = NULL;
            uncommitted = FALSE;
            continue;
        }
        assert_false(uncommitted);
        uncommitted = (entry.wFlags & PROCESS_HEAP_UNCOMMITTED_RANGE) != 0;
        assert_true(data >= end);
        end = data + entry.cbData;
    }
}

static void s1_walk_order_is_by_region_and_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < HEAP_KINDS; i++) {
        HANDLE h = heap_made(heap_kinds[i].options, heap_kinds[i].maximum);
        check_order(h);
        for (SIZE_T size = 0; size < 300; size += 3)
            taken(h, size);
        check_order(h);
        if (heap_kinds[i].maximum == 0) {
            for (SIZE_T size = 300; size < 4 * MIB; size += size / 2)
                taken(h, size);
            check_order(h);
        }
        heap_gone(h);
    }
}

static void s1_walk_large_blocks_come_in_order_of_allocation(void **state)
{
    (void)state;
    void *large[5];
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    for (size_t i = 0; i < 5; i++) {
        large[i] = taken(heap, (5 - i) * MIB + 1);
        taken(heap, 100);
    }
    assert_true(HeapFree(heap, 0, large[2]));
    large[2] = large[3];
    large[3] = large[4];
    size_t seen = 0;
    while (HeapWalk(heap, &entry)) {
        if (entry.iRegionIndex == 64)
            assert_ptr_equal(entry.lpData, large[seen++]);
    }
    assert_int_equal(seen, 4);
}

static void s1_walk_fresh_heap_has_nothing_busy(void **state)
{
    (void)state;
    for (size_t i = 0; i < HEAP_KINDS; i++) {
        HANDLE h = heap_made(heap_kinds[i].options, heap_kinds[i].maximum);
        struct census census = census_of(h);
        assert_int_equal(census.busy, 0);
        assert_true(census.regions >= 1);
        heap_gone(h);
    }
#if HEAPS_ARE_WINDOWS
    assert_int_equal(census_of(heap).entries, 3);
#endif
}

static void s1_walk_busy_block_has_its_exact_size(void **state)
{
    (void)state;
    for (SIZE_T size = 0; size < 4 * MIB; size += size < 600 ? 1 : size / 5) {
        PROCESS_HEAP_ENTRY entry;
        void *p = taken(heap, size);
        assert_true(entry_of(heap, p, &entry));
        assert_int_equal(entry.wFlags, PROCESS_HEAP_ENTRY_BUSY);
        assert_int_equal(entry.cbData, size);
        if (entry.iRegionIndex == 64)
            assert_int_equal(entry.cbOverhead, 0);
        else
            assert_int_not_equal(entry.cbOverhead, 0);
        assert_true(HeapFree(heap, 0, p));
    }
}

static void s1_walk_large_block_is_busy_with_index_64(void **state)
{
    (void)state;
    void *p = taken(heap, 2 * MIB + 123), *q = taken(heap, 3 * MIB);
    const void *blocks[] = { p, q };
    const SIZE_T sizes[] = { 2 * MIB + 123, 3 * MIB };
    for (size_t i = 0; i < 2; i++) {
        PROCESS_HEAP_ENTRY entry;
        assert_true(entry_of(heap, blocks[i], &entry));
        assert_int_equal(entry.wFlags, PROCESS_HEAP_ENTRY_BUSY);
        assert_int_equal(entry.cbData, sizes[i]);
        assert_int_equal(entry.cbOverhead, 0);
        assert_int_equal(entry.iRegionIndex, 64);
    }
}

#define LISTED 4000
static PROCESS_HEAP_ENTRY list_before[LISTED], list_after[LISTED];

static size_t list_of(HANDLE h, PROCESS_HEAP_ENTRY *list)
{
    PROCESS_HEAP_ENTRY entry;
    size_t count = 0;
    memset(&entry, 0, sizeof(entry));
    while (count < LISTED && HeapWalk(h, &entry))
        list[count++] = entry;
    return count;
}

static void assert_same_lists(HANDLE h, size_t before)
{
    HeapCompact(h, 0);
    assert_int_equal(list_of(h, list_after), before);
    for (size_t i = 0; i < before; i++)
        assert_true(alike(&list_before[i], &list_after[i]));
}

#if HEAPS_ARE_WINDOWS
#define GROWTH 9 /* what is committed for more than a page or two stays so there */
#else
#define GROWTH 1717
#endif

static void s1_walk_list_after_freeing_all_equals_the_earlier_one(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        void *blocks[100];
        HANDLE h = heap_made(heap_kinds[kind].options, heap_kinds[kind].maximum);
        SIZE_T step = heap_kinds[kind].maximum ? 3 : GROWTH;
        HeapCompact(h, 0);
        size_t before = list_of(h, list_before);
        for (SIZE_T i = 0; i < 100; i++)
            blocks[i] = taken(h, i * step);
        assert_int_equal(census_of(h).busy, 100);
        for (SIZE_T i = 0; i < 100; i++)
            assert_true(HeapFree(h, 0, blocks[i * 37 % 100]));
        assert_same_lists(h, before);
        heap_gone(h);
    }
    size_t before = list_of(heap, list_before);
    void *p = taken(heap, 5 * MIB);
    assert_true(HeapFree(heap, 0, p));
    assert_same_lists(heap, before);
}

static void s1_walk_18_blocks_of_one_size(void **state)
{
    (void)state;
    void *p[18];
    for (int i = 0; i < 18; i++)
        p[i] = taken(heap, 100);
    struct census census = census_of(heap);
    assert_int_equal(census.busy, 18);
    assert_int_equal(census.busy_bytes, 1800);
#if HEAPS_ARE_WINDOWS
    if (GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") == NULL)
        assert_true(census.entries > 24);
#endif
    for (int i = 0; i < 18; i += 2)
        assert_true(HeapFree(heap, 0, p[i]));
    assert_int_equal(census_of(heap).busy, 9);
}

static void s1_walk_moveable_blocks_are_not_flagged(void **state)
{
    (void)state;
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE | GMEM_DDESHARE, 4321);
    void *other = HeapAlloc(GetProcessHeap(), 0, 100); /* the system's Global memory is elsewhere */
    size_t seen = 0, flagged = 0;
    assert_true(HeapLock(GetProcessHeap()));
    while (HeapWalk(GetProcessHeap(), &entry)) {
        if (entry.wFlags & (PROCESS_HEAP_ENTRY_MOVEABLE | PROCESS_HEAP_ENTRY_DDESHARE))
            flagged++;
        if (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY)
            seen++;
    }
    assert_true(HeapUnlock(GetProcessHeap()));
    assert_int_equal(flagged, 0);
    assert_true(seen > 0);
    HeapFree(GetProcessHeap(), 0, other);
    GlobalFree(h);
}

/* Random blocks, and a table of them that the walk is held against. */
#define MODEL 700
static struct {
    void *p;
    SIZE_T size;
    BOOL seen;
} model[MODEL];

static size_t find_in_model(const void *p)
{
    for (size_t i = 0; i < MODEL; i++) {
        if (model[i].p == p && p != NULL)
            return i;
    }
    return MODEL;
}

static void check_against_model(HANDLE h)
{
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    for (size_t i = 0; i < MODEL; i++)
        model[i].seen = FALSE;
    while (HeapWalk(h, &entry)) {
        size_t i = entry.wFlags & PROCESS_HEAP_REGION ? MODEL : find_in_model(entry.lpData);
        if (!(entry.wFlags & PROCESS_HEAP_ENTRY_BUSY)) {
            assert_int_equal(i, MODEL);
            continue;
        }
        assert_true(i < MODEL && !model[i].seen);
        assert_int_equal(entry.cbData, model[i].size);
        model[i].seen = TRUE;
    }
    assert_int_equal(GetLastError(), ERROR_NO_MORE_ITEMS);
    for (size_t i = 0; i < MODEL; i++)
        assert_true(model[i].p == NULL || model[i].seen);
}

static uint32_t seed;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void random_step(HANDLE h, SIZE_T most)
{
    size_t i = chance(MODEL);
    SIZE_T size = chance((uint32_t)(chance(8) == 0 ? most : 300));
    if (model[i].p == NULL) {
        model[i].p = HeapAlloc(h, 0, size);
        model[i].size = size;
    } else if (chance(3) == 0) {
        void *q = HeapReAlloc(h, 0, model[i].p, size);
        if (q != NULL) {
            model[i].p = q;
            model[i].size = size;
        }
    } else {
        assert_true(HeapFree(h, 0, model[i].p));
        model[i].p = NULL;
    }
}

static void s1_walk_lists_every_block_once(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE h = heap_made(heap_kinds[kind].options, heap_kinds[kind].maximum);
        SIZE_T most = heap_kinds[kind].maximum == 0 ? 200000 : 5000;
        memset(model, 0, sizeof(model));
        seed = (uint32_t)kind + 1;
        for (int round = 0; round < 20; round++) {
            for (int i = 0; i < 500; i++)
                random_step(h, most);
            check_against_model(h);
            assert_true(HeapValidate(h, 0, NULL));
        }
        heap_gone(h);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        with_heap(s1_walk_entry_has_windows_layout),
        with_heap(s1_walk_flags_have_windows_values),
        with_heap(s1_walk_starts_at_null_whatever_the_rest_is),
        with_heap(s1_walk_state_is_in_the_entry_alone),
        with_heap(s1_walk_ends_with_259),
        with_heap(s1_walk_unknown_address_is_87),
        with_heap(s1_walk_first_entry_is_the_region_at_the_handle),
        with_heap(s1_walk_region_bounds_its_blocks),
        with_heap(s1_walk_order_is_by_region_and_address),
        with_heap(s1_walk_large_blocks_come_in_order_of_allocation),
        with_heap(s1_walk_fresh_heap_has_nothing_busy),
        with_heap(s1_walk_busy_block_has_its_exact_size),
        with_heap(s1_walk_large_block_is_busy_with_index_64),
        with_heap(s1_walk_list_after_freeing_all_equals_the_earlier_one),
        with_heap(s1_walk_18_blocks_of_one_size),
        with_heap(s1_walk_moveable_blocks_are_not_flagged),
        with_heap(s1_walk_lists_every_block_once),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
