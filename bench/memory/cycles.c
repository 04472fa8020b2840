/* SPDX-License-Identifier: MIT */
/*
 * cycles STEPS: sixteen live blocks of 64 KiB to 4 MiB, the oldest replaced at each step. Run under
 * strace with two numbers of steps, the difference of the system calls is what a step costs.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIVE = 16, SMALLEST = 64 << 10, PAGE = 4096 };

static uint32_t next_random(void)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* Each doubling from the smallest to the largest is as likely as the next. */
static size_t draw_size(void)
{
    size_t low = (size_t)SMALLEST << next_random() % 6;
    return low + next_random() % low;
}

int main(int argc, char **argv)
{
    char *volatile blocks[LIVE] = { NULL };
    long steps = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    if (steps <= 0) {
        fprintf(stderr, "usage: %s STEPS\n", argv[0]);
        return 2;
    }
    for (long step = 0; step < steps; step++) {
        size_t size = draw_size();
        free(blocks[step % LIVE]);
        blocks[step % LIVE] = malloc(size);
        for (size_t i = 0; i < size; i += PAGE)
            blocks[step % LIVE][i] = 1;
    }
    return 0;
}
