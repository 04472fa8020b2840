/* SPDX-License-Identifier: MIT */
/* What happens when the library is loaded and when the process ends: next to nothing. */
#include "barrow/barrow.h"
#include "diag/account.h"
#include "heap/checked.h"
#include "heap/figures.h"
#include "heap/process.h"
#include "heap/published.h"
#include "os/compiler.h"
#include "os/process.h"
#include "shim/form.h"

#include <errno.h>
#include <string.h>

static void start(void)
{
    process_heap_start();
    checked_start_sampling();
#if BARROW_OVERRIDE_MALLOC
    form_prepare();
#endif
}

AT_LOAD(start)

static void finish(void)
{
    if (checked_is_on() && checked_settings.option.exit)
        checked_check("exit");
    const char *wanted = process_heap_stats_option();
    bool is_wanted = *wanted != '\0' && strcmp(wanted, "0") != 0;
    if (!is_wanted && !published_is_on())
        return;
    struct barrow_stats stats = { .size = sizeof stats };
    heap_figures(&stats);
    published_end(&stats);
    if (!is_wanted)
        return;
    if (os_is_path(wanted))
        account_append(&stats, wanted);
    else
        account_print(&stats);
}

AT_END(finish)

#define TEXT(x)  #x
#define TEXT2(x) TEXT(x)

EXPORT const char *barrow_version(void)
{
    return TEXT2(BARROW_VERSION_MAJOR) "." TEXT2(BARROW_VERSION_MINOR) "." TEXT2(
        BARROW_VERSION_PATCH);
}

EXPORT int barrow_check(void)
{
    if (!checked_is_on()) {
        errno = ENOSYS;
        return -1;
    }
    checked_check("barrow_check");
    return 0;
}

EXPORT int barrow_stats_get(struct barrow_stats *stats)
{
    if (stats == NULL || stats->size == 0) {
        errno = EINVAL;
        return -1;
    }
    struct barrow_stats all;
    heap_figures(&all);
    size_t size = stats->size < sizeof all ? stats->size : sizeof all;
    all.size = size;
    memcpy(stats, &all, size);
    return 0;
}
