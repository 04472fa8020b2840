/* SPDX-License-Identifier: MIT */
/* heap_bad.c: bad handles, bad blocks, absurd sizes, unknown flags. On Windows most of these are
 * undefined and fault; here each is a failure with its error, and harms nothing. Linux only. */
#include "heap_test.h"

static HANDLE made(size_t kind)
{
    return heap_made(heap_kinds[kind].options, heap_kinds[kind].maximum);
}

/* Handles */

static void assert_no_heap(HANDLE bad)
{
    static char memory[64] __attribute__((aligned(16)));
    const DWORD error = ERROR_INVALID_HANDLE;
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    HEAP_SUMMARY summary = { .cb = sizeof(summary) };
    ULONG value = 2;
    SIZE_T length = 99;
    assert_error(HeapAlloc(bad, 0, 100), NULL, error);
    assert_error(HeapAlloc(bad, HEAP_ZERO_MEMORY | HEAP_NO_SERIALIZE, 0), NULL, error);
    assert_error(HeapReAlloc(bad, 0, memory, 100), NULL, error);
    assert_error(HeapFree(bad, 0, memory), FALSE, error);
    assert_error(HeapFree(bad, HEAP_NO_SERIALIZE, memory), FALSE, error);
    assert_error(HeapSize(bad, 0, memory), FAILED_SIZE, error);
    assert_error(HeapValidate(bad, 0, NULL), FALSE, error);
    assert_error(HeapValidate(bad, 0, memory), FALSE, error);
    assert_error(HeapCompact(bad, 0), 0, error);
    assert_error(HeapLock(bad), FALSE, error);
    assert_error(HeapUnlock(bad), FALSE, error);
    assert_error(HeapWalk(bad, &entry), FALSE, error);
    assert_error(HeapSummary(bad, 0, &summary), FALSE, error);
    assert_error(HeapSetInformation(bad, HeapCompatibilityInformation, &value, sizeof(value)),
                 FALSE, error);
    assert_error(
        HeapQueryInformation(bad, HeapCompatibilityInformation, &value, sizeof(value), &length),
        FALSE, bad == NULL ? ERROR_NOACCESS : error);
    assert_int_equal(length, 99);
    assert_error(HeapDestroy(bad), FALSE, error);
    assert_kept(HeapFree(bad, 0, NULL));
}

static void null_and_wild_handles_are_6(void **state)
{
    (void)state;
    static char memory[4 * 65536] __attribute__((aligned(65536)));
    char stack[16];
    char *unmapped = alloc_pages(16, MEM_RESERVE, PAGE_NOACCESS);
    HANDLE mapping = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, NULL);
    HANDLE heap = heap_made(0, 0);
    char *block = taken(heap, 1000);
    const HANDLE bad[] = {
        NULL,
        (HANDLE)1,
        (HANDLE)16,
        INVALID_HANDLE_VALUE,
        (HANDLE)(uintptr_t)0xDEAD0000,
        (HANDLE)(uintptr_t)0x10000,
        (HANDLE)((uintptr_t)1 << 63),
        (HANDLE)(((uintptr_t)1 << 48) + 0x10000),
        (HANDLE)(~(uintptr_t)0 - 0xFFFF),
        memory,
        memory + 65536,
        stack,
        unmapped,
        mapping,
        block,
        (char *)heap + 1,
        (char *)heap + 16,
        (char *)heap + 4096,
        (char *)heap - 16,
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_no_heap(bad[i]);
    assert_true(HeapValidate(heap, 0, block));
    heap_gone(heap);
    CloseHandle(mapping);
    release(unmapped);
}

/* Slots of heaps that are not there, beside one that is. */
static void addresses_beside_a_heap_are_6(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 0), all[100];
    DWORD count = GetProcessHeaps(100, all);
    assert_true(count < 100);
    for (int step = -20; step <= 20; step++) {
        HANDLE beside = (char *)heap + step * (ptrdiff_t)GRANULE;
        BOOL listed = FALSE;
        for (DWORD i = 0; i < count; i++)
            listed = listed || all[i] == beside;
        if (!listed)
            assert_no_heap(beside);
    }
    heap_gone(heap);
}

