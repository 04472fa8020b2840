/* SPDX-License-Identifier: MIT */
/* errno: free and its kin leave it alone (POSIX.1-2024 asks so of free), and calls that succeed do
 * not set it, whatever the library does with the system inside. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "support/calls.h"
#include "support/memory.h"
#include "support/suite.h"

enum { MARK = 4711 };

static const size_t sizes[] = { 0,     1,      16,      100,     1000,     4096,     20000,
                                65536, 200000, 1 << 20, 5 << 20, 40 << 20, 200 << 20 };

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void *touched(size_t size)
{
    unsigned char *block = malloc(size);

    assert_non_null(block);
    for (size_t at = 0; at < size; at += 4096)
        block[at] = 1;
    return block;
}

typedef void freer(void *block, size_t size);

static void by_free(void *block, size_t size)
{
    (void)size;
    free(block);
}

static void by_free_sized(void *block, size_t size)
{
    free_sized(block, size);
}

static void by_cfree(void *block, size_t size)
{
    (void)size;
    cfree(block);
}

static void by_realloc(void *block, size_t size)
{
    (void)size;
    assert_null(realloc(opaque(block), opaque_size(0)));
}

static void frees_keep_it(void **state)
{
    static freer *const freers[] = { by_free, by_free_sized, by_cfree, by_realloc };

    (void)state;
    for (size_t f = 0; f < 4; f++) {
        for (size_t i = 0; i < SIZES; i++) {
            void *block = touched(sizes[i]);
            errno = MARK;
            freers[f](block, sizes[i]);
            assert_int_equal(errno, MARK);
            errno = 0;
            freers[f](f == 3 ? malloc(1) : NULL, 0);
            assert_int_equal(errno, 0);
        }
    }
}

static void aligned_sized_free_keeps_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        void *block = aligned_alloc(4096, sizes[i]);
        assert_non_null(block);
        errno = MARK;
        free_aligned_sized(block, 4096, sizes[i]);
        assert_int_equal(errno, MARK);
    }
}

static void many_frees_keep_it(void **state)
{
    enum { BLOCKS = 4000 };
    static void *blocks[BLOCKS];

    (void)state;
    for (size_t size = 16; size <= 40000; size *= 3) {
        for (size_t i = 0; i < BLOCKS; i++)
            blocks[i] = touched(size);
        errno = MARK;
        for (size_t i = 0; i < BLOCKS; i++)
            free(blocks[i]);
        assert_int_equal(errno, MARK);
    }
}

static void *thread_frees(void *block)
{
    errno = MARK;
    free(block);
    return (void *)(intptr_t)errno;
}

static void frees_in_another_thread_keep_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        pthread_t thread;
        void *seen;

        assert_int_equal(pthread_create(&thread, NULL, thread_frees, touched(sizes[i])), 0);
        pthread_join(thread, &seen);
        assert_int_equal((intptr_t)seen, MARK);
    }
}

static void granted_requests_keep_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        void *blocks[6] = { NULL };

        errno = MARK;
        blocks[0] = malloc(sizes[i]);
        blocks[1] = calloc(1, sizes[i]);
        blocks[2] = aligned_alloc(64, sizes[i]);
        blocks[3] = memalign(opaque_size(100), sizes[i]);
        blocks[4] = realloc(malloc(10), sizes[i] + 1);
        blocks[5] = valloc(sizes[i]);
        assert_int_equal(errno, MARK);
        assert_true(malloc_usable_size(blocks[1]) >= sizes[i]);
        assert_int_equal(errno, MARK);
        for (size_t j = 0; j < 6; j++) {
            assert_non_null(blocks[j]);
            free(blocks[j]);
        }
        assert_int_equal(errno, MARK);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(frees_keep_it),
        cmocka_unit_test(aligned_sized_free_keeps_it),
        cmocka_unit_test(many_frees_keep_it),
        cmocka_unit_test(frees_in_another_thread_keep_it),
        cmocka_unit_test(granted_requests_keep_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
