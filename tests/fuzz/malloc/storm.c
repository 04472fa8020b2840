/* SPDX-License-Identifier: MIT */
/* storm.c: random calls of malloc's face by several threads at once, against the model.
 *
 * Threads live for some ten thousand calls each and are followed by others. They share the slots,
 * so most blocks are resized and freed by another thread than made them.
 * Arguments: number of calls, number of threads, seed; a fourth, "short", allows memory to be
 * refused. Prints how many calls there were. */
#include "../model/shadow.h"
#include "calls.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MOST = 64, SLOTS = 4096, LIFE = 50000 };

static struct slot slots[SLOTS];

struct seat {
    pthread_t thread;
    bool has_thread;
    struct player player;
    uint64_t wanted;
};

static struct seat seats[THREADS_MOST];

static void *live(void *argument)
{
    struct seat *seat = argument;
    uint64_t end = seat->player.calls + LIFE / 2 + draw(&seat->player.source, LIFE);
    if (end > seat->wanted)
        end = seat->wanted;
    while (seat->player.calls < end)
        player_step(&seat->player);
    return NULL;
}

/* In a thread of its own; in this one if there is no memory for a thread. */
static bool start(pthread_t *thread, void *body(void *), struct seat *seat)
{
    if (pthread_create(thread, NULL, body, seat) == 0)
        return true;
    AGREE(seat->player.may_refuse);
    body(seat);
    return false;
}

/* A seat's threads one after the other, each started by the one before. */
static void *keep_seat(void *argument)
{
    struct seat *seat = argument;
    while (seat->player.calls < seat->wanted) {
        pthread_t thread;
        if (start(&thread, live, seat))
            AGREE(pthread_join(thread, NULL) == 0);
    }
    return NULL;
}

static uint64_t argument(int argc, char **argv, int n, uint64_t otherwise)
{
    return argc > n ? strtoull(argv[n], NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
    uint64_t calls = argument(argc, argv, 1, 2000000);
    unsigned threads = (unsigned)argument(argc, argv, 2, 4);
    uint64_t seed = argument(argc, argv, 3, 1), done = 0, refused = 0;
    bool is_short = argc > 4 && strcmp(argv[4], "short") == 0;
    AGREE(threads >= 1 && threads <= THREADS_MOST && shadow_start());
    for (unsigned i = 0; i < threads; i++) {
        seats[i].player = (struct player){ .source.random = seed * 1000 + i,
                                           .slots = slots,
                                           .slot_count = SLOTS,
                                           .large = 700,
                                           .may_refuse = is_short };
        seats[i].wanted = calls / threads;
        seats[i].has_thread = start(&seats[i].thread, keep_seat, &seats[i]);
    }
    for (unsigned i = 0; i < threads; i++)
        AGREE(!seats[i].has_thread || pthread_join(seats[i].thread, NULL) == 0);
    player_clear(&seats[0].player);
    for (unsigned i = 0; i < threads; i++) {
        done += seats[i].player.calls;
        refused += seats[i].player.refusals;
    }
    printf("%llu calls by %u threads, seed %llu, %llu refused: the model agrees\n",
           (unsigned long long)done, threads, (unsigned long long)seed,
           (unsigned long long)refused);
    return 0;
}
