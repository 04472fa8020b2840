/* SPDX-License-Identifier: MIT */
#include "account.h"
#include "diag/stats_page.h"
#include "process_list.h"

#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(sizeof((struct account_process *)NULL)->name == STATS_NAME, "copied as a whole");

static bool make_page(struct account_page *page)
{
    page->fd = memfd_create("barrow-stats", MFD_CLOEXEC);
    if (page->fd < 0 || ftruncate(page->fd, sizeof *page->page) != 0)
        return false;
    page->page = mmap(NULL, sizeof *page->page, PROT_READ | PROT_WRITE, MAP_SHARED, page->fd, 0);
    return page->page != MAP_FAILED;
}

bool account_open(struct account_page *page)
{
    char path[64];
    if (!make_page(page)) {
        warn("memory for the account");
        return false;
    }
    memcpy(page->page->magic, STATS_PAGE_MAGIC, sizeof page->page->magic);
    page->page->size = sizeof(struct barrow_stats);
    page->page->record_size = sizeof(struct stats_record);
    snprintf(path, sizeof path, "/proc/%jd/fd/%d", (intmax_t)getpid(), page->fd);
    if (setenv(STATS_PAGE_VARIABLE, path, 1) != 0) {
        warn(STATS_PAGE_VARIABLE);
        return false;
    }
    return true;
}

/* The sums of what the threads counted. */
static void add_stripes(struct barrow_stats *stats, const struct stats_record *record)
{
    for (int i = 0; i < STATS_STRIPES; i++) {
        const struct stats_stripe *stripe = &record->stripes[i];
        stats->allocations += atomic_load_explicit(&stripe->allocations, memory_order_relaxed);
        stats->allocated_bytes +=
            atomic_load_explicit(&stripe->allocated_bytes, memory_order_relaxed);
        stats->frees += atomic_load_explicit(&stripe->frees, memory_order_relaxed);
        stats->live_blocks += atomic_load_explicit(&stripe->live_blocks, memory_order_relaxed);
        stats->live_bytes += atomic_load_explicit(&stripe->live_bytes, memory_order_relaxed);
    }
}

static void read_record(const struct stats_record *record, struct account_process *process)
{
    /* acquire: pairs with the release with which the state is stored */
    uint32_t state = atomic_load_explicit(&record->state, memory_order_acquire);
    process->pid = (pid_t)record->pid;
    memcpy(process->name, record->name, sizeof process->name);
    process->name[sizeof process->name - 1] = '\0';
    for (char *c = process->name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    process->stats = record->stats;
    process->end = state == STATS_EXITED            ? END_EXIT
                   : process_is_alive(process->pid) ? END_RUNNING
                                                    : END_SILENT;
    if (state != STATS_EXITED)
        add_stripes(&process->stats, record);
}

/* An image that ended without a word, and whose process had another one later, called exec. */
static void tell_exec(struct account *account)
{
    for (size_t i = 0; i < account->count; i++)
        for (size_t j = i + 1; j < account->count && account->processes[i].end != END_EXEC; j++)
            if (account->processes[i].pid == account->processes[j].pid &&
                account->processes[i].end != END_EXIT)
                account->processes[i].end = END_EXEC;
}

static void find_first(struct account *account, pid_t pid)
{
    for (size_t i = 0; i < account->count; i++)
        if (account->processes[i].pid == pid)
            account->first = &account->processes[i];
}

bool account_read(const struct account_page *page, pid_t pid, struct account *account)
{
    uint32_t taken = atomic_load_explicit(&page->page->taken, memory_order_relaxed);
    uint32_t kept = taken < STATS_RECORDS ? taken : STATS_RECORDS;
    *account = (struct account){ .left_out = taken - kept };
    account->processes = calloc(kept + 1, sizeof *account->processes);
    if (account->processes == NULL) {
        warn("the account");
        return false;
    }
    for (uint32_t i = 0; i < kept; i++) /* a record that is not open yet has no process number */
        if (atomic_load_explicit(&page->page->records[i].state, memory_order_acquire) != STATS_NONE)
            read_record(&page->page->records[i], &account->processes[account->count++]);
    tell_exec(account);
    find_first(account, pid);
    return true;
}

void account_free(struct account *account)
{
    free(account->processes);
}
