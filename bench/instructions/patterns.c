/* SPDX-License-Identifier: MIT */
/*
 * Seven patterns of malloc and free, to be counted by callgrind:
 *
 *     patterns NAME PAIRS
 *
 * does PAIRS pairs of malloc and free as warm-up and then PAIRS more below measured(), the function
 * whose instructions are collected (--toggle-collect=measured). malloc and free are called through
 * the PLT, so that whatever library is preloaded answers.
 *
 *     heap_patterns NAME PAIRS KIND
 *
 * does the same with HeapAlloc and HeapFree in a private heap: no_serialize, serialized, or with a
 * maximum of 64 MiB: bounded (no_serialize too), bounded_serialized. libbarrow must be preloaded.
 *
 * Everything random is drawn before the first pair, into tables of a power of two, so that the
 * caller's own share stays small: a stub that does nothing costs 19 to 25 instructions a pair.
 */
#ifdef HEAPS
#define _GNU_SOURCE
#include <dlfcn.h>
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORKING_SET = 1024,
    BATCH = 1000,
    LARGE_BATCH = 100,
    DRAWS = 1 << 16,
    SMALL = 64,
    LARGE = 4096,
    RANDOM_MIN = 16,
    RANDOM_MAX = 1024,
    WIDER = 64 /* times as long, in the wide set: 1 to 64 KiB */
};

typedef void (*pattern_fn)(size_t pairs);

#ifdef HEAPS
/* Called through pointers, which is what a PLT does too. */
static void *heap;
static void *(*heap_alloc)(void *heap, uint32_t flags, size_t size);
static int (*heap_free)(void *heap, uint32_t flags, void *block);
#define malloc(size) heap_alloc(heap, 0, size)
#define free(block)  heap_free(heap, 0, block)

static int make_heap(const char *kind)
{
    void *(*create)(uint32_t options, size_t initial, size_t maximum);
    size_t maximum = strncmp(kind, "bounded", 7) == 0 ? (size_t)64 << 20 : 0;
    *(void **)&create = dlsym(RTLD_DEFAULT, "barrow_HeapCreate");
    *(void **)&heap_alloc = dlsym(RTLD_DEFAULT, "barrow_HeapAlloc");
    *(void **)&heap_free = dlsym(RTLD_DEFAULT, "barrow_HeapFree");
    if (create == NULL || heap_alloc == NULL || heap_free == NULL)
        return 0;
    heap = create(strstr(kind, "serialized") == NULL, 0, maximum);
    return heap != NULL;
}
#endif

static void *slots[WORKING_SET];
static uint32_t draw_size[DRAWS];
static uint32_t draw_slot[DRAWS];

/* xorshift64*: the same draws in each run under each allocator. */
static uint32_t next_random(void)
{
    static uint64_t state = 0x9E3779B97F4A7C15u;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545F4914F6CDD1Du) >> 32);
}

static void fill_draws(void)
{
    for (size_t i = 0; i < DRAWS; i++) {
        draw_size[i] = RANDOM_MIN + next_random() % (RANDOM_MAX - RANDOM_MIN + 1);
        draw_slot[i] = next_random() % WORKING_SET;
    }
}

/* The compiler may not see that the block is unused, or it would drop malloc and free together. */
static inline void *kept(void *block)
{
    __asm__ volatile("" : "+r"(block));
    return block;
}

static void one_small(size_t pairs)
{
    for (size_t i = 0; i < pairs; i++)
        free(kept(malloc(SMALL)));
}

static void one_large(size_t pairs)
{
    for (size_t i = 0; i < pairs; i++)
        free(kept(malloc(LARGE)));
}

static inline void batches(size_t pairs, size_t batch, size_t size)
{
    for (size_t done = 0; done < pairs; done += batch) {
        for (size_t i = 0; i < batch; i++)
            slots[i] = malloc(size);
        for (size_t i = 0; i < batch; i++)
            free(slots[i]);
    }
}

static void batch_small(size_t pairs)
{
    batches(pairs, BATCH, SMALL);
}

static void batch_large(size_t pairs)
{
    batches(pairs, LARGE_BATCH, LARGE);
}

static void batch_random(size_t pairs)
{
    for (size_t done = 0; done < pairs; done += BATCH) {
        const uint32_t *size = draw_size + done % (DRAWS - BATCH);
        for (size_t i = 0; i < BATCH; i++)
            slots[i] = malloc(size[i]);
        for (size_t i = 0; i < BATCH; i++)
            free(slots[i]);
    }
}

/* Each step frees a slot drawn at random (from the first fill on never empty) and fills it again.
 */
static inline void replace(size_t pairs, size_t factor)
{
    for (size_t i = 0; i < pairs; i++) {
        size_t draw = i % DRAWS;
        void **slot = &slots[draw_slot[draw]];
        free(*slot);
        *slot = malloc(draw_size[draw] * factor);
    }
}

static void working_set(size_t pairs)
{
    replace(pairs, 1);
}

static void wide_set(size_t pairs)
{
    replace(pairs, WIDER);
}

static const struct pattern {
    const char *name;
    pattern_fn run;
} patterns[] = {
    { "one-64", one_small },          { "batch-64", batch_small }, { "working-set", working_set },
    { "batch-random", batch_random }, { "one-4096", one_large },   { "batch-4096", batch_large },
    { "wide-set", wide_set },
};

/* The function that callgrind counts. Not inlined and not a tail call, so that entry and exit are seen. */
__attribute__((noinline)) static void measured(pattern_fn run, size_t pairs)
{
    run(pairs);
    __asm__ volatile("" ::: "memory");
}

static pattern_fn find(const char *name)
{
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        if (strcmp(patterns[i].name, name) == 0)
            return patterns[i].run;
    return NULL;
}

int main(int argc, char **argv)
{
#ifdef HEAPS
    if (argc != 4 || !make_heap(argv[3])) {
        fprintf(stderr, "usage: %s PATTERN PAIRS KIND, with libbarrow preloaded\n", argv[0]);
        return 2;
    }
    argc = 3;
#endif
    pattern_fn run = argc == 3 ? find(argv[1]) : NULL;
    size_t pairs = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (run == NULL || pairs == 0 || pairs % BATCH != 0) {
        fprintf(stderr, "usage: %s PATTERN PAIRS (PAIRS a multiple of %d)\n", argv[0], BATCH);
        return 2;
    }
    fill_draws();
    if (run == working_set || run == wide_set)
        for (size_t i = 0; i < WORKING_SET; i++)
            slots[i] = malloc(draw_size[i]);
    run(pairs);
    measured(run, pairs);
    return 0;
}
