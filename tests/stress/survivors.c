/* SPDX-License-Identifier: MIT */
/* A few survivors must not pin the memory around them: of 300,000 blocks of 512 B to 2 KiB, 366 MiB
 * in all, one in twenty stays. Those 15,000 hold 18 MiB and lie on some 18,000 pages, 71 MiB. */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "crew.h"
#include "resident.h"
#include "support/block.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/rng.h"
#include "support/suite.h"

enum { BLOCKS = 300000, KEEP = 20, THREADS = 4 };

static struct block blocks[BLOCKS];

static void stretch_make(size_t from, size_t to)
{
    uint64_t random = from + 1;

    for (size_t i = from; i < to; i++) {
        size_t size = 512 + (size_t)rng_below(&random, 1537);
        blocks[i].bytes = malloc(size);
        REQUIRE(blocks[i].bytes != NULL);
        blocks[i].size = size;
        memset(blocks[i].bytes, (int)i, size);
    }
}

static void most_free(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        if (i % KEEP == 0)
            continue;
        free(blocks[i].bytes);
        blocks[i].bytes = NULL;
    }
}

static void survivors_check_and_free(void)
{
    for (size_t i = 0; i < BLOCKS; i += KEEP) {
        const unsigned char *bytes = blocks[i].bytes;
        REQUIRE(bytes[0] == (unsigned char)i);
        REQUIRE(memcmp(bytes, bytes + 1, blocks[i].size - 1) == 0);
        free(blocks[i].bytes);
    }
}

static void *thread_makes(void *number)
{
    size_t part = (size_t)number;

    stretch_make(BLOCKS / THREADS * part, BLOCKS / THREADS * (part + 1));
    return NULL;
}

static void blocks_make(const char *argument)
{
    memset(blocks, 0, sizeof(blocks));
    if (strcmp(argument, "threads") == 0)
        crew_run(THREADS, thread_makes);
    else
        stretch_make(0, BLOCKS);
}

/* malloc_trim(0) gives back every page without a survivor, at once. Nothing else does it here (see
 * memory_falls), or memory might be on its way back when the trim is done. */
static int child_trim(const char *argument)
{
    memset(blocks, 0, sizeof(blocks));
    size_t start = memory_resident();

    blocks_make(argument);
    most_free();
    malloc_trim(0);
    must_be(memory_resident(), 76 * MIB + sizeof(blocks), "after malloc_trim");
    survivors_check_and_free();
    malloc_trim(0);
    must_be(memory_resident(), start + 10 * MIB, "after all is freed and trimmed");
    return 0;
}

/* Without it, time does a good part of it, and the few calls of later on do it no harm. */
static int child_time(const char *argument)
{
    memset(blocks, 0, sizeof(blocks));
    size_t start = memory_resident();

    blocks_make(argument);
    most_free();
    must_fall(150 * MIB + sizeof(blocks), "a while later");
    for (size_t i = 0; i < 20; i++)
        free(opaque(malloc(600)));
    must_be(memory_resident(), 150 * MIB + sizeof(blocks), "after a few calls more");
    survivors_check_and_free();
    must_fall(start + 10 * MIB, "a while after all is freed");
    return 0;
}

/* What was given back is used again, and whole. */
static int child_again(const char *argument)
{
    blocks_make(argument);
    size_t peak = memory_resident();

    for (int round = 0; round < 3; round++) {
        most_free();
        malloc_trim(0);
        survivors_check_and_free();
        blocks_make(argument);
        must_be(memory_resident(), peak + peak / 10, "at the next peak");
    }
    return 0;
}

struct trial {
    const char *title;
    const char *name;
    const char *argument;
};

static const struct trial trials[] = {
    { "trim", "trim", "main" },        { "trim, four threads", "trim", "threads" },
    { "time", "time", "main" },        { "time, four threads", "time", "threads" },
    { "used again", "again", "main" }, { "used again, four threads", "again", "threads" },
};

static void memory_falls(void **state)
{
    static const char *const by_trim_alone[] = { "BARROW_PURGE_DELAY=-1", NULL };
    static struct child_result result;
    const struct trial *trial = *state;
    const char *const args[] = { "--case", trial->name, trial->argument, NULL };
    bool time = strcmp(trial->name, "time") == 0;

    child_run(&(struct child){ .args = args, .env = time ? NULL : by_trim_alone }, &result);
    if (!child_exited(&result, 0))
        child_show(trial->title, &result);
    assert_true(child_exited(&result, 0));
}

int main(int argc, char **argv)
{
    enum { TRIALS = sizeof(trials) / sizeof(trials[0]) };
    static const struct child_function cases[] = {
        { "trim", child_trim },
        { "time", child_time },
        { "again", child_again },
        { NULL, NULL },
    };
    struct CMUnitTest tests[TRIALS];

    child_case(argc, argv, cases);
    for (size_t i = 0; i < TRIALS; i++)
        tests[i] =
            (struct CMUnitTest){ trials[i].title, memory_falls, NULL, NULL, (void *)&trials[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
