/* SPDX-License-Identifier: MIT */
/* A program whose use of memory rises and falls, by page faults: they follow the size without a cliff, and stop
 * after a few rounds, whatever the size of the heap and of its blocks. Each heap is a child's, for what came
 * before would have taught it. Of blocks of 1 MiB one byte in 64 KiB is written, so that 4 GiB are little. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "support/check.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/suite.h"

enum { PAGE = 4096, ROUNDS = 30, LEARNING = 20 };

static size_t faults(void)
{
    struct rusage usage;
    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    return (size_t)usage.ru_minflt;
}

static void rise_and_fall(char **blocks, size_t count, size_t size, size_t step)
{
    for (size_t i = 0; i < count; i++) {
        REQUIRE((blocks[i] = malloc(size)) != NULL);
        for (size_t at = 0; at < size; at += step)
            blocks[i][at] = 1;
    }
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
}

/* The argument: blocks, their size, and the distance of bytes that are written. Says the faults of all rounds,
 * and of those after the first ones. */
static int child_rounds(const char *argument)
{
    size_t count, size, step;
    REQUIRE(sscanf(argument, "%zu %zu %zu", &count, &size, &step) == 3);
    REQUIRE(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
    char **blocks = mmap(NULL, count * sizeof *blocks, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    REQUIRE(blocks != MAP_FAILED);
    free(malloc(size));
    size_t start = faults(), learned = start;
    for (int round = 0; round < ROUNDS; round++) {
        rise_and_fall(blocks, count, size, step);
        if (round + 1 == LEARNING)
            learned = faults();
    }
    size_t end = faults();
    dprintf(1, "%zu %zu", end - start, end - learned);
    return 0;
}

struct figures {
    size_t all, late;
};

static struct figures measure(size_t count, size_t size, size_t step)
{
    static struct child_result result;
    struct figures figures = { 0 };
    char argument[80];
    snprintf(argument, sizeof argument, "%zu %zu %zu", count, size, step);
    child_run_case("rounds", argument, &result);
    if (!child_exited(&result, 0) ||
        sscanf(result.out, "%zu %zu", &figures.all, &figures.late) != 2) {
        child_show(argument, &result);
        fail();
    }
    return figures;
}

/* From 1 MiB to `most` bytes, by twelfths. Of any size 1 MiB may stay at first, and spans are as long, so
 * 2 MiB more or less are no cliff, and below 4 some rounds may still miss a sixteenth. */
static void follows_the_size(size_t size, size_t step, size_t most)
{
    size_t before = 0, next;
    for (size_t count = (MIB + size - 1) / size; count * size <= most; count = next) {
        size_t pages = size < PAGE ? count * size / PAGE : count * ((size + step - 1) / step);
        size_t slack = 2 * MIB / (step > PAGE ? step : PAGE);
        bool small = size < PAGE || count * size < 4 * MIB;
        size_t late = small ? pages * (ROUNDS - LEARNING) / 16 : 2;
        struct figures now = measure(count, size, step);
        if (before != 0 && now.all > before * 13 / 10 + slack)
            fail_msg("%zu blocks of %zu: %zu faults, the size before %zu", count, size, now.all,
                     before);
        if (now.late > late || now.all > 4 * pages + slack)
            fail_msg("%zu blocks of %zu: %zu faults, %zu after %d rounds", count, size, now.all,
                     now.late, LEARNING);
        next = count + (count < 12 ? 1 : count / 12);
        before = now.all * next / count; /* as many more as the heap will be larger */
    }
}

static void blocks_of_a_mebibyte(void **state)
{
    (void)state;
    follows_the_size(MIB, 64 * KIB, 4 * GIB);
}

static void blocks_of_300_kib(void **state)
{
    (void)state;
    follows_the_size(300 * KIB, 16 * KIB, 512 * MIB);
}

static void medium_blocks(void **state)
{
    (void)state;
    follows_the_size(64 * KIB, PAGE, 64 * MIB);
    follows_the_size(20000, PAGE, 32 * MIB);
    follows_the_size(6000, PAGE, 32 * MIB);
}

static void small_blocks(void **state)
{
    (void)state;
    follows_the_size(1000, 1000, 32 * MIB);
    follows_the_size(100, 100, 16 * MIB);
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = { { "rounds", child_rounds }, { NULL, NULL } };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_a_mebibyte),
        cmocka_unit_test(blocks_of_300_kib),
        cmocka_unit_test(medium_blocks),
        cmocka_unit_test(small_blocks),
    };
    child_case(argc, argv, cases);
    return cmocka_run_group_tests_name("cliff", tests, NULL, NULL);
}
