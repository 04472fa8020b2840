/* SPDX-License-Identifier: MIT */
/* holder.c: a program that holds known blocks, for barrow stats to look at.
 *
 *     holder          1000 blocks of 1000 bytes, 100 of 64 that are left of 30,000, one of 3,000,000, a named
 *                     heap at its limit
 *     holder N        N threads besides, which hold a block each
 *     holder churn    changes all the time
 *     holder fork     100 children; every other one ends by exit, the others are killed */
#include <barrow/barrow.h>
#include <barrow/heapapi.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept[1101];
static pthread_barrier_t barrier;

/* More than a cache has place for: most of it goes back to open slabs. */
static void drop(void)
{
    enum { BLOCKS = 30000 };
    static void *volatile dropped[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        dropped[i] = malloc(64);
    for (int i = 0; i < BLOCKS - 100; i++) /* so that slabs stay open */
        free(dropped[i * 7 % BLOCKS]);
    for (int i = BLOCKS - 100; i < BLOCKS; i++)
        kept[1001 + i - (BLOCKS - 100)] = dropped[i * 7 % BLOCKS];
}

static void hold(void)
{
    drop();
    for (int i = 0; i < 1000; i++)
        kept[i] = memset(malloc(1000), 1, 1000);
    kept[1000] = malloc(3000000);
    HANDLE heap = HeapCreate(0, 0, 0);
    barrow_heap_set_name(heap, "pictures");
    barrow_heap_set_limit(heap, 1 << 20, NULL, NULL);
    if (HeapAlloc(heap, 0, 1000) == NULL || HeapAlloc(heap, 0, 2 << 20) != NULL)
        abort();
}

static void *thread(void *unused)
{
    (void)unused;
    void *volatile block = malloc(100);
    pthread_barrier_wait(&barrier);
    pause();
    free(block);
    return NULL;
}

static void start_threads(unsigned count)
{
    pthread_attr_t attributes;
    pthread_t id;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    pthread_barrier_init(&barrier, NULL, count + 1);
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&id, &attributes, thread, NULL) != 0)
            abort();
    pthread_barrier_wait(&barrier);
}

static _Noreturn void churn(void)
{
    for (unsigned i = 0, random = 1;; i++) {
        random = random * 1103515245 + 12345;
        void *volatile *place = &kept[random >> 16 & 511];
        free(*place);
        *place = malloc((random >> 8 & 0xFFFF) << (random >> 30 == 3 ? 4 : 0));
        if (i == 10000 && write(1, "ready\n", 6) != 6)
            abort();
    }
}

static void fork_children(void)
{
    for (int i = 0; i < 100; i++) {
        pid_t child = fork();
        if (child == 0) {
            kept[0] = malloc(5000);
            if (i % 2)
                exit(0);
            raise(SIGKILL);
        }
        waitpid(child, NULL, 0);
    }
    exit(0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "churn") == 0)
        churn();
    hold();
    if (argc > 1 && strcmp(argv[1], "fork") == 0)
        fork_children();
    if (argc > 1)
        start_threads((unsigned)atoi(argv[1]));
    if (write(1, "ready\n", 6) != 6)
        return 1;
    pause();
    return 0;
}
