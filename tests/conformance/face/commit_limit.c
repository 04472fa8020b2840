/* SPDX-License-Identifier: MIT */
/* A heap with a hard limit on its commit: calls end in NULL and ENOMEM at the limit, and what is
 * freed can be had again. The cases run in children with BARROW_COMMIT_LIMIT=64M. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "exhaust.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/pattern.h"
#include "support/suite.h"

enum { ROUNDS = 5 };

#define LIMIT (64 * MIB)

/* Three quarters of the limit at least are to be usable, however the size fits into granules. */
static void fill_and_free(size_t size)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct hoard hoard = { NULL, 0, 0 };
        hoard_fill(&hoard, size, 2 * LIMIT);
        if (hoard.bytes > LIMIT || hoard.bytes < LIMIT / 4 * 3 - size)
            dprintf(2, "round %d: %zu bytes in blocks of %zu\n", round, hoard.bytes, size);
        REQUIRE(hoard.bytes <= LIMIT);
        REQUIRE(hoard.bytes >= LIMIT / 4 * 3 - size);
        hoard_thin(&hoard, 0);
    }
}

static int child_small(const char *argument)
{
    (void)argument;
    fill_and_free(64);
    fill_and_free(1000);
    fill_and_free(16000);
    return 0;
}

static int child_large(const char *argument)
{
    (void)argument;
    fill_and_free(100 * KIB);
    fill_and_free(1 * MIB);
    fill_and_free(5 * MIB);
    return 0;
}

/* The sizes take turns: what one kept may not be lost to the next. */
static int child_mixed(const char *argument)
{
    static const size_t sizes[] = { 48, 5000, 700, 300000, 100, 2000000, 30000, 16 };

    (void)argument;
    for (size_t i = 0; i < 3 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t size = sizes[i % (sizeof(sizes) / sizeof(sizes[0]))];
        struct hoard hoard = { NULL, 0, 0 };
        hoard_fill(&hoard, size, 2 * LIMIT);
        /* A size that does not fit its slabs well may lose a quarter. */
        if (hoard.bytes < LIMIT / 4 * 3 - size)
            dprintf(2, "turn %zu: %zu bytes in blocks of %zu\n", i, hoard.bytes, size);
        REQUIRE(hoard.bytes <= LIMIT && hoard.bytes >= LIMIT / 4 * 3 - size);
        hoard_thin(&hoard, 0);
    }
    return 0;
}

/* A few blocks stay; a block of half the limit must fit into what the others held, and after it
 * the many small ones once more. */
static int child_holes(const char *argument)
{
    (void)argument;
    for (int round = 0; round < ROUNDS; round++) {
        struct hoard hoard = { NULL, 0, 0 };
        hoard_fill(&hoard, 8000, 2 * LIMIT);
        hoard_thin(&hoard, 1000);
        unsigned char *block = malloc(LIMIT / 2);
        REQUIRE(block != NULL);
        memset(block, 1, LIMIT / 2);
        free(block);
        hoard_fill(&hoard, 8000, 2 * LIMIT);
        REQUIRE(hoard.bytes >= LIMIT / 4 * 3);
        hoard_thin(&hoard, 0);
    }
    return 0;
}

/* Holes between survivors serve blocks of the same size again, up to the limit. */
static int child_same_again(const char *argument)
{
    (void)argument;
    for (int round = 0; round < ROUNDS; round++) {
        struct hoard hoard = { NULL, 0, 0 };
        hoard_fill(&hoard, 1000, 2 * LIMIT);
        hoard_thin(&hoard, 20);
        malloc_trim(0);
        hoard_fill(&hoard, 1000, 2 * LIMIT);
        REQUIRE(hoard.bytes >= LIMIT / 4 * 3);
        hoard_thin(&hoard, 0);
    }
    return 0;
}