static void destroyed_handles_are_6(void **state)
{
    (void)state;
    HANDLE gone[HEAP_KINDS];
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        gone[kind] = made(kind);
        for (SIZE_T size = 0; size < 2000; size += 100)
            taken(gone[kind], size);
    }
    for (size_t kind = 0; kind < HEAP_KINDS; kind++)
        heap_gone(gone[kind]);
    for (size_t kind = 0; kind < HEAP_KINDS; kind++)
        assert_no_heap(gone[kind]);
}

static void locked_heap_can_be_destroyed(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 0);
    assert_true(HeapLock(heap));
    assert_true(HeapLock(heap));
    heap_gone(heap);
    assert_no_heap(heap);
    for (int i = 0; i < 50; i++) { /* a new heap in its place is not locked */
        HANDLE next = heap_made(0, 0);
        assert_error(HeapUnlock(next), FALSE, ERROR_NOT_LOCKED);
        heap_gone(next);
    }
}

/* Blocks */

static void assert_no_block(HANDLE heap, void *bad)
{
    const DWORD error = ERROR_INVALID_PARAMETER;
    assert_error(HeapFree(heap, 0, bad), FALSE, error);
    assert_error(HeapReAlloc(heap, 0, bad, 100), NULL, error);
    assert_error(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, bad, 0), NULL, error);
    assert_error(HeapReAlloc(heap, HEAP_ZERO_MEMORY, bad, 100000), NULL, error);
    assert_error(HeapSize(heap, 0, bad), FAILED_SIZE, error);
    SetLastError(0xDEADBEEF);
    assert_false(HeapValidate(heap, 0, bad));
    assert_true(GetLastError() == 0xDEADBEEF || GetLastError() == ERROR_NOACCESS);
}

static void wild_blocks_are_87(void **state)
{
    (void)state;
    static char memory[256] __attribute__((aligned(64)));
    char stack[64] __attribute__((aligned(64)));
    char *unmapped = alloc_pages(16, MEM_RESERVE, PAGE_NOACCESS);
    char *readable = alloc_pages(16, MEM_COMMIT, PAGE_READONLY);
    memset(stack, 0, sizeof(stack));
    void *const bad[] = {
        (void *)1,
        (void *)16,
        (void *)(uintptr_t)0xDEADBEE0,
        (void *)((uintptr_t)1 << 47),
        (void *)((uintptr_t)1 << 63),
        (void *)(~(uintptr_t)0 & ~(uintptr_t)15),
        (void *)~(uintptr_t)0,
        memory + 64,
        memory + 65,
        stack,
        unmapped,
        unmapped + 4096,
        readable,
        readable + 16,
        (void *)(uintptr_t)null_and_wild_handles_are_6,
    };
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = made(kind);
        taken(heap, 100);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            assert_no_block(heap, bad[i]);
            assert_no_block(GetProcessHeap(), bad[i]);
        }
        assert_no_block(heap, heap);
        assert_no_block(heap, (char *)heap + 64);
        assert_true(HeapValidate(heap, 0, NULL));
        assert_int_equal(census_of(heap).busy, 1);
        heap_gone(heap);
    }
    release(unmapped);
    release(readable);
}

static const SIZE_T sample_sizes[] = { 0, 1, 15, 16, 100, 1000, 5000, 20000, 60000, 65534 };
static const SIZE_T large_sizes[] = { 65535, 65536, 100000, 0xFE000, MIB, 5 * MIB + 1 };
#define SAMPLES 10
#define LARGE   6

static SIZE_T sample_size(size_t i)
{
    return i < SAMPLES ? sample_sizes[i] : large_sizes[i - SAMPLES];
}

/* A block of each sample size that fits, and its neighbours before and behind. */
struct sample {
    unsigned char *p[SAMPLES + LARGE];
    size_t busy;
};

static void take_samples(HANDLE heap, struct sample *sample)
{
    sample->busy = 0;
    for (size_t i = 0; i < SAMPLES + LARGE; i++) {
        sample->p[i] = HeapAlloc(heap, 0, sample_size(i));
        if (sample->p[i] != NULL) {
            memset(sample->p[i], (int)i + 1, sample_size(i));
            sample->busy++;
        }
    }
    assert_true(sample->busy >= 8);
}

