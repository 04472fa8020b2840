/* SPDX-License-Identifier: MIT */
/*
 * soak SECONDS THREADS RATE: a load like a server's, RATE requests a second in all, for so long;
 * then everything is freed, and the process waits for a sixth of the time. Each second one line:
 *
 *     seconds  resident bytes  live bytes (as asked for)  requests
 *
 * A request allocates some twenty short-lived objects and a reply that grows, keeps a session or
 * ends one, and puts an entry into a cache that all threads share; the oldest entry leaves it, so
 * most entries are freed by another thread than made them. The sizes of entries drift: what was
 * freed yesterday does not fit what is asked for today. Threads live for some seconds.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    THREADS_MOST = 64,
    ENTRIES = 60000, /* of the cache */
    SESSIONS = 500,  /* of each thread */
    OBJECTS = 20,    /* of a request */
    LIFE = 5,        /* seconds of a thread */
    DRIFT = 40,      /* seconds in which sizes go up and down once */
    BURST = 50       /* requests between two looks at the clock */
};

struct entry {
    size_t size;
    unsigned char bytes[];
};

static _Atomic(struct entry *) cache[ENTRIES];
static _Atomic uint64_t live, requests;
static atomic_bool over;
static double start_time, end_time, rate_of_thread;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((uint64_t)(uint32_t)(z >> 32) * below >> 32);
}

static struct entry *make(size_t size)
{
    struct entry *entry = malloc(sizeof *entry + size);
    if (entry == NULL)
        abort();
    entry->size = size;
    memset(entry->bytes, (int)size, size);
    atomic_fetch_add_explicit(&live, size, memory_order_relaxed);
    return entry;
}

static void drop(struct entry *entry)
{
    if (entry == NULL)
        return;
    if (entry->size != 0 && entry->bytes[entry->size - 1] != (unsigned char)entry->size)
        abort();
    atomic_fetch_sub_explicit(&live, entry->size, memory_order_relaxed);
    free(entry);
}

/* From 100 bytes to some 8 KiB, small ones more often; twice as large at the height of the drift.
 */
static size_t entry_size(uint64_t *state)
{
    size_t size = 100 + draw(state, 100u << draw(state, 7));
    unsigned phase = (unsigned)(now() - start_time) % DRIFT;
    return size + size * (phase < DRIFT / 2 ? phase : DRIFT - phase) / (DRIFT / 2);
}

static void make_reply(uint64_t *state)
{
    size_t size = 256, wanted = 1000 + draw(state, 1000u << draw(state, 7));
    unsigned char *reply = malloc(size);
    while (reply != NULL && size < wanted) {
        reply[size - 1] = 1;
        size += size / 2;
        reply = realloc(reply, size);
    }
    if (reply == NULL)
        abort();
    reply[size - 1] = 1;
    free(reply);
}

static void serve(uint64_t *state, struct entry **sessions)
{
    struct entry *objects[OBJECTS];
    for (int i = 0; i < OBJECTS; i++)
        objects[i] = make(16 + draw(state, 16u << draw(state, 6)));
    make_reply(state);
    struct entry **session = &sessions[draw(state, SESSIONS)];
    drop(*session);
    *session = draw(state, 3) == 0 ? NULL : make(500 + draw(state, 4000));
    struct entry *entry = make(entry_size(state));
    drop(atomic_exchange_explicit(&cache[draw(state, ENTRIES)], entry, memory_order_acq_rel));
    for (int i = OBJECTS; i-- > 0;)
        drop(objects[i]);
    atomic_fetch_add_explicit(&requests, 1, memory_order_relaxed);
}

/* Requests come at an even rate; a thread that is late catches up, by at most a second. */
static void *work(void *number)
{
    uint64_t state = (uintptr_t)number * 7919;
    struct entry *sessions[SESSIONS] = { NULL };
    double begin = now(), due = begin;
    while (now() < end_time && now() < begin + LIFE) {
        for (int i = 0; i < BURST; i++)
            serve(&state, sessions);
        due += BURST / rate_of_thread;
        double early = due - now();
        if (early > 0)
            usleep((useconds_t)(early * 1e6));
        else if (early < -1)
            due = now();
    }
    for (int i = 0; i < SESSIONS; i++)
        drop(sessions[i]);
    return NULL;
}

static void *keep_working(void *number)
{
    for (uintptr_t turn = 0; now() < end_time; turn++) {
        pthread_t thread;
        uintptr_t seed = turn * THREADS_MOST + (uintptr_t)number + 1;
        if (pthread_create(&thread, NULL, work, (void *)seed) != 0)
            abort();
        pthread_join(thread, NULL);
    }
    return NULL;
}

static size_t resident(void)
{
    static FILE *file;
    char text[100];
    unsigned long pages = 0;
    if (file == NULL && (file = fopen("/proc/self/statm", "r")) == NULL)
        abort();
    rewind(file);
    fflush(file); /* what was read before is old */
    if (fgets(text, sizeof text, file) == NULL || sscanf(text, "%*u %lu", &pages) != 1)
        abort();
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void *sample(void *unused)
{
    (void)unused;
    for (unsigned second = 0; !atomic_load(&over); second++) {
        printf("%u\t%zu\t%llu\t%llu\n", second, resident(), (unsigned long long)atomic_load(&live),
               (unsigned long long)atomic_load(&requests));
        fflush(stdout);
        double wait = start_time + second + 1 - now();
        if (wait > 0)
            usleep((useconds_t)(wait * 1e6));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static pthread_t threads[THREADS_MOST];
    pthread_t sampler;
    double seconds = argc == 4 ? atof(argv[1]) : 0;
    unsigned count = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
    if (seconds <= 0 || count < 1 || count > THREADS_MOST || atof(argv[3]) <= 0) {
        fprintf(stderr, "usage: %s SECONDS THREADS RATE\n", argv[0]);
        return 2;
    }
    start_time = now();
    end_time = start_time + seconds;
    rate_of_thread = atof(argv[3]) / count;
    pthread_create(&sampler, NULL, sample, NULL);
    for (unsigned i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, keep_working, (void *)(uintptr_t)i);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < ENTRIES; i++)
        drop(atomic_exchange(&cache[i], NULL));
    usleep((useconds_t)(seconds / 6 * 1e6));
    atomic_store(&over, true);
    pthread_join(sampler, NULL);
    return 0;
}
