/* SPDX-License-Identifier: MIT */
/* heap_info.c: section 1: HeapSetInformation and HeapQueryInformation. */
#include "heap_fixture.h"

static ULONG compatibility(HANDLE h)
{
    ULONG value = 0xCCCCCCCC;
    SIZE_T length = 0xCC;
    assert_true(
        HeapQueryInformation(h, HeapCompatibilityInformation, &value, sizeof(value), &length));
    assert_int_equal(length, sizeof(value));
    return value;
}

static BOOL set_compatibility(HANDLE h, ULONG value)
{
    return HeapSetInformation(h, HeapCompatibilityInformation, &value, sizeof(value));
}

static void s1_info_classes_have_windows_values(void **state)
{
    (void)state;
    assert_int_equal(HeapCompatibilityInformation, 0);
    assert_int_equal(HeapEnableTerminationOnCorruption, 1);
#if !HEAPS_ARE_WINDOWS
    assert_int_equal(HeapOptimizeResources, 3);
#endif
}

/* HeapSetInformation */

static void s1_set_2_reads_back_2(void **state)
{
    (void)state;
    assert_true(set_compatibility(heap, 2));
    assert_int_equal(compatibility(heap), 2);
    assert_true(set_compatibility(heap, 2));
}

static void s1_set_cannot_be_undone(void **state)
{
    (void)state;
    assert_true(set_compatibility(heap, 2));
    assert_error(set_compatibility(heap, 0), FALSE, ERROR_GEN_FAILURE);
    assert_error(set_compatibility(heap, 1), FALSE, ERROR_GEN_FAILURE);
    assert_int_equal(compatibility(heap), 2);
}

static void s1_set_2_not_for_no_serialize_or_fixed(void **state)
{
    (void)state;
    HANDLE single = heap_made(HEAP_NO_SERIALIZE, 0), bounded = heap_made(0, MIB);
    assert_error(set_compatibility(single, 2), FALSE, ERROR_GEN_FAILURE);
    assert_error(set_compatibility(bounded, 2), FALSE, ERROR_GEN_FAILURE);
    assert_int_equal(compatibility(single), 0);
    assert_int_equal(compatibility(bounded), 0);
    heap_gone(single);
    heap_gone(bounded);
}

/* Process-wide and for ever: in a process of its own. */
static int terminate_role(const char *role)
{
    (void)role;
    if (!HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0))
        return 2;
    if (!HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0))
        return 3;
    void *p = HeapAlloc(GetProcessHeap(), 0, 100);
    return p != NULL && HeapFree(GetProcessHeap(), 0, p) ? 42 : 4;
}

static void s1_set_termination_on_corruption_takes_no_heap_and_no_data(void **state)
{
    (void)state;
    assert_int_equal(child_wait(child_start("terminate")), 42);
}

struct optimize {
    DWORD version, flags;
};
#define OPTIMIZE ((HEAP_INFORMATION_CLASS)3)

static void s1_set_optimize_resources(void **state)
{
    (void)state;
    struct optimize information = { 1, 0 };
    char *p = taken(heap, 100), *q = taken(heap, 5 * MIB);
    memset(p, 5, 100);
    assert_true(HeapFree(heap, 0, q));
    assert_true(HeapSetInformation(heap, OPTIMIZE, &information, sizeof(information)));
    assert_true(HeapSetInformation(NULL, OPTIMIZE, &information, sizeof(information)));
    assert_true(HeapSetInformation(GetProcessHeap(), OPTIMIZE, &information, sizeof(information)));
    assert_true(all_bytes(p, 5, 100));
    assert_true(HeapValidate(heap, 0, NULL));
}

static void s1_set_unknown_class_is_87(void **state)
{
    (void)state;
    ULONG value[8] = { 0 };
    const int unknown[] = { 2, 4, 5, 6, 99, -1, 0x7FFFFFFF };
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_error(
            HeapSetInformation(heap, (HEAP_INFORMATION_CLASS)unknown[i], value, sizeof(value)),
            FALSE, ERROR_INVALID_PARAMETER);
}