static void check_samples(HANDLE heap, const struct sample *sample)
{
    assert_true(HeapValidate(heap, 0, NULL));
    assert_int_equal(census_of(heap).busy, sample->busy);
    for (size_t i = 0; i < SAMPLES + LARGE; i++) {
        if (sample->p[i] == NULL)
            continue;
        assert_int_equal(HeapSize(heap, 0, sample->p[i]), sample_size(i));
        assert_true(all_bytes(sample->p[i], (int)i + 1, sample_size(i)));
    }
}

static void drop_samples(HANDLE heap, struct sample *sample)
{
    for (size_t i = 0; i < SAMPLES + LARGE; i++)
        assert_true(HeapFree(heap, 0, sample->p[i]));
    assert_int_equal(census_of(heap).busy, 0);
}

static void interior_pointers_are_87(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = made(kind);
        struct sample sample;
        take_samples(heap, &sample);
        for (size_t i = 0; i < SAMPLES + LARGE; i++) {
            SIZE_T size = sample_size(i);
            const SIZE_T inside[] = { 1,  7,        8,        15,        16,   32,
                                      48, size / 2, size - 1, size - 16, 4096, 65536 };
            for (size_t k = 0; sample.p[i] != NULL && k < sizeof(inside) / sizeof(inside[0]); k++) {
                if (inside[k] > 0 && inside[k] < size)
                    assert_no_block(heap, sample.p[i] + inside[k]);
            }
        }
        check_samples(heap, &sample);
        drop_samples(heap, &sample);
        heap_gone(heap);
    }
}

/* A program may have copied anything into its blocks, also what stands before one. */
static void forged_headers_are_87(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = made(kind);
        if (heap_kinds[kind].maximum == 0) { /* there, nothing need stand before a block */
            heap_gone(heap);
            continue;
        }
        char *first = taken(heap, 64), *p = taken(heap, 64), *large = taken(heap, 2000);
        assert_true(first < p);
        for (size_t at = 0; at + 96 < 2000; at += 16) {
            memcpy(large + at, p - 16, 80);
            assert_no_block(heap, large + at + 16);
        }
        assert_true(HeapValidate(heap, 0, NULL));
        assert_true(HeapFree(heap, 0, large));
        assert_true(HeapFree(heap, 0, p));
        heap_gone(heap);
    }
}

static void freed_blocks_are_87(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = made(kind);
        struct sample sample;
        take_samples(heap, &sample);
        for (size_t i = 0; i < SAMPLES + LARGE; i += 2) {
            if (sample.p[i] == NULL)
                continue;
            assert_true(HeapFree(heap, 0, sample.p[i]));
            assert_no_block(heap, sample.p[i]);
            sample.p[i] = NULL;
            sample.busy--;
        }
        check_samples(heap, &sample);
        drop_samples(heap, &sample);
        heap_gone(heap);
    }
}

static void freed_and_compacted_blocks_are_87(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = made(kind);
        struct sample sample, gone;
        take_samples(heap, &sample);
        gone = sample;
        drop_samples(heap, &sample);
        HeapCompact(heap, 0);
        for (size_t i = 0; i < SAMPLES + LARGE; i++) {
            if (gone.p[i] != NULL)
                assert_no_block(heap, gone.p[i]);
        }
        assert_true(HeapValidate(heap, 0, NULL));
        take_samples(heap, &sample);
        drop_samples(heap, &sample);
        heap_gone(heap);
    }
}

static void blocks_of_other_heaps_are_87(void **state)
{
    (void)state;
    static struct sample sample[HEAP_KINDS], plain;
    HANDLE heaps[HEAP_KINDS];
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        heaps[kind] = made(kind);
        take_samples(heaps[kind], &sample[kind]);
    }
    size_t before = census_of(GetProcessHeap()).busy;
    take_samples(GetProcessHeap(), &plain);
    for (size_t of = 0; of < HEAP_KINDS; of++) {
        for (size_t i = 0; i < SAMPLES + LARGE; i++) {
            if (sample[of].p[i] != NULL)
                assert_no_block(GetProcessHeap(), sample[of].p[i]);
            assert_no_block(heaps[of], plain.p[i]);
            for (size_t with = 0; with < HEAP_KINDS; with++) {
                if (with != of && sample[of].p[i] != NULL)
                    assert_no_block(heaps[with], sample[of].p[i]);
            }
        }
    }
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        check_samples(heaps[kind], &sample[kind]);
        heap_gone(heaps[kind]);
    }
    for (size_t i = 0; i < SAMPLES + LARGE; i++)
        assert_true(HeapFree(GetProcessHeap(), 0, plain.p[i]));
    assert_true(census_of(GetProcessHeap()).busy <= before + 2);
}

