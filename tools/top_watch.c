/* SPDX-License-Identifier: MIT */
#include "process_list.h"
#include "top.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

struct watched *watch_find(struct watch *watch, pid_t pid)
{
    for (size_t i = 0; i < watch->count; i++)
        if (watch->list[i].pid == pid)
            return &watch->list[i];
    return NULL;
}

static struct watched *find_or_add(struct watch *watch, pid_t pid)
{
    struct watched *found = watch_find(watch, pid);
    if (found)
        return found;
    if (watch->count == watch->room) {
        size_t room = watch->room * 2 + 16;
        struct watched *list = realloc(watch->list, room * sizeof *list);
        if (!list)
            return NULL;
        watch->list = list;
        watch->room = room;
    }
    watch->list[watch->count] = (struct watched){ .pid = pid };
    return &watch->list[watch->count++];
}

static void take_rates(struct watched *watched, const struct barrow_stats *stats, double time)
{
    double seconds = time - watched->taken_at;
    const struct barrow_stats *before = &watched->stats;
    watched->calls = stats->allocations ? 0 : -1;
    watched->change = 0;
    if (watched->samples == 0 || seconds <= 0)
        return;
    watched->change = ((double)stats->live_bytes - (double)before->live_bytes) / seconds;
    if (stats->allocations >= before->allocations && stats->allocations)
        watched->calls = (double)(stats->allocations - before->allocations) / seconds;
}

static void take(struct watched *watched, const struct view *view)
{
    double time = now();
    uint64_t peak;
    take_rates(watched, &view->stats, time);
    watched->stats = view->stats;
    watched->taken_at = time;
    watched->seen = true;
    memcpy(watched->name, view->name, sizeof watched->name);
    process_resident(watched->pid, &watched->resident, &peak);
    watched->live[watched->samples++ % HISTORY] = view->stats.live_bytes;
}

static bool is_wanted(const struct watch *watch, pid_t pid)
{
    char path[32];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%jd", (intmax_t)pid);
    return stat(path, &status) == 0 && (watch->others || status.st_uid == getuid());
}

static void look_at(struct watch *watch, pid_t pid)
{
    struct remote remote;
    static struct view view;
    if (remote_open(&remote, pid) != REMOTE_FOUND || !view_take(&view, &remote))
        return;
    struct watched *watched = find_or_add(watch, pid);
    if (watched)
        take(watched, &view);
    view_free(&view);
}

static void drop_unseen(struct watch *watch)
{
    size_t kept = 0;
    for (size_t i = 0; i < watch->count; i++)
        if (watch->list[i].seen)
            watch->list[kept++] = watch->list[i];
    watch->count = kept;
}

void watch_update(struct watch *watch, pid_t only)
{
    size_t count = 1;
    pid_t *list = only ? NULL : process_list(&count);
    for (size_t i = 0; i < watch->count; i++)
        watch->list[i].seen = only && watch->list[i].pid != only;
    for (size_t i = 0; (list || only) && i < count; i++)
        if (only || is_wanted(watch, list[i]))
            look_at(watch, only ? only : list[i]);
    free(list);
    drop_unseen(watch);
}

static double key_of(const struct watched *watched, enum order order)
{
    switch (order) {
    case BY_COMMITTED:
        return (double)watched->stats.committed;
    case BY_RESIDENT:
        return (double)watched->resident;
    case BY_PEAK:
        return (double)watched->stats.committed_peak;
    case BY_CHANGE:
        return fabs(watched->change);
    case BY_CALLS:
        return watched->calls;
    case BY_PID:
        return -(double)watched->pid;
    default:
        return (double)watched->stats.live_bytes;
    }
}

static int compare(const void *a, const void *b, void *context)
{
    const struct watched *left = a, *right = b;
    enum order order = *(const enum order *)context;
    if (order == BY_NAME)
        return strcmp(left->name, right->name);
    double x = key_of(left, order), y = key_of(right, order);
    return x != y ? (x < y) - (x > y) : (left->pid > right->pid) - (left->pid < right->pid);
}

/* By insertion: qsort_r is not everywhere, and the list is short and nearly sorted. */
void watch_sort(struct watch *watch)
{
    for (size_t i = 1; i < watch->count; i++) {
        struct watched moved = watch->list[i];
        size_t place = i;
        for (; place > 0 && compare(&watch->list[place - 1], &moved, &watch->order) > 0; place--)
            watch->list[place] = watch->list[place - 1];
        watch->list[place] = moved;
    }
}
