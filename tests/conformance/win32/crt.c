/* SPDX-License-Identifier: MIT */
/* crt.c: Microsoft's calls on malloc's blocks (section 5 of the list of facts), through <malloc.h>. */
#include "win32_test.h"

#include <barrow/barrow.h>
#include <errno.h>
#include <malloc.h>

/* The library's own malloc: in a build with a sanitizer the plain names are another's. */
#define malloc barrow_malloc
#define calloc barrow_calloc
#define free   barrow_free

#define assert_errno(call, failure, error)                                                         \
    do {                                                                                           \
        errno = 0;                                                                                 \
        assert_true((call) == (failure));                                                          \
        assert_int_equal(errno, (error));                                                          \
    } while (0)

static int is_zero(const char *bytes, size_t n)
{
    while (n > 0 && bytes[n - 1] == 0)
        n--;
    return n == 0;
}

static void s5_msize(void **state)
{
    (void)state;
    for (size_t size = 0; size < 200000; size = size * 2 + 7) {
        void *p = malloc(size);
        assert_true(_msize(p) >= size);
        memset(p, 1, _msize(p));
        free(p);
    }
    assert_errno(_msize(NULL), (size_t)-1, EINVAL);
}

static void s5_expand_never_moves(void **state)
{
    (void)state;
    char *p = malloc(100);
    memset(p, 'x', 100);
    assert_ptr_equal(_expand(p, 50), p);
    size_t size = _msize(p);
    assert_ptr_equal(_expand(p, size), p);
    assert_null(_expand(p, 100 << 20));
    assert_int_equal(p[49], 'x');
    assert_errno(_expand(p, SIZE_MAX), NULL, ENOMEM);
    free(p);
    char *large = malloc(1 << 20);
    for (size_t n = 1 << 20; n < (64u << 20); n += 1 << 20) {
        char *same = _expand(large, n);
        assert_true(same == NULL || (same == large && _msize(large) >= n));
    }
    free(large);
    assert_errno(_expand(NULL, 5), NULL, EINVAL);
}

static void s5_recalloc_zeroes_what_is_added(void **state)
{
    (void)state;
    char *p = _recalloc(NULL, 2, 50);
    assert_true(is_zero(p, 100));
    for (size_t n = 100; n < 300000; n = n * 3 / 2 + 1) {
        p = _recalloc(p, n, 1);
        memset(p, 'x', n);
        p = _recalloc(p, n * 2, 1);
        assert_int_equal(p[n - 1], 'x');
        assert_true(is_zero(p + n, n));
        p = _recalloc(p, n / 2, 1); /* shorter, and then longer again: the rest is zero */
        p = _recalloc(p, n, 1);
        assert_int_equal(p[n / 2 - 1], 'x');
        assert_true(is_zero(p + n / 2, n - n / 2));
    }
    assert_errno(_recalloc(p, SIZE_MAX, 5), NULL, ENOMEM);
    assert_int_equal(p[0], 'x');
    assert_null(_recalloc(p, 0, 5));
}

static void s5_aligned_malloc(void **state)
{
    (void)state;
    for (size_t alignment = 1; alignment <= 65536; alignment *= 2) {
        for (size_t size = 0; size < 5000; size = size * 3 + 1) {
            char *p = _aligned_malloc(size, alignment);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % alignment, 0);
            assert_int_equal(_aligned_msize(p, alignment, 0), size);
            memset(p, 'x', size);
            _aligned_free(p);
        }
    }
    _aligned_free(NULL);
    assert_errno(_aligned_malloc(10, 3), NULL, EINVAL);
    assert_errno(_aligned_malloc(10, 127), NULL, EINVAL);
    assert_errno(_aligned_malloc(SIZE_MAX, 16), NULL, ENOMEM);
    char *p = _aligned_malloc(10, 0);
    assert_non_null(p);
    _aligned_free(p);
}

static void s5_aligned_offset_malloc(void **state)
{
    (void)state;
    for (size_t alignment = 16; alignment <= 4096; alignment *= 4) {
        for (size_t offset = 0; offset < 100; offset++) {
            char *p = _aligned_offset_malloc(200, alignment, offset);
            assert_int_equal(((uintptr_t)p + offset) % alignment, 0);
            assert_int_equal(_aligned_msize(p, alignment, offset), 200);
            memset(p, 'x', 200);
            _aligned_free(p);
        }
    }
    char *p = _aligned_offset_malloc(23, 16, 7);
    assert_int_equal(_aligned_msize(p, 16, 7), 23);
    assert_errno(_aligned_msize(p, 32, 7), (size_t)-1, EINVAL);
    _aligned_free(p);
    assert_errno(_aligned_msize(NULL, 16, 0), (size_t)-1, EINVAL);
    assert_errno(_aligned_offset_malloc(10, 16, 10), NULL, EINVAL);
    assert_errno(_aligned_offset_malloc(10, 16, 12), NULL, EINVAL);
}

static void s5_aligned_realloc(void **state)
{
    (void)state;
    char *p = _aligned_realloc(NULL, 10, 64);
    memcpy(p, "123456789", 10);
    p = _aligned_realloc(p, 100000, 64);
    assert_int_equal((uintptr_t)p % 64, 0);
    assert_string_equal(p, "123456789");
    assert_int_equal(_aligned_msize(p, 64, 0), 100000);
    assert_errno(_aligned_realloc(p, 20, 32), NULL, EINVAL);
    assert_errno(_aligned_offset_realloc(p, 20, 64, 3), NULL, EINVAL);
    assert_string_equal(p, "123456789");
    p = _aligned_realloc(p, 4, 64);
    assert_memory_equal(p, "1234", 4);
    assert_null(_aligned_realloc(p, 0, 64));
    p = _aligned_offset_recalloc(NULL, 5, 5, 32, 8);
    assert_true(is_zero(p, 25));
    memset(p, 'x', 25);
    p = _aligned_offset_recalloc(p, 50, 5, 32, 8);
    assert_int_equal(((uintptr_t)p + 8) % 32, 0);
    assert_int_equal(p[24], 'x');
    assert_true(is_zero(p + 25, 225));
    assert_errno(_aligned_offset_recalloc(p, SIZE_MAX, 5, 32, 8), NULL, ENOMEM);
    _aligned_free(p);
    p = _aligned_recalloc(NULL, 3, 3, 16);
    assert_true(is_zero(p, 9));
    _aligned_free(p);
}

static void s5_whole_heap(void **state)
{
    (void)state;
    assert_int_equal(_heapmin(), 0);
    assert_int_equal(_heapchk(), _HEAPOK);
    assert_true(_get_heap_handle() == (intptr_t)GetProcessHeap());
}

static void memory_from_the_stack_or_the_heap(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        size_t size = (size_t)1 << (10 * round);
        char *p = _malloca(size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, 'x', size);
        _freea(p);
    }
    _freea(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s5_msize),
        cmocka_unit_test(s5_expand_never_moves),
        cmocka_unit_test(s5_recalloc_zeroes_what_is_added),
        cmocka_unit_test(s5_aligned_malloc),
        cmocka_unit_test(s5_aligned_offset_malloc),
        cmocka_unit_test(s5_aligned_realloc),
        cmocka_unit_test(s5_whole_heap),
        cmocka_unit_test(memory_from_the_stack_or_the_heap),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
