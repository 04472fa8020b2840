/* SPDX-License-Identifier: MIT */
/* lock.c: the heap's lock, which all threads of all processes share, and holding the caches off.
 *
 * The lock is a robust futex: the kernel marks it when its owner dies and wakes a waiter, which then
 * puts in order what the owner left. Where the kernel could not know (see robust_lock.c), a waiter
 * finds out after LOOK_AGAIN: the owner's process had a lock on a byte of the file, and lost it.
 *
 * Holding off is Dekker's protocol with a barrier on one side, as in os/hold.h, over processes. */
#include "mapped/mapped.h"

#include "os/shared_file.h"
#include "os/thread.h"
#include "os/thread_words.h"

enum {
    LOOK_AGAIN = 100,
    /* ms */ WITHOUT_BARRIER = 10 /* ms, in which any store becomes visible */
};

bool mapped_lock_is_mine(const struct mapped *mapped)
{
    return atomic_load_explicit(&mapped->owner, memory_order_relaxed) == os_thread_token();
}

bool mapped_process_is_alive(const struct mapped *mapped, uint32_t process)
{
    return process == mapped->process ||
           (process < MAPPED_PROCESSES &&
            shared_file_byte_is_locked(mapped->fd, mapped_process_byte(mapped, process), 1));
}

/* Nobody left the lock for a while: whether its owner is dead, and the lock is ours now. */
static bool take_from_dead(struct mapped *mapped)
{
    ASSERT(!mapped_lock_is_mine(mapped));
    uint64_t seen = atomic_load_explicit(&mapped->state->lock, memory_order_relaxed);
    uint32_t owner = robust_owner(seen);
    return owner != 0 && !mapped_process_is_alive(mapped, owner - 1) &&
           robust_steal(&mapped->state->lock, seen, mapped->process + 1);
}

static void acquire(struct mapped *mapped)
{
    ASSERT(!mapped->read_only && !mapped->lost && mapped->process < MAPPED_PROCESSES);
    int taken;
    while ((taken = robust_lock(&mapped->state->lock, mapped->process + 1, LOOK_AGAIN)) == 0)
        if (take_from_dead(mapped)) {
            taken = 2;
            break;
        }
    atomic_store_explicit(&mapped->owner, os_thread_token(), memory_order_relaxed);
    if (unlikely(taken == 2))
        mapped_recover(mapped);
}

bool mapped_lock(struct mapped *mapped)
{
    if (unlikely(mapped->read_only || mapped->lost))
        return false;
    if (!mapped_lock_is_mine(mapped))
        acquire(mapped);
    mapped->depth++;
    return true;
}

static void end_hold(struct mapped *mapped)
{
    ASSERT(mapped_lock_is_mine(mapped));
    /* release: pairs with the fast paths' acquire */
    atomic_store_explicit(&mapped->state->held, 0, memory_order_release);
    mapped->holds = 0;
}

void mapped_unlock(struct mapped *mapped)
{
    ASSERT(mapped_lock_is_mine(mapped) && mapped->depth != 0);
    if (--mapped->depth != 0)
        return;
    if (mapped->holds != 0)
        end_hold(mapped);
    atomic_store_explicit(&mapped->owner, 0, memory_order_relaxed);
    robust_unlock(&mapped->state->lock);
}

/* ---- holding off ---------------------------------------------------------------------------- */

static void await_cache(struct mapped *mapped, struct mapped_cache *cache)
{
    ASSERT(mapped_lock_is_mine(mapped) && atomic_load(&mapped->state->held) != 0);
    enum { SPINS = 1000, LOOK_EVERY = 64 };
    /* acquire: pairs with the release at the fast paths' end */
    for (unsigned i = 0; atomic_load_explicit(&cache->working, memory_order_acquire) != 0; i++) {
        uint32_t owner = mapped_cache_owner(cache);
        if (i > SPINS)
            os_yield();
        if (owner == 0 ||
            (i % LOOK_EVERY == LOOK_EVERY - 1 && !mapped_process_is_alive(mapped, owner - 1)))
            return;
    }
}

static void hold_caches(struct mapped *mapped)
{
    ASSERT(mapped_lock_is_mine(mapped) && mapped->depth != 0);
    atomic_store_explicit(&mapped->state->held, 1, memory_order_seq_cst);
    if (!shared_barrier())
        os_sleep_ms(WITHOUT_BARRIER);
    for (unsigned i = 0; i < MAPPED_CACHE_COUNT; i++) {
        struct mapped_cache *cache = mapped_cache_at(mapped, i);
        if (mapped_cache_owner(cache) != 0 && !mapped_cache_is_own(mapped, cache))
            await_cache(mapped, cache);
    }
}

bool mapped_hold(struct mapped *mapped)
{
    if (!mapped_lock(mapped))
        return false;
    if (mapped->holds++ == 0)
        hold_caches(mapped);
    return true;
}

bool mapped_release(struct mapped *mapped)
{
    if (mapped->read_only || mapped->lost)
        return true;
    if (!mapped_lock_is_mine(mapped) || mapped->holds == 0)
        return false;
    if (--mapped->holds == 0)
        end_hold(mapped);
    mapped_unlock(mapped);
    return true;
}
