/* SPDX-License-Identifier: MIT */
/* fork while other threads hold the locks of standard I/O and allocate under them. fork takes the
 * lock of stdio's list of files; a heap that takes its own locks before fork does, in the other
 * order than these threads, hangs. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "crew.h"
#include "guard.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/scale.h"
#include "support/suite.h"

static atomic_bool stop;

/* The list's lock, then memory for the file and its buffer. */
static void opens_and_closes(void)
{
    FILE *file = fopen("/dev/null", "w");

    REQUIRE(file != NULL);
    REQUIRE(fputs("some text that makes a buffer\n", file) >= 0);
    REQUIRE(fclose(file) == 0);
}

/* The file's lock, then memory that grows under it. What the stream made is the C library's. */
static void writes_to_memory(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);

    REQUIRE(file != NULL);
    for (int i = 0; i < 200; i++)
        REQUIRE(fprintf(file, "%d lines of %s\n", i, "text that grows and grows") > 0);
    REQUIRE(fclose(file) == 0);
#if BARROW_OVERRIDE_MALLOC
    free(text);
#endif
}

/* The list's lock, and under it the lock of each file in turn. */
static void flushes_all(void)
{
    fflush(NULL);
}

static void *stdio_body(void *number)
{
    void (*const deeds[])(void) = { opens_and_closes, writes_to_memory, flushes_all };

    while (!atomic_load(&stop))
        deeds[(size_t)number % 3]();
    return NULL;
}

static void *heap_body(void *number)
{
    while (!atomic_load(&stop)) {
        for (size_t size = 1; size < 300000; size = size * 3 + (size_t)number) {
            void *block = malloc(size);
            REQUIRE(block != NULL);
            free(block);
        }
    }
    return NULL;
}

static void children_live(size_t rounds)
{
    for (; rounds > 0; rounds--) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            guard_child();
            opens_and_closes();
            for (size_t size = 1; size < 3000000; size *= 7)
                free(opaque(malloc(size)));
            _exit(0);
        }
        assert_true(guard_wait(pid));
    }
}

static void fork_meets_stdio(void **state)
{
    struct crew crew = { .count = 0 };

    (void)state;
    alarm(200);
    atomic_store(&stop, false);
    crew_start(&crew, 6, stdio_body);
    children_live(scaled(400));
    atomic_store(&stop, true);
    crew_join(&crew);
    alarm(0);
}

static void fork_meets_stdio_and_a_busy_heap(void **state)
{
    struct crew crew = { .count = 0 };

    (void)state;
    alarm(200);
    atomic_store(&stop, false);
    crew_start(&crew, 3, stdio_body);
    crew_start(&crew, 3, heap_body);
    children_live(scaled(400));
    atomic_store(&stop, true);
    crew_join(&crew);
    alarm(0);
}

/* A child that exits as programs do flushes its files, which takes all their locks again. */
static void child_exits_in_full(void **state)
{
    (void)state;
    for (size_t rounds = scaled(50); rounds > 0; rounds--) {
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            guard_child();
            writes_to_memory();
            exit(0);
        }
        assert_true(guard_wait(pid));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fork_meets_stdio),
        cmocka_unit_test(fork_meets_stdio_and_a_busy_heap),
        cmocka_unit_test(child_exits_in_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
