/* SPDX-License-Identifier: MIT */
#include "heap/process.h"

#include "barrow/barrow.h"
#include "diag/message.h"
#include "diag/options.h"
#include "heap/checked.h"
#include "heap/hold.h"
#include "heap/published.h"
#include "heap/scope.h"
#include "heap/threads.h"
#include "os/child.h"
#include "os/process.h"
#include "os/thread.h"
#include "private/private_heap.h"
#include "region/region.h"

static struct options options;
static struct os_lock start_lock;
static _Atomic bool started;
static bool limited_by_environment;

static void after_fork(void)
{
    region_after_fork();
    threads_after_fork();
    hold_after_fork();
    private_after_fork();
    checked_after_fork();
    published_after_fork();
}

/* A block that was handed out before has no guards. */
static void apply_checks(void)
{
    if (!options.checks.on)
        return;
    if (threads_theaps() == 0)
        checked_start(&options.checks);
    else
        message("BARROW_CHECKS is ignored: the heap is older than the process's environment");
}

static void apply(void)
{
    message_level = (int)options.verbose;
    region_settings.purge_delay = options.purge_delay;
    region_settings.huge_pages = options.huge_pages != 0;
    region_settings.reserve = (size_t)options.reserve;
    region_settings.commit = (size_t)options.commit;
    region_settings.commit_limit = (size_t)options.commit_limit;
    if (published_start() || *options.stats != '\0')
        threads_count_calls();
    apply_checks();
}

static void start(void)
{
    int64_t limit_of_program = 0;
    options.purge_delay = region_settings.purge_delay;
    /* the program's own wishes; the environment comes after them */
    const struct barrow_config *wishes = os_program_config();
    if (wishes != NULL) {
        options.reserve = (int64_t)wishes->reserve;
        options.commit = (int64_t)wishes->commit;
        options.commit_limit = limit_of_program = (int64_t)wishes->commit_limit;
    }
    options_read(&options);
    limited_by_environment = options.commit_limit != limit_of_program;
    os_keep_program_name();
    apply();
    message_verbose(1, "version %d.%d.%d: purge delay %lld ms, commit limit %zu",
                    BARROW_VERSION_MAJOR, BARROW_VERSION_MINOR, BARROW_VERSION_PATCH,
                    (long long)region_settings.purge_delay, region_settings.commit_limit);
    os_thread_prepare();
    os_on_fork_child(after_fork);
}

void process_heap_start(void)
{
    /* what is below may allocate, and so come here again */
    if (atomic_load_explicit(&started, memory_order_acquire) || !os_environment_is_there() ||
        os_lock_is_mine(&start_lock))
        return;
    os_lock(&start_lock);
    if (!atomic_load_explicit(&started, memory_order_relaxed)) {
        start();
        atomic_store_explicit(&started, true, memory_order_release);
    }
    os_unlock(&start_lock);
}

_Atomic uint64_t process_heap_refusals;

/* A scope's heap has a limit of its own, which is the program's affair. */
void process_heap_refused(void)
{
    static _Atomic bool told;
    uint64_t before = atomic_fetch_add_explicit(&process_heap_refusals, 1, memory_order_relaxed);
    published_refused(before + 1);
    if (limited_by_environment && options.commit_limit != 0 && scope_heap() == NULL &&
        !atomic_exchange_explicit(&told, true, memory_order_relaxed))
        message(
            "an allocation failed: %zu KiB are committed, and BARROW_COMMIT_LIMIT allows %zu KiB",
            region_committed() / 1024, (size_t)options.commit_limit / 1024);
}

const char *process_heap_stats_option(void)
{
    return options.stats;
}
