/* SPDX-License-Identifier: MIT */
/* Memory goes back to the system after a peak while the program does nothing or little: with one
 * thread, with threads that idle, and when the memory was freed by threads other than its owner.
 * Each case is a child with a heap of its own, for what came before would blur the figures. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "crew.h"
#include "resident.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/rng.h"
#include "support/suite.h"

/* A peak of about 200 MiB in blocks of 16 B to 256 KiB. */
enum { BLOCKS = 14000, PEAK_LEAST = 100, WORKERS = 4 };

/* What may be resident beyond the start when all is freed; and what each idle thread may keep. Measured: 14.1 to
 * 15.6 MiB for four threads that idle after 390 MiB, of which 9 are in their lists. */
#if defined(_WIN32)
#define REST                                                                                       \
    (16 * MIB) /* Wine counts pages that are reset as resident: 11.5 and 19.5 MiB were measured */
#else
#define REST (10 * MIB)
#endif
#define KEPT (2 * WORKERS * MIB)

static unsigned char *blocks[WORKERS][BLOCKS];

static void *peak_make(void *number)
{
    uint64_t random = (uint64_t)number;

    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = 16 + rng_size(&random, 17);
        unsigned char *block = malloc(size);
        REQUIRE(block != NULL);
        memset(block, 1, size);
        blocks[(size_t)number][i] = block;
    }
    return NULL;
}

static void *peak_free(void *number)
{
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[(size_t)number][i]);
    return NULL;
}

static size_t start_resident(void)
{
    free(opaque(malloc(100)));
    memset(blocks, 0, sizeof(blocks)); /* the test's own table counts as there from the start */
    return memory_resident();
}

/* No call at all after the last free. One peak only: a second one is a cycle, and the heap keeps the
 * memory that a third would want. */
static int child_quiet(const char *argument)
{
    size_t start = start_resident();

    (void)argument;
    peak_make(NULL);
    REQUIRE(memory_resident() > start + PEAK_LEAST * MIB / 4);
    peak_free(NULL);
    must_fall(start + REST, "quiet");
    return 0;
}

/* A server that waits: now and then a small request, from one thread. */
static int child_ticking(const char *argument)
{
    size_t start = start_resident();

    (void)argument;
    peak_make(NULL);
    peak_free(NULL);
    for (unsigned i = 0; i < 60; i++) {
        for (size_t size = 100; size < 2000; size += 100)
            free(opaque(malloc(size)));
        sleep_milliseconds(50);
    }
    must_fall(start + REST, "ticking");
    return 0;
}

/* The owners of the memory live on, but sleep. */
static sem_t done;
static sem_t leave;

static void *worker_idles(void *number)
{
    peak_make(number);
    peak_free(number);
    sem_post(&done);
    while (sem_wait(&leave) != 0)
        continue;
    return NULL;
}

static struct crew workers = { .count = 0 };

/* Returns when they have all done their work, and sleep. */
static void workers_start(void *work(void *number))
{
    REQUIRE(sem_init(&done, 0, 0) == 0 && sem_init(&leave, 0, 0) == 0);
    crew_start(&workers, WORKERS, work);
    for (size_t i = 0; i < WORKERS; i++)
        while (sem_wait(&done) != 0)
            continue;
}

static void workers_leave(void)
{
    for (size_t i = 0; i < WORKERS; i++)
        sem_post(&leave);
    crew_join(&workers);
}

static int child_idle_workers(const char *argument)
{
    size_t start = start_resident();

    (void)argument;
    workers_start(worker_idles);
    must_fall(start + REST + KEPT, "idle workers");
    workers_leave();
    return 0;
}

/* The main thread frees what sleeping workers made. */
static void *worker_makes_and_idles(void *number)
{
    peak_make(number);
    sem_post(&done);
    while (sem_wait(&leave) != 0)
        continue;
    return NULL;
}

static int child_freed_by_another(const char *argument)
{
    size_t start = start_resident();

    (void)argument;
    workers_start(worker_makes_and_idles);
    for (size_t i = 0; i < WORKERS; i++)
        peak_free((void *)i);
    must_fall(start + REST, "freed by another thread");
    workers_leave();
    return 0;
}

/* The owners have ended. */
static int child_ended_workers(const char *argument)
{
    size_t start = start_resident();

    (void)argument;
    crew_run(WORKERS, peak_make);
    for (size_t i = 0; i < WORKERS; i++)
        peak_free((void *)i);
    must_fall(start + REST, "ended workers");
    return 0;
}

static atomic_bool stop;

static void *worker_potters(void *number)
{
    (void)number;
    while (!atomic_load(&stop)) {
        free(opaque(malloc(200)));
        sleep_milliseconds(10);
    }
    return NULL;
}

/* The peak was the main thread's, and it sleeps; others keep allocating a little. */
static int child_others_potter(const char *argument)
{
    struct crew crew = { .count = 0 };
    size_t start = start_resident();

    (void)argument;
    peak_make(NULL);
    crew_start(&crew, 2, worker_potters);
    peak_free(NULL);
    must_fall(start + REST, "others potter");
    atomic_store(&stop, true);
    crew_join(&crew);
    return 0;
}

/* Large blocks only, which have spans to themselves. */
static int child_large(const char *argument)
{
    enum { LARGE = 40 };
    void *large[LARGE];
    size_t start = start_resident();

    (void)argument;
    for (size_t i = 0; i < LARGE; i++) {
        large[i] = malloc(5 * MIB);
        REQUIRE(large[i] != NULL);
        memset(large[i], 1, 5 * MIB);
    }
    for (size_t i = 0; i < LARGE; i++)
        free(large[i]);
    must_fall(start + REST, "large");
    return 0;
}

/* malloc_trim does at once what time would, for all threads. Nothing else does it here (see
 * memory_falls), or memory might be on its way back when the trim is done. */
static int child_trim(const char *argument)
{
    size_t start = start_resident();

    (void)argument;
    workers_start(worker_idles);
    malloc_trim(0);
    must_be(memory_resident(), start + REST + KEPT, "trim");
    workers_leave();
    return 0;
}

static const struct child_function cases[] = {
    { "quiet", child_quiet },
    { "ticking", child_ticking },
    { "idle_workers", child_idle_workers },
    { "freed_by_another", child_freed_by_another },
    { "ended_workers", child_ended_workers },
    { "others_potter", child_others_potter },
    { "large", child_large },
    { "trim", child_trim },
    { NULL, NULL },
};

static void memory_falls(void **state)
{
    static const char *const by_trim_alone[] = { "BARROW_PURGE_DELAY=-1", NULL };
    static struct child_result result;
    const char *const args[] = { "--case", *state, NULL };
    bool trim = strcmp(*state, "trim") == 0;

    child_run(&(struct child){ .args = args, .env = trim ? by_trim_alone : NULL }, &result);
    if (!child_exited(&result, 0))
        child_show(*state, &result);
    assert_true(child_exited(&result, 0));
}

int main(int argc, char **argv)
{
    enum { CASES = sizeof(cases) / sizeof(cases[0]) - 1 };
    struct CMUnitTest tests[CASES];

    child_case(argc, argv, cases);
    for (size_t i = 0; i < CASES; i++)
        tests[i] =
            (struct CMUnitTest){ cases[i].name, memory_falls, NULL, NULL, (void *)cases[i].name };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
