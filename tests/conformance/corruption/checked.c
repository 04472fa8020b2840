/* SPDX-License-Identifier: MIT */
/* The checked mode: calls keep their promises, and the mode its own. The process is in that mode
 * from its start; those that must end by a message are children. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "support/calls.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/pattern.h"
#include "support/suite.h"

static void sizes_are_exact(void **state)
{
    static const size_t sizes[] = {
        0, 1, 7, 8, 15, 16, 17, 100, 1000, 4096, 65536, 70000, 3000000
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned char *block = malloc(sizes[i]);
        assert_non_null(block);
        assert_int_equal(malloc_usable_size(block), sizes[i]);
        assert_int_equal((uintptr_t)block % 16, 0);
        memset(block, 1, sizes[i]);
        block = realloc(block, sizes[i] * 2 + 3);
        assert_int_equal(malloc_usable_size(block), sizes[i] * 2 + 3);
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(block[at], 1);
        free(block);
    }
}

static void alignments_are_kept(void **state)
{
    (void)state;
    for (size_t align = 8; align <= 4 * MIB; align *= 2)
        for (size_t size = 1; size < 3 * align && size < MIB; size = size * 5 + 1) {
            void *block;
            assert_int_equal(posix_memalign(&block, align, size), 0);
            assert_int_equal((uintptr_t)block % align, 0);
            pattern_fill(block, size, align);
            block = realloc(block, size + 10);
            assert_true(pattern_holds(block, size, size, align));
            free(block);
        }
}

/* What was never written holds no zeros by luck, and calloc's blocks nothing else. */
static void fresh_blocks_are_filled(void **state)
{
    (void)state;
    for (size_t size = 1; size < 60000; size = size * 3 + 1) {
        unsigned char *block = malloc(size);
        unsigned char *zero = calloc(1, size);
        assert_false(bytes_are_zero(block, size));
        assert_true(bytes_are_zero(zero, size));
        free(block);
        free(zero);
    }
}

static void freed_blocks_are_not_used_at_once(void **state)
{
    enum { FREES = 10000 };
    (void)state;
    /* one of the oldest 64 leaves the quarantine when it is full */
    void *older[100];
    for (int i = 0; i < 100; i++)
        older[i] = malloc(200);
    for (int i = 0; i < 100; i++)
        free(older[i]);
    void *first = malloc(200);
    free(opaque(first));
    for (int i = 0; i < FREES; i++) {
        void *block = malloc(200);
        assert_ptr_not_equal(block, first);
        free(block);
    }
}

/* In order, each block would lie a fixed distance behind the one before it. */
static void placement_is_random(void **state)
{
    enum { BLOCKS = 512 };
    static char *blocks[BLOCKS];
    int neighbours = 0;

    (void)state;
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(40);
    for (int i = 1; i < BLOCKS; i++)
        neighbours += blocks[i] - blocks[i - 1] == blocks[1] - blocks[0];
    assert_in_range(neighbours, 0, BLOCKS / 4);
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

static void realloc_moves(void **state)
{
    (void)state;
    char *block = malloc(100);
    char *moved = realloc(opaque(block), 90);
    assert_ptr_not_equal(moved, block);
    free(moved);
}

static void large_blocks_grow(void **state)
{
    (void)state;
    unsigned char *block = malloc(MIB);
    pattern_fill(block, MIB, 5);
    for (size_t size = MIB; size < 64 * MIB; size *= 2) {
        block = realloc(block, size * 2);
        assert_true(pattern_holds(block, MIB, MIB, 5));
    }
    block = realloc(block, 1000);
    assert_true(pattern_holds(block, 1000, MIB, 5));
    free(block);
}

static void a_sound_heap_passes(void **state)
{
    (void)state;
    assert_int_equal(barrow_check(), 0);
}

static void *thread_works(void *argument)
{
    for (size_t i = 0; i < 20000; i++) {
        size_t size = (i * 7919) % 3000;
        void *block = malloc(size);
        pattern_fill(block, size, i);
        block = realloc(block, size + 50);
        if (!pattern_holds(block, size, size, i))
            return NULL;
        free(block);
    }
    return argument;
}

static void threads_and_checks_at_once(void **state)
{
    pthread_t threads[3];
    void *done;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread_works, threads), 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(barrow_check(), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_non_null(done);
    }
}

