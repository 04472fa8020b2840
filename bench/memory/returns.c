/* SPDX-License-Identifier: MIT */
/*
 * How much memory comes back, and when: 300,000 blocks of 512 bytes to 2 KiB are allocated and
 * used, nineteen in twenty are freed, the program idles, calls the allocator a few times, asks for
 * its memory back with malloc_trim, and frees the rest. After each step one line goes to standard
 * output: the step's name and the resident bytes.
 *
 *     returns [BLOCKS [IDLE-MS]]
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SMALLEST = 512, LARGEST = 2048, KEEP_ONE_IN = 20, FEW_CALLS = 100 };

/* xorshift32: the sizes of every run and every allocator are the same. */
static uint32_t next_random(void)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* The least of three draws: small sizes are more likely, 896 bytes is the mean. */
static size_t draw_size(void)
{
    uint32_t least = UINT32_MAX;
    for (int i = 0; i < 3; i++) {
        uint32_t draw = next_random();
        least = draw < least ? draw : least;
    }
    return SMALLEST + (uint32_t)((uint64_t)least * (LARGEST - SMALLEST + 1) >> 32);
}

/* Read without stdio, which would itself allocate. */
static long resident_bytes(void)
{
    char text[256] = "";
    int file = open("/proc/self/statm", O_RDONLY);
    if (file < 0 || read(file, text, sizeof(text) - 1) <= 0) {
        perror("/proc/self/statm");
        exit(1);
    }
    close(file);
    return strtol(strchr(text, ' '), NULL, 10) * sysconf(_SC_PAGESIZE);
}

static void report(const char *step)
{
    dprintf(STDOUT_FILENO, "%s\t%ld\n", step, resident_bytes());
}

static void idle(long milliseconds)
{
    struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

static void few_calls(void)
{
    for (int i = 0; i < FEW_CALLS; i++) {
        char *volatile block = malloc(draw_size());
        block[0] = 1;
        free(block);
    }
}

static void allocate(char **blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = draw_size();
        blocks[i] = malloc(size);
        if (blocks[i] == NULL)
            abort();
        memset(blocks[i], 1, size);
    }
}

/* Frees the blocks whose number is a multiple of KEEP_ONE_IN, or all the others. */
static void release(char **blocks, size_t count, int multiples)
{
    for (size_t i = 0; i < count; i++)
        if ((i % KEEP_ONE_IN == 0) == multiples)
            free(blocks[i]);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 300000;
    long pause = argc > 2 ? strtol(argv[2], NULL, 10) : 3000;
    char **blocks = malloc(count * sizeof(*blocks));
    allocate(blocks, count);
    report("all live");
    release(blocks, count, 0);
    report("19 in 20 freed");
    idle(pause);
    report("idle");
    few_calls();
    report("a few calls");
    malloc_trim(0);
    report("malloc_trim");
    release(blocks, count, 1);
    free(blocks);
    report("all freed");
    idle(pause);
    few_calls();
    report("idle, a few calls");
    malloc_trim(0);
    report("malloc_trim again");
    return 0;
}
