/* SPDX-License-Identifier: MIT */
/* allowance.c: see allowance.h. */
#include "region/allowance.h"

#include "os/process.h"
#include "region/region.h"

#define MIB ((size_t)1 << 20)

enum {
    PERIOD_DELAYS = 10, /* the least length of a period ... */
    PERIODS_MAX = 16,   /* ... and how many of these it lasts at the most */
    LIVE_SHARE = 16     /* of what is in use, may be free beside it */
};

#define KEPT_ALWAYS  MIB /* of all arenas or theaps together */
#define REVIEW_BYTES (4 * MIB)

uint64_t allowance_period(void)
{
    return (uint64_t)region_settings.purge_delay * PERIOD_DELAYS;
}

static size_t learned(const struct allowance *allowance)
{
    return atomic_load_explicit(&allowance->learned, memory_order_relaxed);
}

size_t allowance_limit(const struct allowance *allowance, size_t live)
{
    if (region_settings.purge_delay < 0)
        return SIZE_MAX;
    if (region_settings.purge_delay == 0)
        return 0;
    return KEPT_ALWAYS / region_arenas() + live / LIVE_SHARE + learned(allowance);
}

static void begin_period(struct allowance *allowance, uint64_t now, size_t free)
{
    allowance->given_back[1] = allowance->given_back[0];
    allowance->given_back[0] = 0;
    allowance->freed = 0;
    allowance->review_at = REVIEW_BYTES;
    STORE_RELAXED(&allowance->idle, free);
    allowance->began = now;
}

void allowance_review(struct allowance *allowance, size_t free)
{
    uint64_t now = os_milliseconds(), passed = now - allowance->began;
    size_t before = learned(allowance), idle = LOAD_RELAXED(&allowance->idle);
    allowance->review_at = allowance->freed + REVIEW_BYTES;
    if (passed < allowance_period() ||
        (allowance->freed < 2 * before && passed < PERIODS_MAX * allowance_period()))
        return;
    /* relaxed: the lock is held; who reads it without asks for any recent value */
    atomic_store_explicit(&allowance->learned, idle < before ? before - idle : 0,
                          memory_order_relaxed);
    begin_period(allowance, now, free);
}

void allowance_wanted(struct allowance *allowance, size_t bytes)
{
    size_t given_back = allowance->given_back[0] + allowance->given_back[1];
    STORE_RELAXED(&allowance->idle, 0);
    if (given_back == 0)
        return;
    if (os_milliseconds() - allowance->began > PERIODS_MAX * allowance_period()) {
        allowance->given_back[0] = allowance->given_back[1] = 0; /* too long ago to be a mistake */
        return;
    }
    size_t regret = bytes < given_back ? bytes : given_back;
    size_t recent = regret < allowance->given_back[0] ? regret : allowance->given_back[0];
    allowance->given_back[0] -= recent;
    allowance->given_back[1] -= regret - recent;
    /* a little more, so that few rounds suffice */
    allowance_learn(allowance, regret + regret / 16);
}
