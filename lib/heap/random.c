/* SPDX-License-Identifier: MIT */
/* A counter for each thread, from a seed of the system's, through a mixing of its bits. Good enough
 * for an order that nobody is to guess from the outside; it is no cipher. */
#include "heap/random.h"

#include "os/process.h"
#include "os/thread_words.h"

#include <stdatomic.h>

static _Atomic uint32_t age = 1; /* of this process; rises with each fork */

uint64_t random_next(void)
{
    uint32_t now = atomic_load_explicit(&age, memory_order_relaxed);
    struct thread_words *words = thread_words();
    if (unlikely(words->random_age != now)) {
        words->random = os_random();
        words->random_age = now;
    }
    uint64_t x = words->random += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

uint32_t random_below(uint32_t limit)
{
    return (uint32_t)(((random_next() >> 32) * limit) >> 32);
}

void random_after_fork(void)
{
    atomic_fetch_add_explicit(&age, 1, memory_order_relaxed);
}
