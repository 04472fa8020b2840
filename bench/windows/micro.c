/* SPDX-License-Identifier: MIT */
/*
 * barrow against the C run-time's heap and the system's, in one process:
 *
 *     micro [MILLISECONDS]
 *
 * prints, for each pattern, nanoseconds for an allocation and its free, and the ratios. Each heap
 * is called through pointers, in turns of MILLISECONDS (default 100); the best of five turns
 * counts, so that what else the machine does counts least.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BARROW_USE_HEAPS
#include <barrow/heapapi.h>

enum { TURNS = 5, WORKING_SET = 1024, BATCH = 1000, DRAWS = 1 << 14, THREADS = 4 };

struct heap {
    const char *name;
    void *(*allocate)(size_t size);
    void (*release)(void *block);
};

static HANDLE theirs, ours;

#undef HeapAlloc
#undef HeapFree
#undef HeapCreate

static void *system_alloc(size_t size)
{
    return HeapAlloc(theirs, 0, size);
}

static void system_free(void *block)
{
    HeapFree(theirs, 0, block);
}

static void *private_alloc(size_t size)
{
    return barrow_HeapAlloc(ours, 0, size);
}

static void private_free(void *block)
{
    barrow_HeapFree(ours, 0, block);
}

static const struct heap heaps[] = {
    { "C run-time", malloc, free },
    { "barrow_malloc", barrow_malloc, barrow_free },
    { "HeapAlloc", system_alloc, system_free },
    { "barrow_HeapAlloc", private_alloc, private_free },
};

enum { HEAPS = sizeof heaps / sizeof heaps[0] };

static uint32_t sizes[DRAWS], places[DRAWS];

static void draw(void)
{
    uint64_t state = 0x9E3779B97F4A7C15u;
    for (size_t i = 0; i < DRAWS; i++) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        sizes[i] = 16 + (uint32_t)(state >> 33) % 1009;
        places[i] = (uint32_t)(state >> 13) % WORKING_SET;
    }
}

/* Each pattern makes some thousand pairs and answers how many. */
static size_t one_at_a_time(const struct heap *heap, size_t size)
{
    for (size_t i = 0; i < BATCH; i++) {
        char *block = heap->allocate(size);
        *(volatile char *)block = 1;
        heap->release(block);
    }
    return BATCH;
}

static size_t batch(const struct heap *heap, size_t size)
{
    void *blocks[BATCH];
    for (size_t i = 0; i < BATCH; i++)
        *(volatile char *)(blocks[i] = heap->allocate(size)) = 1;
    for (size_t i = 0; i < BATCH; i++)
        heap->release(blocks[i]);
    return BATCH;
}

static size_t working_set(const struct heap *heap, size_t size)
{
    void *blocks[WORKING_SET] = { NULL };
    for (size_t i = 0; i < DRAWS; i++) {
        void **place = &blocks[places[i]];
        heap->release(*place);
        *(volatile char *)(*place = heap->allocate(size != 0 ? size : sizes[i])) = 1;
    }
    for (size_t i = 0; i < WORKING_SET; i++)
        heap->release(blocks[i]);
    return DRAWS;
}

struct pattern {
    const char *name;
    size_t (*run)(const struct heap *heap, size_t size);
    size_t size;
    int threads;
};

static const struct pattern patterns[] = {
    { "64 B, one", one_at_a_time, 64, 1 },
    { "64 B, 1000", batch, 64, 1 },
    { "mixed, working set", working_set, 0, 1 },
    { "4 KiB, one", one_at_a_time, 4096, 1 },
    { "100 KiB, one", one_at_a_time, 100 * 1024, 1 },
    { "mixed, four threads", working_set, 0, THREADS },
};

static double seconds(void)
{
    LARGE_INTEGER now, frequency;
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&frequency);
    return (double)now.QuadPart / (double)frequency.QuadPart;
}

struct turn {
    const struct pattern *pattern;
    const struct heap *heap;
    double length, nanoseconds;
};

static DWORD WINAPI take_turn(void *argument)
{
    struct turn *turn = argument;
    double start = seconds(), end = start;
    size_t pairs = 0;
    while (end - start < turn->length) {
        for (int i = 0; i < 8; i++)
            pairs += turn->pattern->run(turn->heap, turn->pattern->size);
        end = seconds();
    }
    turn->nanoseconds = (end - start) * 1e9 / (double)pairs;
    return 0;
}

/* Nanoseconds for a pair in each thread, averaged over the threads. */
static double take_turns(const struct pattern *pattern, const struct heap *heap, double length)
{
    struct turn turns[THREADS];
    HANDLE threads[THREADS];
    double sum = 0;
    for (int i = 0; i < pattern->threads; i++) {
        turns[i] = (struct turn){ pattern, heap, length, 0 };
        threads[i] = CreateThread(NULL, 0, take_turn, &turns[i], 0, NULL);
    }
    for (int i = 0; i < pattern->threads; i++) {
        WaitForSingleObject(threads[i], INFINITE);
        CloseHandle(threads[i]);
        sum += turns[i].nanoseconds;
    }
    return sum / pattern->threads;
}

static void measure(const struct pattern *pattern, double length)
{
    double best[HEAPS];
    for (int turn = 0; turn < TURNS; turn++)
        for (int i = 0; i < HEAPS; i++) {
            double time = take_turns(pattern, &heaps[i], length);
            best[i] = turn == 0 || time < best[i] ? time : best[i];
        }
    printf("| %s | %.0f | %.0f | %.2f | %.0f | %.0f | %.2f |\n", pattern->name, best[0], best[1],
           best[1] / best[0], best[2], best[3], best[3] / best[2]);
}

int main(int argc, char **argv)
{
    double length = argc > 1 ? strtod(argv[1], NULL) / 1000 : 0.1;
    theirs = HeapCreate(0, 0, 0);
    ours = barrow_HeapCreate(0, 0, 0);
    if (theirs == NULL || ours == NULL || length <= 0)
        return 1;
    draw();
    printf("| ns a pair | %s | %s | ratio | %s | %s | ratio |\n|---|---|---|---|---|---|---|\n",
           heaps[0].name, heaps[1].name, heaps[2].name, heaps[3].name);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        measure(&patterns[i], length);
    return 0;
}
