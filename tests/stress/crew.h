/* SPDX-License-Identifier: MIT */
/* crew.h: threads that start together and are waited for. */
#ifndef BARROW_TESTS_CREW_H
#define BARROW_TESTS_CREW_H

#include <pthread.h>
#include <stddef.h>

#include "support/check.h"

enum { CREW_MOST = 64 };

struct crew {
    pthread_t threads[CREW_MOST];
    size_t count;
};

/* Starts count more threads; each gets its number, from 0 up, as its argument. */
static inline void crew_start(struct crew *crew, size_t count, void *body(void *number))
{
    for (size_t i = 0; i < count; i++, crew->count++) {
        REQUIRE(crew->count < CREW_MOST);
        REQUIRE(pthread_create(&crew->threads[crew->count], NULL, body, (void *)crew->count) == 0);
    }
}

static inline void crew_join(struct crew *crew)
{
    while (crew->count > 0)
        REQUIRE(pthread_join(crew->threads[--crew->count], NULL) == 0);
}

/* Starts and waits. */
static inline void crew_run(size_t count, void *body(void *number))
{
    struct crew crew = { .count = 0 };

    crew_start(&crew, count, body);
    crew_join(&crew);
}

#endif
