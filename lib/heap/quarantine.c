/* SPDX-License-Identifier: MIT */
/* A ring of blocks in the order in which they were freed. The one that leaves is the oldest or, if
 * the order is to be random, one of the oldest 64. One of a quarter of the ring made a Python
 * program take 8.8 seconds instead of 5.3: blocks that were freed together are best used together.
 */
#include "heap/quarantine.h"

#include "heap/random.h"
#include "medium/medium.h"
#include "os/lock.h"
#include "os/vm.h"

enum {
    BLOCKS_MOST = 1 << 16,
    DRAWN_FROM = 64,
    LONGEST = 4 /* a quarter of the whole: longer blocks stay out */
};

struct entry {
    struct checked_header *header;
    size_t bytes;
};

static struct {
    struct os_lock lock;
    struct entry *ring;
    uint32_t first, count;
    size_t bytes, most;
    size_t large_blocks, large_bytes; /* of these */
    bool random;
} quarantine;

static bool is_large(const struct entry *entry)
{
    return entry->bytes > MEDIUM_MAX;
}

bool quarantine_start(size_t bytes, bool random)
{
    size_t size = BLOCKS_MOST * sizeof(struct entry);
    struct entry *ring = os_reserve(size);
    if (ring == NULL || !os_commit(ring, size))
        return false;
    quarantine.ring = ring;
    quarantine.most = bytes;
    quarantine.random = random;
    return true;
}

static struct entry *entry_at(uint32_t i)
{
    return &quarantine.ring[(quarantine.first + i) % BLOCKS_MOST];
}

/* In this order, so that a child forked by another thread in between finds each block once, or
 * misses one. */
static struct checked_header *take_locked(void)
{
    struct entry *oldest = entry_at(0), leaves = *oldest;
    if (quarantine.random && quarantine.count >= 4 * DRAWN_FROM) {
        struct entry *drawn = entry_at(random_below(DRAWN_FROM));
        leaves = *drawn;
        *drawn = *oldest;
    }
    quarantine.first = (quarantine.first + 1) % BLOCKS_MOST;
    quarantine.count--;
    quarantine.bytes -= leaves.bytes;
    if (is_large(&leaves)) {
        quarantine.large_blocks--;
        quarantine.large_bytes -= leaves.bytes;
    }
    return leaves.header;
}

bool quarantine_put(struct checked_header *header, size_t bytes)
{
    /* interrupted in here by a signal whose handler frees: can't be helped */
    if (bytes > quarantine.most / LONGEST || os_lock_is_mine(&quarantine.lock))
        return false;
    os_lock(&quarantine.lock);
    bool taken = quarantine.count < BLOCKS_MOST;
    if (taken) {
        struct entry *entry = entry_at(quarantine.count);
        *entry = (struct entry){ header, bytes };
        quarantine.count++;
        quarantine.bytes += bytes;
        quarantine.large_blocks += is_large(entry);
        quarantine.large_bytes += is_large(entry) ? bytes : 0;
    }
    os_unlock(&quarantine.lock);
    return taken;
}

struct checked_header *quarantine_take(bool all)
{
    struct checked_header *leaves = NULL;
    if (quarantine.most == 0 || os_lock_is_mine(&quarantine.lock))
        return NULL;
    os_lock(&quarantine.lock);
    bool full = quarantine.bytes > quarantine.most || quarantine.count == BLOCKS_MOST;
    if (full || (all && quarantine.count != 0))
        leaves = take_locked();
    os_unlock(&quarantine.lock);
    return leaves;
}

struct quarantine_figures quarantine_figures(void)
{
    struct quarantine_figures figures = { 0 };
    if (quarantine.most == 0 || os_lock_is_mine(&quarantine.lock))
        return figures;
    os_lock(&quarantine.lock);
    figures.large_blocks = quarantine.large_blocks;
    figures.large_bytes = quarantine.large_bytes;
    figures.blocks = quarantine.count - figures.large_blocks;
    figures.bytes = quarantine.bytes - figures.large_bytes;
    os_unlock(&quarantine.lock);
    return figures;
}

void quarantine_after_fork(void)
{
    if (os_lock_is_held(&quarantine.lock) && !os_lock_is_mine(&quarantine.lock))
        os_lock_reset(&quarantine.lock);
}
