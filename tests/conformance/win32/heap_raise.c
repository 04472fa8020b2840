/* SPDX-License-Identifier: MIT */
/* heap_raise.c: section 1: HEAP_GENERATE_EXCEPTIONS. */
#include "heap_test.h"

#define RAISE HEAP_GENERATE_EXCEPTIONS

static struct {
    DWORD code, flags, parameters;
} raised;
static int expected;

/* The handler leaves the call that raised; nothing of the heap may be locked then. */
#ifdef _WIN32
static void *escape[5];
#define escape_set()   __builtin_setjmp(escape)
#define escape_leave() __builtin_longjmp(escape, 1)
#else
static jmp_buf escape;
#define escape_set()   setjmp(escape)
#define escape_leave() longjmp(escape, 1)
#endif

static LONG WINAPI on_exception(EXCEPTION_POINTERS *pointers)
{
    const EXCEPTION_RECORD *record = pointers->ExceptionRecord;
    if (!expected)
        return EXCEPTION_CONTINUE_SEARCH;
    expected = 0;
    raised.code = record->ExceptionCode;
    raised.flags = record->ExceptionFlags;
    raised.parameters = record->NumberParameters;
    escape_leave();
}

/* What HeapAlloc (block NULL) or HeapReAlloc raises; 0 when it returns. */
static DWORD raised_by(HANDLE heap, DWORD flags, void *block, SIZE_T size)
{
    memset(&raised, 0, sizeof(raised));
    expected = 1;
    if (escape_set() == 0) {
        if (block == NULL)
            HeapAlloc(heap, flags, size);
        else
            HeapReAlloc(heap, flags, block, size);
    }
    expected = 0;
    return raised.code;
}

static void s1_create_generate_exceptions_holds_for_each_call(void **state)
{
    (void)state;
    HANDLE heap = heap_made(RAISE, MIB);
    void *p = taken(heap, 100);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(raised_by(heap, 0, NULL, 2 * MIB), STATUS_NO_MEMORY);
        assert_int_equal(raised_by(heap, 0, p, 2 * MIB), STATUS_NO_MEMORY);
        assert_int_equal(raised_by(heap, HEAP_ZERO_MEMORY, NULL, SIZE_MAX), STATUS_NO_MEMORY);
    }
    assert_int_equal(raised_by(heap, 0, NULL, 100), 0);
    heap_gone(heap);
}

static void s1_alloc_generate_exceptions_raises_no_memory(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = heap_made(heap_kinds[kind].options, heap_kinds[kind].maximum);
        assert_int_equal(raised_by(heap, RAISE, NULL, SIZE_MAX - 5), STATUS_NO_MEMORY);
        assert_int_equal(raised_by(heap, RAISE, NULL, (SIZE_T)1 << 60), STATUS_NO_MEMORY);
        assert_null(HeapAlloc(heap, 0, SIZE_MAX - 5)); /* for that call only */
        assert_int_equal(raised_by(heap, RAISE, NULL, 100), 0);
        heap_gone(heap);
    }
}

static void s1_alloc_exception_is_noncontinuable_without_parameters(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 0);
    assert_int_equal(raised_by(heap, RAISE, NULL, SIZE_MAX - 5), STATUS_NO_MEMORY);
    assert_int_equal(raised.flags, EXCEPTION_NONCONTINUABLE);
    assert_int_equal(raised.parameters, 0);
    heap_gone(heap);
}

static void s1_realloc_generate_exceptions_raises_no_memory(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 0), bounded = heap_made(0, MIB);
    char *p = taken(heap, 100), *q = taken(bounded, 100);
    memset(p, 4, 100);
    assert_int_equal(raised_by(heap, RAISE, p, SIZE_MAX - 5), STATUS_NO_MEMORY);
    assert_int_equal(raised_by(bounded, RAISE, q, 2 * MIB), STATUS_NO_MEMORY);
    assert_int_equal(raised_by(heap, RAISE | HEAP_REALLOC_IN_PLACE_ONLY, p, 64 * MIB),
                     STATUS_NO_MEMORY);
    assert_int_equal(HeapSize(heap, 0, p), 100);
    assert_true(all_bytes(p, 4, 100));
    heap_gone(heap);
    heap_gone(bounded);
}

static void s1_raise_leaves_the_heap_usable_by_all(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 256 * KIB);
    void **last = NULL, **volatile p;
    for (;;) {
        memset(&raised, 0, sizeof(raised));
        expected = 1;
        if (escape_set() != 0)
            break;
        p = HeapAlloc(heap, RAISE, 1000);
        expected = 0;
        *p = last;
        last = p;
    }
    assert_int_equal(raised.code, STATUS_NO_MEMORY);
    assert_true(HeapValidate(heap, 0, NULL));
    while (last != NULL) {
        void **next = *last;
        assert_true(HeapFree(heap, 0, last));
        last = next;
    }
    assert_int_equal(census_of(heap).busy, 0);
    heap_gone(heap);
}

static void s1_raise_of_a_bad_block_is_an_access_violation(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 0);
    char *p = taken(heap, 1000);
    assert_true(HeapFree(heap, 0, p));
    assert_int_equal(raised_by(heap, RAISE, p, 50), STATUS_ACCESS_VIOLATION);
    p = taken(heap, 1000);
    assert_int_equal(raised_by(heap, RAISE, p + 16, 50), STATUS_ACCESS_VIOLATION);
    assert_true(HeapValidate(heap, 0, NULL));
    heap_gone(heap);
}

static void s1_raise_not_of_heapfree_or_heapsize(void **state)
{
    (void)state;
    HANDLE heap = heap_made(RAISE, 0);
    void *p = taken(heap, 100);
    assert_true(HeapFree(heap, 0, p));
    assert_error(HeapFree(heap, 0, p), FALSE, ERROR_INVALID_PARAMETER);
    assert_error(HeapSize(heap, 0, p), FAILED_SIZE, ERROR_INVALID_PARAMETER);
    heap_gone(heap);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        not_on_wine(s1_create_generate_exceptions_holds_for_each_call),
        cmocka_unit_test(s1_alloc_generate_exceptions_raises_no_memory),
        cmocka_unit_test(s1_alloc_exception_is_noncontinuable_without_parameters),
        cmocka_unit_test(s1_realloc_generate_exceptions_raises_no_memory),
        cmocka_unit_test(s1_raise_leaves_the_heap_usable_by_all),
        not_on_wine(s1_raise_of_a_bad_block_is_an_access_violation),
        cmocka_unit_test(s1_raise_not_of_heapfree_or_heapsize),
    };
    tests_set_up(argc, argv, NULL);
    AddVectoredExceptionHandler(1, on_exception);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