static void s1_set_short_buffer_is_122(void **state)
{
    (void)state;
    ULONG value = 2;
    struct optimize information = { 1, 0 };
    for (SIZE_T n = 0; n < sizeof(value); n++)
        assert_error(HeapSetInformation(heap, HeapCompatibilityInformation, &value, n), FALSE,
                     ERROR_INSUFFICIENT_BUFFER);
    assert_error(HeapSetInformation(heap, OPTIMIZE, &information, 7), FALSE,
                 ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(compatibility(heap), 0);
}

static void s1_set_optimize_resources_wrong_version_is_87(void **state)
{
    (void)state;
    struct optimize information = { 2, 0 };
    assert_error(HeapSetInformation(heap, OPTIMIZE, &information, sizeof(information)), FALSE,
                 ERROR_INVALID_PARAMETER);
}

/* HeapQueryInformation */

static void s1_query_fresh_heap_is_0(void **state)
{
    (void)state;
    for (size_t i = 0; i < HEAP_KINDS; i++) {
        HANDLE h = heap_made(heap_kinds[i].options, heap_kinds[i].maximum);
        assert_int_equal(compatibility(h), 0);
        heap_gone(h);
    }
}

static void s1_query_is_2_after_18_allocations_of_one_size(void **state)
{
    (void)state;
    for (int i = 0; i < 17; i++) {
        taken(heap, 100);
        assert_int_equal(compatibility(heap), 0);
    }
    taken(heap, 100);
    assert_int_equal(compatibility(heap), 2);
}

static void s1_query_never_2_for_no_serialize_or_fixed(void **state)
{
    (void)state;
    HANDLE single = heap_made(HEAP_NO_SERIALIZE, 0), bounded = heap_made(0, MIB);
    for (int i = 0; i < 100; i++) {
        taken(single, 100);
        taken(bounded, 100);
    }
    assert_int_equal(compatibility(single), 0);
    assert_int_equal(compatibility(bounded), 0);
    heap_gone(single);
    heap_gone(bounded);
}

static void s1_query_short_buffer_is_122_and_tells_4(void **state)
{
    (void)state;
    ULONG value = 0xCCCCCCCC;
    for (SIZE_T n = 0; n < 4; n++) {
        SIZE_T length = 0xDEAD;
        assert_error(HeapQueryInformation(heap, HeapCompatibilityInformation, &value, n, &length),
                     FALSE, ERROR_INSUFFICIENT_BUFFER);
        assert_int_equal(length, 4);
        assert_error(HeapQueryInformation(heap, HeapCompatibilityInformation, &value, n, NULL),
                     FALSE, ERROR_INSUFFICIENT_BUFFER);
    }
    assert_int_equal(value, 0xCCCCCCCC);
}

static void s1_query_long_buffer_is_fine(void **state)
{
    (void)state;
    ULONG value[4] = { 7, 7, 7, 7 };
    SIZE_T length = 0xDEAD;
    assert_kept(
        HeapQueryInformation(heap, HeapCompatibilityInformation, value, sizeof(value), &length));
    assert_int_equal(length, 4);
    assert_int_equal(value[0], 0);
    assert_int_equal(value[1], 7);
    assert_kept(HeapQueryInformation(heap, HeapCompatibilityInformation, value, 4, NULL));
}

static void s1_query_heap_null_is_998(void **state)
{
    (void)state;
    ULONG value = 7;
    SIZE_T length = 0xDEAD;
    assert_error(HeapQueryInformation(NULL, HeapCompatibilityInformation, &value, 4, &length),
                 FALSE, ERROR_NOACCESS);
    assert_int_equal(length, 0xDEAD);
    assert_int_equal(value, 7);
}

static void s1_query_unknown_class_is_87(void **state)
{
    (void)state;
    ULONG value[8];
    const int unknown[] = { 2, 4, 5, 6, 99, -1 };
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_error(HeapQueryInformation(heap, (HEAP_INFORMATION_CLASS)unknown[i], value,
                                          sizeof(value), NULL),
                     FALSE, ERROR_INVALID_PARAMETER);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        with_heap(s1_info_classes_have_windows_values),
        with_heap_not_on_wine(s1_set_2_reads_back_2),
        with_heap_not_on_wine(s1_set_cannot_be_undone),
        with_heap_not_on_wine(s1_set_2_not_for_no_serialize_or_fixed),
        with_heap(s1_set_termination_on_corruption_takes_no_heap_and_no_data),
        with_heap(s1_set_optimize_resources),
        with_heap_not_on_wine(s1_set_unknown_class_is_87),
        with_heap_not_on_wine(s1_set_short_buffer_is_122),
        with_heap_not_on_wine(s1_set_optimize_resources_wrong_version_is_87),
        with_heap(s1_query_fresh_heap_is_0),
        with_heap_not_on_wine(s1_query_is_2_after_18_allocations_of_one_size),
        with_heap(s1_query_never_2_for_no_serialize_or_fixed),
        with_heap(s1_query_short_buffer_is_122_and_tells_4),
        with_heap(s1_query_long_buffer_is_fine),
        with_heap_not_on_wine(s1_query_heap_null_is_998),
        with_heap(s1_query_unknown_class_is_87),
    };
    tests_set_up(argc, argv, terminate_role);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
