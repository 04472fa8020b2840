/* SPDX-License-Identifier: MIT */
/* The ends of a process: exit with handlers that allocate, from any thread, while others go on;
 * quick_exit; a main thread that ends before the rest. Each is a child that must end by the status
 * it asked for, in time and without a word. */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crew.h"
#include "support/block.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/rng.h"
#include "support/suite.h"

enum { STATUS = 42, BLOCKS = 300 };

static struct block blocks[BLOCKS];

static void blocks_make(void)
{
    uint64_t random = 1;

    for (size_t i = 0; i < BLOCKS; i++)
        block_make(&blocks[i], rng_size(&random, i == 0 ? 23 : 13), &random);
}

/* Resizes some, frees all and allocates anew: what programs do in handlers, and then some. */
static void blocks_end(void)
{
    uint64_t random = 2;

    for (size_t i = 0; i < BLOCKS; i++) {
        block_resize(&blocks[i], rng_size(&random, 13), &random);
        block_drop(&blocks[i]);
    }
    for (size_t size = 1; size < 10000000; size *= 5)
        free(opaque(calloc(1, size)));
    malloc_trim(0);
}

static int child_atexit(const char *argument)
{
    (void)argument;
    blocks_make();
    atexit(blocks_end);
    return STATUS;
}

/* A destructor of the program runs after all handlers, beside the library's own. */
static bool destructor_wanted;

__attribute__((destructor)) static void program_end(void)
{
    if (destructor_wanted)
        blocks_end();
}

__attribute__((destructor(101))) static void program_end_last(void)
{
    if (destructor_wanted) {
        blocks_make();
        blocks_end();
    }
}

static int child_destructor(const char *argument)
{
    (void)argument;
    blocks_make();
    destructor_wanted = true;
    return STATUS;
}

static void *allocates_for_ever(void *number)
{
    uint64_t random = (uint64_t)number;

    for (;;) {
        struct block block;
        block_make(&block, rng_size(&random, 14), &random);
        block_drop(&block);
    }
    return NULL;
}

static int child_busy(const char *argument)
{
    static struct crew crew;

    (void)argument;
    blocks_make();
    atexit(blocks_end);
    destructor_wanted = false;
    crew_start(&crew, 4, allocates_for_ever);
    sleep_milliseconds(5);
    return STATUS;
}

static void *exits(void *number)
{
    (void)number;
    blocks_make();
    exit(STATUS);
}

static int child_thread_exits(const char *argument)
{
    static struct crew crew;

    (void)argument;
    atexit(blocks_end);
    crew_start(&crew, 1, exits);
    for (;;)
        pause();
    return 0;
}

#if !defined(_WIN32)
static int child_quick(const char *argument)
{
    (void)argument;
    blocks_make();
    at_quick_exit(blocks_end);
    quick_exit(STATUS);
}
#endif

/* The main thread's blocks are freed by the last thread, after the main thread is gone. */
static void *outlives_main(void *number)
{
    (void)number;
    sleep_milliseconds(30);
    blocks_end();
    blocks_make();
    blocks_end();
    exit(STATUS);
}

static int child_main_ends_first(const char *argument)
{
    static struct crew crew;

    (void)argument;
    blocks_make();
    crew_start(&crew, 1, outlives_main);
    pthread_exit(NULL);
}

static void handler_exits_again(void)
{
    blocks_end();
    _exit(STATUS);
}

static int child_exit_in_handler(const char *argument)
{
    (void)argument;
    blocks_make();
    atexit(handler_exits_again);
    return 1;
}

#if !defined(_WIN32)
static void *makes_and_drops(void *number)
{
    uint64_t random = (uint64_t)number;

    for (int i = 0; i < 200; i++) {
        struct block block;
        block_make(&block, rng_size(&random, 20), &random);
        block_drop(&block);
    }
    return NULL;
}

/* A daemon closes all it was given. Whatever file comes to have number 0, 1 or 2 is the program's:
 * the heap may neither write to it nor keep numbers for itself. */
static int child_closes_files(const char *argument)
{
    int ends[2];
    int more[2];
    char byte;

    (void)argument;
    free(opaque(malloc(1)));
    for (int file = 0; file < 1024; file++)
        close(file);
    REQUIRE(pipe(ends) == 0 && ends[0] == 0 && ends[1] == 1);
    for (int round = 0; round < 5; round++) {
        blocks_make();
        blocks_end();
        crew_run(2, makes_and_drops);
    }
    REQUIRE(pipe(more) == 0 && more[0] == 2 && more[1] == 3);
    close(ends[1]);
    REQUIRE(read(ends[0], &byte, 1) == 0);
    return STATUS;
}
#endif

static const struct child_function cases[] = {
    { "atexit", child_atexit },
    { "destructor", child_destructor },
    { "busy", child_busy },
    { "thread_exits", child_thread_exits },
#if !defined(_WIN32)
    { "quick", child_quick },
    { "closes_files", child_closes_files },
#endif
    { "main_ends_first", child_main_ends_first },
    { "exit_in_handler", child_exit_in_handler },
    { NULL, NULL },
};

static void ends_well(void **state)
{
    static struct child_result result;

    for (int round = 0; round < 5; round++) {
        child_run_case(*state, NULL, &result);
        if (!child_exited(&result, STATUS) || result.err[0] != '\0')
            child_show(*state, &result);
        assert_true(child_exited(&result, STATUS));
        assert_string_equal(result.err, "");
    }
}

int main(int argc, char **argv)
{
    enum { CASES = sizeof(cases) / sizeof(cases[0]) - 1 };
    struct CMUnitTest tests[CASES];

    child_case(argc, argv, cases);
    for (size_t i = 0; i < CASES; i++)
        tests[i] =
            (struct CMUnitTest){ cases[i].name, ends_well, NULL, NULL, (void *)cases[i].name };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
