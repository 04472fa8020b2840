/* SPDX-License-Identifier: MIT */
/* A signal handler that leaves by siglongjmp, as timeouts and interpreters' breaks do: out of the
 * program's own code, never out of malloc, which the program sees to by a flag of its own. What it
 * was about to free is freed later; no call may be left half done by it. */
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include "support/block.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

enum { BLOCKS = 200 };

static sigjmp_buf out;
static volatile sig_atomic_t may_jump, jumps;

static void handler(int signal)
{
    (void)signal;
    if (!may_jump)
        return;
    may_jump = 0;
    jumps++;
    siglongjmp(out, 1);
}

static volatile unsigned sum;

/* The program's own work, in which it may be interrupted. */
static void compute(void)
{
    may_jump = 1;
    for (int i = 0; i < 3000; i++)
        sum += (unsigned)i * 7;
    may_jump = 0;
}

static struct block blocks[BLOCKS];
static uint64_t state_of_random = 1;

static void work_until_interrupted(void)
{
    for (;;) {
        struct block *block = &blocks[rng_below(&state_of_random, BLOCKS)];
        if (block->bytes != NULL)
            block_drop(block);
        else
            block_make(block, rng_size(&state_of_random, 13), &state_of_random);
        compute();
    }
}

static void handlers_jump_out(void **state)
{
    struct itimerval timer = { { 0, 300 }, { 0, 300 } }, none = { { 0, 0 }, { 0, 0 } };
    struct sigaction action = { .sa_handler = handler };
    int wanted = (int)scaled(2000);
    (void)state;
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    sigsetjmp(out, 1);
    if (jumps < wanted)
        work_until_interrupted();
    assert_int_equal(setitimer(ITIMER_REAL, &none, NULL), 0);
    for (size_t i = 0; i < BLOCKS; i++)
        block_drop(&blocks[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(handlers_jump_out) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
