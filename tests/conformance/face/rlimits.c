/* SPDX-License-Identifier: MIT */
/* Under the system's own limits (`ulimit -v`, RLIMIT_DATA): the program starts, may use most of
 * what it was given, meets NULL and ENOMEM at the end, goes on after frees, and finds address
 * space left for its own mappings and threads. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "exhaust.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/suite.h"

/* --- in the children ----------------------------------------------------------------------- */

static size_t limit_of(int resource)
{
    struct rlimit limit;

    REQUIRE(getrlimit(resource, &limit) == 0);
    return (size_t)limit.rlim_cur;
}

/* Blocks of several sizes, each to the end: at least the given part of the limit, each time. */
static void exhaust_in_turn(size_t due, size_t limit)
{
    static const size_t sizes[] = { 100 * KIB, 200, MIB, 5000, 100 * KIB };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct hoard hoard = { NULL, 0, 0 };
        hoard_fill(&hoard, sizes[i], limit);
        if (hoard.bytes < due)
            dprintf(2, "%zu KiB of %zu in blocks of %zu\n", hoard.bytes / KIB, limit / KIB,
                    sizes[i]);
        REQUIRE(hoard.bytes >= due);
        hoard_thin(&hoard, 0);
        malloc_trim(0);
    }
}

static int child_space(const char *argument)
{
    size_t limit = limit_of(RLIMIT_AS);

    (void)argument;
    exhaust_in_turn(limit / 2, limit);
    return 0;
}

/* 4 GiB in blocks that are not written, but for their ends: no memory to speak of. */
static int child_space_wide(const char *argument)
{
    size_t limit = limit_of(RLIMIT_AS);
    struct hoard hoard = { NULL, 0, 0 };

    (void)argument;
    hoard_fill(&hoard, 16 * MIB, limit);
    REQUIRE(hoard.bytes >= limit / 4 * 3);
    hoard_thin(&hoard, 0);
    return 0;
}

static int child_data(const char *argument)
{
    size_t limit = limit_of(RLIMIT_DATA);

    (void)argument;
    /* blocks of 100 KiB take 128; a heap on both sides of a multiple of 1 GiB has a second leaf of tags */
    exhaust_in_turn(limit / 4 * 3 - 256 * KIB, 2 * limit);
    return 0;
}

static void *thread_allocates(void *argument)
{
    free(opaque(malloc(1000)));
    return argument;
}

/* With a heap in use the program maps a quarter of its space itself and starts threads. */
static int child_shares(const char *argument)
{
    size_t limit = limit_of(RLIMIT_AS);
    void *blocks[100];

    (void)argument;
    for (size_t i = 0; i < 100; i++)
        REQUIRE((blocks[i] = malloc(i * 500)) != NULL);
    void *pages = mmap(NULL, limit / 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED);
    for (int round = 0; round < 20; round++) {
        pthread_t threads[2];
        for (int i = 0; i < 2; i++)
            REQUIRE(pthread_create(&threads[i], NULL, thread_allocates, NULL) == 0);
        for (int i = 0; i < 2; i++)
            REQUIRE(pthread_join(threads[i], NULL) == 0);
    }
    munmap(pages, limit / 4);
    for (size_t i = 0; i < 100; i++)
        free(blocks[i]);
    return 0;
}

/* One block of half the space. */
static int child_one_large(const char *argument)
{
    size_t size = limit_of(RLIMIT_AS) / 2;

    (void)argument;
    for (int round = 0; round < 10; round++) {
        char *block = malloc(size);
        REQUIRE(block != NULL);
        block[0] = block[size - 1] = 1;
        free(block);
        free(opaque(malloc(1000)));
        block = realloc(malloc(100), size);
        REQUIRE(block != NULL);
        block[size - 1] = 1;
        free(block);
    }
    errno = 0;
    REQUIRE(opaque(malloc(2 * limit_of(RLIMIT_AS))) == NULL && errno == ENOMEM);
    return 0;
}

/* --- limits -------------------------------------------------------------------------------- */

static void limit_set(int resource, size_t bytes)
{
    struct rlimit limit = { bytes, bytes };

    REQUIRE(setrlimit(resource, &limit) == 0);
}

static void space_64m(void)
{
    limit_set(RLIMIT_AS, 64 * MIB);
}

static void space_256m(void)
{
    limit_set(RLIMIT_AS, 256 * MIB);
}

static void space_4g(void)
{
    limit_set(RLIMIT_AS, 4 * GIB);
}

static void data_64m(void)
{
    limit_set(RLIMIT_DATA, 64 * MIB);
}

static void data_256m(void)
{
    limit_set(RLIMIT_DATA, 256 * MIB);
}

static const struct trial {
    const char *title;
    const char *name;
    void (*prepare)(void);
} trials[] = {
    { "64 MiB of address space", "space", space_64m },
    { "256 MiB of address space", "space", space_256m },
    { "4 GiB of address space", "space_wide", space_4g },
    { "64 MiB of address space, shared with the program", "shares", space_64m },
    { "256 MiB of address space, shared with the program", "shares", space_256m },
    { "4 GiB of address space, shared with the program", "shares", space_4g },
    { "64 MiB of address space, half of it in a block", "one_large", space_64m },
    { "256 MiB of address space, half of it in a block", "one_large", space_256m },
    { "4 GiB of address space, half of it in a block", "one_large", space_4g },
    { "64 MiB of data", "data", data_64m },
    { "256 MiB of data", "data", data_256m },
};

enum { TRIALS = sizeof(trials) / sizeof(trials[0]) };

static void limit_is_lived_with(void **state)
{
    static struct child_result result;
    const struct trial *trial = *state;
    const char *const args[] = { "--case", trial->name, NULL };

    child_run(&(struct child){ .args = args, .prepare = trial->prepare }, &result);
    if (!child_exited(&result, 0) || result.err[0] != '\0')
        child_show(trial->title, &result);
    assert_true(child_exited(&result, 0));
    assert_string_equal(result.err, "");
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = {
        { "space", child_space },   { "space_wide", child_space_wide }, { "data", child_data },
        { "shares", child_shares }, { "one_large", child_one_large },   { NULL, NULL },
    };
    struct CMUnitTest tests[TRIALS];

    child_case(argc, argv, cases);
    for (size_t i = 0; i < TRIALS; i++)
        tests[i] = (struct CMUnitTest){ trials[i].title, limit_is_lived_with, NULL, NULL,
                                        (void *)&trials[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