static void *of_parent;

static int goes_on(void)
{
    free(of_parent);
    return thread_works(of_parent) != NULL && barrow_check() == 0 ? 0 : 1;
}

static void a_forked_child_goes_on(void **state)
{
    (void)state;
    of_parent = malloc(100);
    assert_true(child_forks(goes_on));
    free(of_parent);
}

/* --- in children --------------------------------------------------------------------------- */

static int child_checks_unasked(const char *argument)
{
    (void)argument;
    free(malloc(10));
    return barrow_check() == -1 && errno == ENOSYS ? 0 : 1;
}

static void outside_of_the_mode_nothing_is_checked(void **state)
{
    static const char *const args[] = { "--case", "unasked", NULL };
    static const char *const env[] = { "BARROW_CHECKS", NULL };
    static struct child_result result;

    (void)state;
    child_run(&(struct child){ .args = args, .env = env }, &result);
    assert_true(child_exited(&result, 0));
}

static int child_overruns(const char *argument)
{
    size_t size = strtoul(argument, NULL, 10);
    char *block = opaque(aligned_alloc(size % 64 == 0 ? 64 : 1, size));

    block[size] = 1;
    barrow_check();
    return 0;
}

static int child_underruns(const char *argument)
{
    unsigned char *block = opaque(aligned_alloc(strtoul(argument, NULL, 10), 500));

    block[-1] ^= 1; /* the byte may be of a seal, which differs from run to run */
    barrow_check();
    return 0;
}

static int child_writes_freed(const char *argument)
{
    size_t size = strtoul(argument, NULL, 10);
    char *block = opaque(malloc(size));

    free(block);
    opaque(block);
    block[size / 2] = 1;
    barrow_check();
    return 0;
}

/* By a thread that has ended, whose blocks are nobody's just now. */
static void *thread_overruns(void *argument)
{
    char *block = opaque(malloc(300));

    block[300] = 1;
    return argument;
}

static int child_thread_overruns(const char *argument)
{
    pthread_t thread;

    (void)argument;
    if (pthread_create(&thread, NULL, thread_overruns, NULL) == 0)
        pthread_join(thread, NULL);
    barrow_check();
    return 0;
}

static void a_look_at_the_heap_finds(void **state)
{
    static const char *const cases[][3] = {
        { "overrun", "1", "(overrun)" },          { "overrun", "64", "(overrun)" },
        { "overrun", "100", "(overrun)" },        { "overrun", "5000", "(overrun)" },
        { "overrun", "1000000", "(overrun)" },    { "underrun", "16", "underrun" },
        { "underrun", "64", "(underrun)" },       { "underrun", "4096", "(underrun)" },
        { "freed", "8", "(use after free)" },     { "freed", "1000", "(use after free)" },
        { "freed", "50000", "(use after free)" }, { "thread", "", "(overrun)" },
    };
    static struct child_result result;
    int faults = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        child_run_case(cases[i][0], cases[i][1], &result);
        if (!child_killed(&result, SIGABRT) ||
            strncmp(result.err, "barrow: barrow_check: ", 22) != 0 ||
            strstr(result.err, cases[i][2]) == NULL) {
            child_show(cases[i][0], &result);
            faults++;
        }
    }
    assert_int_equal(faults, 0);
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = {
        { "unasked", child_checks_unasked }, { "overrun", child_overruns },
        { "underrun", child_underruns },     { "freed", child_writes_freed },
        { "thread", child_thread_overruns }, { NULL, NULL },
    };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_exact),
        cmocka_unit_test(alignments_are_kept),
        cmocka_unit_test(fresh_blocks_are_filled),
        cmocka_unit_test(freed_blocks_are_not_used_at_once),
        cmocka_unit_test(placement_is_random),
        cmocka_unit_test(realloc_moves),
        cmocka_unit_test(large_blocks_grow),
        cmocka_unit_test(a_sound_heap_passes),
        cmocka_unit_test(threads_and_checks_at_once),
        cmocka_unit_test(a_forked_child_goes_on),
        cmocka_unit_test(outside_of_the_mode_nothing_is_checked),
        cmocka_unit_test(a_look_at_the_heap_finds),
    };

    child_case(argc, argv, cases);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
