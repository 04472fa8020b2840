/* SPDX-License-Identifier: MIT */
/*
 * What blocks of mixed sizes cost beyond themselves: each of THREADS threads keeps BLOCKS blocks and
 * replaces one of them, drawn at random, at each of STEPS steps. Of the sizes from SMALLEST to LARGEST
 * bytes each doubling is as likely as the next. All bytes are written to.
 *
 *     replace THREADS BLOCKS SMALLEST LARGEST STEPS
 *
 * Two lines go to standard output: the most bytes that were live, summed over the threads, and the peak
 * of the resident bytes.
 */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { THREADS_MOST = 64 };

static struct {
    size_t threads, blocks, smallest, largest, steps;
} asked;

struct worker {
    uint64_t random;
    size_t most; /* bytes that were live */
};

/* xorshift64*: the same draws in each run under each allocator. */
static uint64_t next_random(struct worker *worker)
{
    worker->random ^= worker->random >> 12;
    worker->random ^= worker->random << 25;
    worker->random ^= worker->random >> 27;
    return worker->random * 0x2545F4914F6CDD1Du;
}

static size_t draw_size(struct worker *worker)
{
    double part = (double)(next_random(worker) >> 11) * 0x1p-53;
    return (size_t)((double)asked.smallest *
                    pow((double)asked.largest / (double)asked.smallest, part));
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    char **blocks = calloc(asked.blocks, sizeof(*blocks));
    size_t *sizes = calloc(asked.blocks, sizeof(*sizes)), live = 0;
    for (size_t step = 0; step < asked.steps; step++) {
        size_t i = next_random(worker) % asked.blocks, size = draw_size(worker);
        free(blocks[i]);
        live += size - sizes[i];
        worker->most = live > worker->most ? live : worker->most;
        sizes[i] = size;
        blocks[i] = malloc(size);
        if (blocks[i] == NULL)
            abort();
        memset(blocks[i], 1, size);
    }
    for (size_t i = 0; i < asked.blocks; i++)
        free(blocks[i]);
    free(blocks);
    free(sizes);
    return NULL;
}

static void run(void)
{
    static struct worker workers[THREADS_MOST];
    pthread_t threads[THREADS_MOST];
    struct rusage usage;
    size_t live = 0;
    for (size_t i = 0; i < asked.threads; i++) {
        workers[i].random = 0x9E3779B97F4A7C15u * (i + 1);
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < asked.threads; i++) {
        pthread_join(threads[i], NULL);
        live += workers[i].most;
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("live\t%zu\nresident\t%ld\n", live, usage.ru_maxrss * 1024);
}

int main(int argc, char **argv)
{
    size_t *const fields[] = { &asked.threads, &asked.blocks, &asked.smallest, &asked.largest,
                               &asked.steps };
    for (int i = 0; i < 5 && i + 1 < argc; i++)
        *fields[i] = strtoul(argv[i + 1], NULL, 10);
    if (argc != 6 || asked.threads == 0 || asked.threads > THREADS_MOST || asked.blocks == 0 ||
        asked.smallest == 0 || asked.largest < asked.smallest) {
        fprintf(stderr, "usage: %s THREADS BLOCKS SMALLEST LARGEST STEPS\n", argv[0]);
        return 2;
    }
    run();
    return 0;
}