static void blocks_of_destroyed_heaps_are_87(void **state)
{
    (void)state;
    struct sample sample;
    HANDLE other = heap_made(0, 0);
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = made(kind);
        take_samples(heap, &sample);
        heap_gone(heap);
        for (size_t i = 0; i < SAMPLES + LARGE; i++) {
            if (sample.p[i] == NULL)
                continue;
            assert_no_block(other, sample.p[i]);
            assert_no_block(GetProcessHeap(), sample.p[i]);
        }
    }
    heap_gone(other);
}

/* The last block of a heap, given to another thread's freed list or to none: the same error. */
static HANDLE shared;
static void *freed_elsewhere[200];

static void free_elsewhere(void *argument)
{
    (void)argument;
    for (int i = 0; i < 200; i++)
        HeapFree(shared, 0, freed_elsewhere[i]);
}

static void blocks_freed_by_another_thread_are_87(void **state)
{
    (void)state;
    shared = heap_made(0, 0);
    for (SIZE_T i = 0; i < 200; i++)
        freed_elsewhere[i] = taken(shared, i * 10);
    thread_join(thread_start(free_elsewhere, NULL));
    for (int i = 0; i < 200; i++)
        assert_no_block(shared, freed_elsewhere[i]);
    assert_int_equal(census_of(shared).busy, 0);
    heap_gone(shared);
}

/* Sizes and flags */

static void absurd_sizes_are_8(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = made(kind);
        char *p = taken(heap, 100), *large = HeapAlloc(heap, 0, 100000);
        for (int bit = 44; bit < 64; bit++) {
            SIZE_T size = (SIZE_T)1 << bit;
            for (int less = -1; less <= 1; less++) {
                SIZE_T n = size + (SIZE_T)less * 9;
                assert_error(HeapAlloc(heap, 0, n), NULL, ERROR_NOT_ENOUGH_MEMORY);
                assert_error(HeapReAlloc(heap, 0, p, n), NULL, ERROR_NOT_ENOUGH_MEMORY);
                assert_error(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, p, n), NULL,
                             ERROR_NOT_ENOUGH_MEMORY);
                if (large != NULL)
                    assert_error(HeapReAlloc(heap, 0, large, n), NULL, ERROR_NOT_ENOUGH_MEMORY);
            }
        }
        assert_int_equal(HeapSize(heap, 0, p), 100);
        assert_true(HeapValidate(heap, 0, NULL));
        heap_gone(heap);
    }
}

#define KNOWN                                                                                      \
    (HEAP_NO_SERIALIZE | HEAP_GENERATE_EXCEPTIONS | HEAP_ZERO_MEMORY | HEAP_REALLOC_IN_PLACE_ONLY)

static void unknown_flags_are_ignored(void **state)
{
    (void)state;
    for (int bit = 0; bit < 32; bit++) {
        DWORD flag = (DWORD)1 << bit;
        if (flag & KNOWN)
            continue;
        HANDLE heap = HeapCreate(flag, 0, 0);
        assert_non_null(heap);
        char *p = HeapAlloc(heap, flag, 100);
        assert_non_null(p);
        p = HeapReAlloc(heap, flag, p, 200);
        assert_non_null(p);
        assert_int_equal(HeapSize(heap, flag, p), 200);
        assert_true(HeapValidate(heap, flag, p));
        assert_true(HeapValidate(heap, flag, NULL));
        assert_true(HeapFree(heap, flag, p));
        HeapCompact(heap, flag);
        HEAP_SUMMARY summary = { .cb = sizeof(summary) };
        assert_true(HeapSummary(heap, flag, &summary));
        heap_gone(heap);
    }
}

