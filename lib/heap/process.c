/* SPDX-License-Identifier: MIT */
#include "heap/process.h"

#include "barrow/barrow.h"
#include "diag/message.h"
#include "diag/options.h"
#include "heap/purge.h"
#include "heap/threads.h"
#include "os/process.h"
#include "os/thread.h"
#include "region/region.h"

/* A program's own wishes, if it defines the symbol; the environment comes after it. */
extern const struct barrow_config barrow_process_heap __attribute__((weak));

static struct options options;

static void after_fork(void)
{
    purge_after_fork();
    threads_after_fork();
    region_after_fork();
}

static void apply(void)
{
    message_level = (int)options.verbose;
    purge_settings.delay = options.purge_delay;
    purge_settings.background = options.background != 0;
    region_settings.huge_pages = options.huge_pages != 0;
    region_settings.reserve = (size_t)options.reserve;
    region_settings.commit = (size_t)options.commit;
    region_settings.commit_limit = (size_t)options.commit_limit;
    if (options.stats != NULL)
        threads_count_calls();
}

void process_heap_start(void)
{
    static bool started;
    if (started || !os_environment_is_there())
        return;
    started = true;
    options.purge_delay = purge_settings.delay;
    options.background = purge_settings.background;
    if (&barrow_process_heap != NULL) {
        options.reserve = (int64_t)barrow_process_heap.reserve;
        options.commit = (int64_t)barrow_process_heap.commit;
        options.commit_limit = (int64_t)barrow_process_heap.commit_limit;
    }
    options_read(&options);
    apply();
    os_on_fork_child(after_fork);
}

const char *process_heap_stats_option(void)
{
    return options.stats;
}
