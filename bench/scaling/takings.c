/* SPDX-License-Identifier: MIT */
/* takings.c: how often locks are taken in each pattern, and how long they are held.
 *
 *     takings              for 1 to 8 threads, per 1000 pairs of malloc and free, in steady state:
 *                          takings of the thread's own theap's lock, which is not shared but with who
 *                          gives blocks back; of its arena's; of all others, and how many of all
 *                          takings were of a lock that another thread had taken last
 *     takings --holds      one thread, stopped after each instruction: instructions of a pair, and the
 *                          longest and the mean hold of each kind of lock in instructions (x86-64)
 *     takings --csv, --holds-csv    the same for model.py
 */
#include "patterns.h"

#include "heap/threads.h"
#include "os/lock.h"
#include "region/arena.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include "../../tests/stress/single_step.h"
#endif

enum { THREADS_MAX = 8, WARM_ROUNDS = 6, KINDS = 3 };

enum kind { OWN_THEAP, OWN_ARENA, OTHER };

static const char *const kinds[KINDS] = { "own theap", "own arena", "other" };

/* ---- what is seen ------------------------------------------------------------------------------ */

static _Atomic bool counting;
static _Atomic size_t takings[KINDS], moved;

/* The thread that took the lock last, by the lock's address; two locks that share a place are rare. */
enum { PLACES = 1 << 14 };
static _Atomic uintptr_t last_taker[PLACES];

static __thread volatile enum kind held; /* the outermost lock that the thread holds ... */
static __thread volatile int depth;      /* ... and how many it holds */

static enum kind kind_of(const struct os_lock *lock)
{
    const struct thread_words *words = thread_words();
    if (words->theap != NULL && lock == &words->theap->lock)
        return OWN_THEAP;
    if (words->arena != 0 && lock == &region.arenas[words->arena - 1].lock)
        return OWN_ARENA;
    return OTHER;
}

void os_lock_taken(struct os_lock *lock)
{
    enum kind kind = kind_of(lock);
    if (atomic_load_explicit(&counting, memory_order_relaxed)) {
        _Atomic uintptr_t *place = &last_taker[(uintptr_t)lock / 64 % PLACES];
        uintptr_t me = os_thread_token();
        uintptr_t before = atomic_exchange_explicit(place, me, memory_order_relaxed);
        atomic_fetch_add_explicit(&moved, before != me, memory_order_relaxed);
        atomic_fetch_add_explicit(&takings[kind], 1, memory_order_relaxed);
    }
    if (depth++ == 0)
        held = kind;
}

void os_lock_leaving(struct os_lock *lock)
{
    (void)lock;
    depth--;
}

/* ---- threads ----------------------------------------------------------------------------------- */

static struct work works[THREADS_MAX];
static pthread_barrier_t barrier;
static const struct pattern *current;

static _Atomic uint64_t spent; /* processor time of the threads, in nanoseconds */

static uint64_t thread_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void *run_thread(void *argument)
{
    struct work *work = argument;
    for (int round = 0; round < WARM_ROUNDS; round++)
        current->run(work, current->pairs);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier); /* the main thread has begun to count */
    uint64_t begun = thread_time();
    current->run(work, current->pairs);
    atomic_fetch_add(&spent, thread_time() - begun);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    finish(work);
    return NULL;
}

static void count_anew(void)
{
    for (int kind = 0; kind < KINDS; kind++)
        atomic_store(&takings[kind], 0);
    atomic_store(&moved, 0);
    atomic_store(&spent, 0);
    atomic_store(&counting, true);
}

static void run(const struct pattern *pattern, unsigned threads)
{
    pthread_t ids[THREADS_MAX];
    current = pattern;
    pthread_barrier_init(&barrier, NULL, threads + 1);
    for (unsigned i = 0; i < threads; i++) {
        works[i].random = 0x9E3779B97F4A7C15u + i;
        works[i].sent = works[i].taken = 0;
        works[i].next = &works[(i + 1) % threads];
        if (pthread_create(&ids[i], NULL, run_thread, &works[i]) != 0)
            abort();
    }
    pthread_barrier_wait(&barrier);
    count_anew();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    atomic_store(&counting, false);
    pthread_barrier_wait(&barrier);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    pthread_barrier_destroy(&barrier);
}

