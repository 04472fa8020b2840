/* SPDX-License-Identifier: MIT */
#include "heap/published.h"

#include "barrow/barrow.h"
#include "diag/message.h"
#include "diag/stats_page.h"
#include "heap/threads.h"
#include "os/process.h"
#include "os/vm.h"
#include "region/region.h"

#include <string.h>

static struct stats_page *page;
static struct stats_record *record; /* NULL: there is no page, or no record is left in it */

static struct stats_record *take_record(void)
{
    uint32_t number = atomic_fetch_add_explicit(&page->taken, 1, memory_order_relaxed);
    return number < STATS_RECORDS ? &page->records[number] : NULL;
}

static void open_record(void)
{
    record->pid = (uint32_t)os_process_id();
    strncpy(record->name, os_program_name(), sizeof record->name - 1);
    /* release: who sees the state sees the rest */
    atomic_store_explicit(&record->state, STATS_RUNNING, memory_order_release);
}

static bool is_ours(const struct stats_page *found)
{
    return memcmp(found->magic, STATS_PAGE_MAGIC, sizeof found->magic) == 0 &&
           found->size == sizeof(struct barrow_stats) &&
           found->record_size == sizeof(struct stats_record);
}

bool published_start(void)
{
    const char *path = os_environment_has_options() ? os_environment(STATS_PAGE_VARIABLE) : NULL;
    if (path == NULL)
        return false;
    page = os_map_shared(path, sizeof *page);
    if (page == NULL || !is_ours(page)) {
        page = NULL;
        message_verbose(1, "no figures for barrow run --stats: %.100s is not its page", path);
        return false;
    }
    record = take_record();
    if (record != NULL)
        open_record();
    return record != NULL;
}

void published_after_fork(void)
{
    const struct stats_record *parents = record;
    if (record == NULL)
        return;
    record = take_record();
    if (record == NULL)
        return;
    memcpy(&record->stats, &parents->stats, sizeof record->stats);
    memcpy(&record->stripes, &parents->stripes, sizeof record->stripes);
    open_record();
}

/* ---- counting ------------------------------------------------------------------------------ */

/* Words that seldom change are seldom written, since threads share them. */
static void store(uint64_t *word, uint64_t value)
{
    if (LOAD_RELAXED(word) != value)
        STORE_RELAXED(word, value);
}

static void publish_account(void)
{
    struct region_figures figures;
    region_figures(&figures);
    struct barrow_stats *stats = &record->stats;
    store(&stats->committed, figures.committed);
    store(&stats->committed_peak, figures.committed_peak);
    store(&stats->commit_limit, region_settings.commit_limit);
    store(&stats->reserved, figures.reserved);
    store(&stats->purged, figures.purged);
    store(&stats->reservations, figures.reservations);
    store(&stats->theaps, threads_theaps());
    store(&stats->threads, threads_theaps() - threads_idle_theaps());
}

/* relaxed, all: figures */
static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void publish_changes(void)
{
    if (LOAD_RELAXED(&record->stats.committed) != region_committed())
        publish_account();
}

static struct stats_stripe *stripe_of(uint32_t number)
{
    return &record->stripes[number % STATS_STRIPES];
}

void published_allocated(uint32_t number, size_t wanted, size_t bytes)
{
    if (record == NULL)
        return;
    struct stats_stripe *stripe = stripe_of(number);
    add(&stripe->allocations, 1);
    add(&stripe->allocated_bytes, wanted);
    add(&stripe->live_blocks, 1);
    add(&stripe->live_bytes, bytes);
    publish_changes();
}

void published_freed(uint32_t number, size_t bytes)
{
    if (record == NULL)
        return;
    struct stats_stripe *stripe = stripe_of(number);
    add(&stripe->frees, 1);
    add(&stripe->live_blocks, (uint64_t)-1);
    add(&stripe->live_bytes, -(uint64_t)bytes);
    publish_changes();
}

void published_resized(uint32_t number, size_t before, size_t after)
{
    if (record == NULL)
        return;
    add(&stripe_of(number)->live_bytes, (uint64_t)after - before);
    publish_changes();
}

void published_refused(uint64_t so_far)
{
    if (record != NULL)
        store(&record->stats.refused, so_far);
}

bool published_is_on(void)
{
    return record != NULL;
}

void published_end(const struct barrow_stats *stats)
{
    if (record == NULL)
        return;
    memcpy(&record->stats, stats, sizeof *stats);
    /* release: who sees the state sees the figures */
    atomic_store_explicit(&record->state, STATS_EXITED, memory_order_release);
}