/* Every entry point is refused alike, and realloc leaves the old block as it was. */
static int child_entries(const char *argument)
{
    void *out = NULL;

    (void)argument;
    REQUIRE(opaque(malloc(65 * MIB)) == NULL && errno == ENOMEM);
    errno = 0;
    REQUIRE(opaque(calloc(65, MIB)) == NULL && errno == ENOMEM);
    errno = 0;
    REQUIRE(opaque(aligned_alloc(4096, 65 * MIB)) == NULL && errno == ENOMEM);
    errno = 0;
    REQUIRE(opaque(valloc(65 * MIB)) == NULL && errno == ENOMEM);
    errno = 0;
    REQUIRE(posix_memalign(&out, 64, 65 * MIB) == ENOMEM && errno == 0 && out == NULL);
    for (size_t size = 100; size <= 48 * MIB; size *= 8) {
        void *block = malloc(size);
        REQUIRE(block != NULL);
        pattern_fill(block, size, size);
        errno = 0;
        REQUIRE(opaque(realloc(block, 65 * MIB)) == NULL && errno == ENOMEM);
        REQUIRE(pattern_holds(block, size, size, size));
        free(block);
    }
    void *block = malloc(48 * MIB);
    REQUIRE(block != NULL);
    memset(block, 1, 48 * MIB);
    free(block);
    return 0;
}

/* A block grows in steps up to the limit, falls, and grows again. */
static int child_grows(const char *argument)
{
    (void)argument;
    for (int round = 0; round < ROUNDS; round++) {
        unsigned char *block = NULL;
        size_t size = 0;
        for (unsigned char *next; (next = realloc(block, size + MIB)) != NULL; size += MIB) {
            REQUIRE(size < LIMIT);
            block = next;
            memset(block + size, 1, MIB);
        }
        REQUIRE(errno == ENOMEM && size >= LIMIT / 2);
        block = realloc(block, 100);
        REQUIRE(block != NULL);
        free(block);
    }
    return 0;
}

static pthread_barrier_t all_there;

/* Not before all threads are started: where no memory is left, none can be. */
static void *thread_exhausts(void *argument)
{
    static const size_t sizes[] = { 64, 1000, 50000, 1000000 };
    size_t which = (size_t)argument;

    pthread_barrier_wait(&all_there);
    for (int round = 0; round < 20; round++) {
        struct hoard hoard = { NULL, 0, 0 };
        hoard_fill(&hoard, sizes[(which + (size_t)round) % 4], LIMIT);
        hoard_thin(&hoard, 3);
        hoard_thin(&hoard, 0);
    }
    return NULL;
}

static int child_threads(const char *argument)
{
    pthread_t threads[4];

    (void)argument;
    REQUIRE(pthread_barrier_init(&all_there, NULL, 4) == 0);
    for (size_t i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, thread_exhausts, (void *)i) == 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    fill_and_free(20000);
    return 0;
}

static const struct child_function cases[] = {
    { "small", child_small },     { "large", child_large },           { "mixed", child_mixed },
    { "holes", child_holes },     { "same_again", child_same_again }, { "grows", child_grows },
    { "entries", child_entries }, { "threads", child_threads },       { NULL, NULL },
};

static void limit_holds(void **state)
{
    static struct child_result result;
    const char *const args[] = { "--case", *state, NULL };
    const char *const env[] = { "BARROW_COMMIT_LIMIT=64M", NULL };

    child_run(&(struct child){ .args = args, .env = env }, &result);
    if (!child_exited(&result, 0))
        child_show(*state, &result);
    assert_true(child_exited(&result, 0));
    /* one line, at the first refusal, however many follow */
    static const char start[] = "barrow: an allocation failed: ";
    assert_memory_equal(result.err, start, sizeof(start) - 1);
    assert_non_null(strstr(result.err, "BARROW_COMMIT_LIMIT allows 65536 KiB\n"));
    assert_ptr_equal(strchr(result.err, '\n'), result.err + strlen(result.err) - 1);
}

int main(int argc, char **argv)
{
    enum { CASES = sizeof(cases) / sizeof(cases[0]) - 1 };
    struct CMUnitTest tests[CASES];

    child_case(argc, argv, cases);
    for (size_t i = 0; i < CASES; i++)
        tests[i] =
            (struct CMUnitTest){ cases[i].name, limit_holds, NULL, NULL, (void *)cases[i].name };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