static void flags_of_other_calls_mean_nothing_to_create(void **state)
{
    (void)state;
    HANDLE heap = heap_made(HEAP_ZERO_MEMORY | HEAP_REALLOC_IN_PLACE_ONLY | HEAP_GROWABLE, 0);
    char *p = taken(heap, 100);
    memset(p, 0xCC, 100);
    p = HeapReAlloc(heap, 0, p, 200000);
    assert_non_null(p);
    assert_true(all_bytes(p, 0xCC, 100));
    heap_gone(heap);
}

/* The other arguments */

static void null_arguments_have_their_errors(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 0);
    HEAP_OPTIMIZE_RESOURCES_INFORMATION flags = { 1, 1 };
    assert_error(HeapWalk(heap, NULL), FALSE, ERROR_INVALID_PARAMETER);
    assert_error(HeapSummary(heap, 0, NULL), FALSE, ERROR_INVALID_PARAMETER);
    assert_error(GetProcessHeaps(1, NULL), 0, ERROR_NOACCESS);
    assert_error(HeapSetInformation(heap, HeapCompatibilityInformation, NULL, 4), FALSE,
                 ERROR_NOACCESS);
    assert_error(HeapSetInformation(heap, HeapOptimizeResources, NULL, 8), FALSE, ERROR_NOACCESS);
    assert_error(HeapSetInformation(heap, HeapOptimizeResources, &flags, 8), FALSE,
                 ERROR_INVALID_PARAMETER);
    assert_error(HeapQueryInformation(heap, HeapCompatibilityInformation, NULL, 4, NULL), FALSE,
                 ERROR_NOACCESS);
    heap_gone(heap);
}

static void walk_from_a_bad_entry_is_87(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        static char memory[64] __attribute__((aligned(16)));
        HANDLE heap = made(kind), other = made(kind);
        char *p = taken(heap, 1000), *foreign = taken(other, 1000);
        void *const bad[] = { memory,
                              (void *)16,
                              (void *)~(uintptr_t)15,
                              p + 16,
                              foreign,
                              other,
                              (char *)heap + 16,
                              p + 1,
                              (void *)(uintptr_t)0xDEADBEE0 };
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            for (int fill = 0; fill < 256; fill += 85) {
                PROCESS_HEAP_ENTRY entry;
                memset(&entry, fill, sizeof(entry));
                entry.lpData = bad[i];
                assert_error(HeapWalk(heap, &entry), FALSE, ERROR_INVALID_PARAMETER);
            }
        }
        heap_gone(heap);
        heap_gone(other);
    }
}

static void compatibility_of_other_values_is_refused(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 0);
    const ULONG refused[] = { 1, 3, 4, 100, 0xFFFFFFFF };
    for (size_t i = 0; i < 5; i++) {
        ULONG value = refused[i];
        assert_error(HeapSetInformation(heap, HeapCompatibilityInformation, &value, sizeof(value)),
                     FALSE, ERROR_GEN_FAILURE);
    }
    ULONG value = 0;
    assert_true(HeapSetInformation(heap, HeapCompatibilityInformation, &value, sizeof(value)));
    heap_gone(heap);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_and_wild_handles_are_6),
        cmocka_unit_test(addresses_beside_a_heap_are_6),
        cmocka_unit_test(destroyed_handles_are_6),
        cmocka_unit_test(locked_heap_can_be_destroyed),
        cmocka_unit_test(wild_blocks_are_87),
        cmocka_unit_test(interior_pointers_are_87),
        cmocka_unit_test(forged_headers_are_87),
        cmocka_unit_test(freed_blocks_are_87),
        cmocka_unit_test(freed_and_compacted_blocks_are_87),
        cmocka_unit_test(blocks_of_other_heaps_are_87),
        cmocka_unit_test(blocks_of_destroyed_heaps_are_87),
        cmocka_unit_test(blocks_freed_by_another_thread_are_87),
        cmocka_unit_test(absurd_sizes_are_8),
        cmocka_unit_test(unknown_flags_are_ignored),
        cmocka_unit_test(flags_of_other_calls_mean_nothing_to_create),
        cmocka_unit_test(null_arguments_have_their_errors),
        cmocka_unit_test(walk_from_a_bad_entry_is_87),
        cmocka_unit_test(compatibility_of_other_values_is_refused),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
