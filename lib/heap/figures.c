/* SPDX-License-Identifier: MIT */
#include "heap/figures.h"

#include "barrow/barrow.h"
#include "heap/checked.h"
#include "heap/heap.h"
#include "heap/open_slab.h"
#include "heap/process.h"
#include "heap/quarantine.h"
#include "heap/sampled.h"
#include "heap/size_class.h"
#include "heap/threads.h"
#include "os/child.h"
#include "region/region.h"

static void count_slabs(struct theap *theap, struct barrow_stats *stats)
{
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++)
        for (int group = 0; group < GROUPS; group++)
            for (uint32_t i = theap->groups[size_class][group]; i != 0; i = span_at(i)->next) {
                uint32_t cached = open_slab_count(theap, span_at(i));
                stats->slabs++;
                stats->live_blocks += span_at(i)->used;
                stats->live_bytes += span_at(i)->used * size_class_bytes(size_class);
                stats->cached_blocks += cached;
                stats->cached_bytes += cached * size_class_bytes(size_class);
            }
}

static void count_medium(const struct medium *medium, struct barrow_stats *stats)
{
    stats->live_blocks += medium->blocks;
    stats->live_bytes += (medium->cells - medium->free_cells) << CELL_SHIFT;
    stats->spans += medium->spans;
}

static void count_large(const struct large_account *account, struct barrow_stats *stats)
{
    stats->large_blocks += atomic_load_explicit(&account->blocks, memory_order_relaxed);
    stats->large_bytes += atomic_load_explicit(&account->bytes, memory_order_relaxed);
}

static void count_theap(struct theap *theap, struct barrow_stats *stats)
{
    stats->allocations += atomic_load_explicit(&theap->allocations, memory_order_relaxed);
    stats->allocated_bytes += atomic_load_explicit(&theap->allocated_bytes, memory_order_relaxed);
    stats->frees += atomic_load_explicit(&theap->frees, memory_order_relaxed);
    count_large(&theap->large, stats);
    if (theap->broken || os_lock_is_mine(&theap->lock))
        return;
    os_lock(&theap->lock);
    theap_drain(theap);
    count_slabs(theap, stats);
    count_medium(&theap->medium, stats);
    theap_unlock(theap);
}

static void count_cached(const struct medium_cache *cache, struct barrow_stats *stats)
{
    for (uint32_t cells = CACHED_LEAST; cells <= CACHED_MOST; cells++)
        for (int i = 0; i < cache->count[cells - CACHED_LEAST]; i++) {
            bool holds = atomic_load_explicit(&cache->slots[cells - CACHED_LEAST][i],
                                              memory_order_relaxed) != 0;
            stats->cached_blocks += holds;
            stats->cached_bytes += holds ? cells << CELL_SHIFT : 0;
        }
}

/* The blocks in the calling thread's own bins and cache. Those of other threads can't be looked at while
 * they run, and count as live; they are few. */
static void count_cache(const struct theap *theap, struct barrow_stats *stats)
{
    for (const struct bin *bin = theap->bins; bin < theap->bins + SIZE_CLASSES; bin++) {
        /* relaxed: the list is counted and not looked at, for another thread may take it */
        bool spare = atomic_load_explicit(&bin->spare, memory_order_relaxed) != NULL;
        size_t blocks = bin_count(bin) + (spare ? bin->spare_count : 0u);
        stats->cached_blocks += blocks;
        stats->cached_bytes += blocks * bin_bytes(bin);
    }
    count_cached(&theap->cache, stats);
}

static void count_region(struct barrow_stats *stats)
{
    struct region_figures figures;
    region_figures(&figures);
    stats->committed = figures.committed;
    stats->committed_peak = figures.committed_peak;
    stats->commit_limit = region_settings.commit_limit;
    stats->reserved = figures.reserved;
    stats->purged = figures.purged;
    stats->reservations = figures.reservations;
    stats->refused = atomic_load_explicit(&process_heap_refusals, memory_order_relaxed);
}

static uint64_t less(uint64_t figure, uint64_t part)
{
    return figure > part ? figure - part : 0; /* other threads go on between the two */
}

/* Blocks of the checked mode: those in quarantine are free, and sampled ones are in no span. */
static void count_checked(struct barrow_stats *stats)
{
    struct quarantine_figures freed = quarantine_figures();
    size_t size;
    stats->live_blocks = less(stats->live_blocks, freed.blocks);
    stats->live_bytes = less(stats->live_bytes, freed.bytes);
    stats->large_blocks = less(stats->large_blocks, freed.large_blocks);
    stats->large_bytes = less(stats->large_bytes, freed.large_bytes);
    for (void *at = NULL; (at = sampled_next(at, &size)) != NULL;) {
        stats->large_blocks++;
        stats->large_bytes += size;
    }
}

void heap_figures(struct barrow_stats *stats)
{
    size_t size = stats->size;
    os_child_look();
    *stats = (struct barrow_stats){ .size = size };
    for (uint32_t number = 1; number <= threads_theaps(); number++)
        count_theap(threads_theap(number), stats);
    const struct theap *own = threads_current_if_any();
    if (own != NULL)
        count_cache(own, stats);
    stats->live_blocks = less(stats->live_blocks, stats->cached_blocks);
    stats->live_bytes = less(stats->live_bytes, stats->cached_bytes);
    count_large(&heap_large, stats);
    uint64_t large_spans = stats->large_blocks;
    if (checked_is_on())
        count_checked(stats);
    stats->live_blocks += stats->large_blocks;
    stats->live_bytes += stats->large_bytes;
    stats->spans += stats->slabs + large_spans;
    stats->theaps = threads_theaps();
    stats->threads = stats->theaps - threads_idle_theaps();
    count_region(stats);
}