static double per_1000(size_t count, unsigned threads)
{
    return (double)count * 1000 / ((double)current->pairs * threads);
}

static void show_takings(bool csv)
{
    puts(csv ? "pattern;threads;own theap;own arena;other;moved;ns"
             : "pattern                               threads  own theap  own arena  other  moved"
               "  ns/pair");
    for (size_t i = 0; i < patterns_count; i++)
        for (unsigned threads = 1; threads <= THREADS_MAX; threads *= 2) {
            run(&patterns[i], threads);
            printf(csv ? "%s;%u;%.3f;%.3f;%.3f;%.3f;%.1f\n"
                       : "%-37s %7u %10.2f %10.2f %6.2f %6.2f %8.1f\n",
                   patterns[i].name, threads, per_1000(takings[OWN_THEAP], threads),
                   per_1000(takings[OWN_ARENA], threads), per_1000(takings[OTHER], threads),
                   per_1000(moved, threads), per_1000(spent, threads) / 1000);
            fflush(stdout);
        }
}

/* ---- holds ------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
enum { STEPPED_PAIRS = 1000, STEPS_MAX = 400000 };

static struct {
    size_t longest, all, count;
} holds[KINDS];
static size_t steps;     /* of the hold that is being watched */
static size_t all_steps; /* of all instructions */
static enum kind stepping_kind;

static void on_step(void)
{
    if (++all_steps == STEPS_MAX)
        stepping = 0; /* a round of this pattern is long: its beginning must do */
    if (depth > 0) {
        stepping_kind = held;
        steps++;
    } else if (steps != 0) {
        holds[stepping_kind].longest =
            steps > holds[stepping_kind].longest ? steps : holds[stepping_kind].longest;
        holds[stepping_kind].all += steps;
        holds[stepping_kind].count++;
        steps = 0;
    }
}

static size_t stepped_pairs(void)
{
    return current->pairs < STEPPED_PAIRS ? current->pairs : STEPPED_PAIRS;
}

static void stepped(void)
{
    current->run(&works[0], stepped_pairs());
}

static void show_hold(bool csv, const char *what, size_t longest, size_t mean, size_t n)
{
    printf(csv ? "%s;%s;%zu;%zu;%zu\n" : "%-37s %-10s %7zu %6zu %6zu\n", current->name, what,
           longest, mean, n);
}

static void show_holds(bool csv)
{
    puts(csv ? "pattern;lock;longest;mean;count"
             : "pattern                               lock       longest   mean  count");
    if (single_step_prepare() != 0)
        abort();
    for (size_t i = 0; i < patterns_count; i++) {
        current = &patterns[i];
        works[0] = (struct work){ 1, works[0].slots, &works[0], works[0].mail, 0, 0 };
        for (int round = 0; round < WARM_ROUNDS; round++)
            current->run(&works[0], current->pairs);
        memset(holds, 0, sizeof holds);
        all_steps = 0;
        single_step(stepped, on_step);
        if (all_steps < STEPS_MAX)
            show_hold(csv, "(a pair)", 0, all_steps / stepped_pairs(), stepped_pairs());
        for (int kind = 0; kind < KINDS; kind++)
            if (holds[kind].count != 0)
                show_hold(csv, kinds[kind], holds[kind].longest,
                          holds[kind].all / holds[kind].count, holds[kind].count);
        fflush(stdout);
        finish(&works[0]);
    }
}
#else
static void show_holds(bool csv)
{
    (void)csv;
    puts("instructions are counted on x86-64 only");
}
#endif

int main(int argc, char **argv)
{
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        works[i].slots = calloc(SLOTS, sizeof *works[i].slots);
        works[i].mail = calloc(MAIL, sizeof *works[i].mail);
        if (works[i].slots == NULL || works[i].mail == NULL)
            return 1;
    }
    const char *mode = argc == 2 ? argv[1] : "";
    if (strncmp(mode, "--holds", 7) == 0)
        show_holds(strcmp(mode, "--holds-csv") == 0);
    else
        show_takings(strcmp(mode, "--csv") == 0);
    return 0;
}
