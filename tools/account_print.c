/* SPDX-License-Identifier: MIT */
/* account_print.c: the account of a run on standard error, as a table for a person. */
#include "account.h"

#include "json.h"
#include "size.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* For the arguments of a call: the texts live as long as it does. */
#define COUNT(value) (count_text(value).text)
#define SIZE(value)  (size_text(value).text)

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_blocks(FILE *out, const char *label, uint64_t blocks, uint64_t bytes)
{
    fprintf(out, "  %-12s %s block%s, %s", label, COUNT(blocks), plural(blocks), SIZE(bytes));
}

void account_print_heap(FILE *out, const struct barrow_stats *stats)
{
    if (stats->allocations) { /* counted only when statistics are on */
        print_blocks(out, "allocated", stats->allocations, stats->allocated_bytes);
        fprintf(out, "; %s freed\n", COUNT(stats->frees));
    }
    print_blocks(out, "live", stats->live_blocks, stats->live_bytes);
    fputc('\n', out);
    if (stats->spans) { /* not counted until the end */
        print_blocks(out, "cached", stats->cached_blocks, stats->cached_bytes);
        fputc('\n', out);
    }
    fprintf(out, "  committed    %s, peak %s, ", SIZE(stats->committed),
            SIZE(stats->committed_peak));
    if (stats->commit_limit)
        fprintf(out, "limit %s\n", SIZE(stats->commit_limit));
    else
        fputs("no limit\n", out);
    fprintf(out, "  purged       %s\n", SIZE(stats->purged));
    fprintf(out, "  regions      %s, of %s of address space\n", COUNT(stats->reservations),
            SIZE(stats->reserved));
    if (stats->spans)
        fprintf(out, "  spans        %s: %s slab%s, %s large block%s of %s\n", COUNT(stats->spans),
                COUNT(stats->slabs), plural(stats->slabs), COUNT(stats->large_blocks),
                plural(stats->large_blocks), SIZE(stats->large_bytes));
    if (stats->refused)
        fprintf(out, "  refused      %s call%s\n", COUNT(stats->refused), plural(stats->refused));
    fprintf(out, "  threads      %s, at most %s at once\n", COUNT(stats->threads),
            COUNT(stats->theaps));
}

/* "at its end" or how else it ended. */
static void print_end(FILE *out, const struct account *account, const struct ending *ending)
{
    if (WIFSIGNALED(ending->status))
        fprintf(out, "when signal %d (%s) ended it\n", WTERMSIG(ending->status),
                strsignal(WTERMSIG(ending->status)));
    else
        fputs(account->first->end == END_EXIT ? "at its end\n" : "when it ended by _exit\n", out);
}

static void print_missing(FILE *out, const struct ending *ending)
{
    fprintf(out,
            "barrow: no account of the heap: process %jd did not have the library, or could not "
            "share memory with this command (it replaced the environment, or had no access to "
            "/proc)\n",
            (intmax_t)ending->pid);
}

static const char *end_text(const struct account_process *process, const struct ending *ending)
{
    static char signal_text[32];
    switch (process->end) {
    case END_EXIT:
        return "exit";
    case END_EXEC:
        return "exec";
    case END_RUNNING:
        return "still running";
    case END_SILENT:
        break;
    }
    if (process->pid != ending->pid)
        return "signal or _exit";
    if (!WIFSIGNALED(ending->status))
        return "_exit";
    snprintf(signal_text, sizeof signal_text, "signal %d", WTERMSIG(ending->status));
    return signal_text;
}

static void print_row(FILE *out, const struct account_process *process, const struct ending *ending)
{
    const struct barrow_stats *stats = &process->stats;
    fprintf(out, "  %8jd %-15.15s %11s %11s %11s %13s %8s  %s\n", (intmax_t)process->pid,
            process->name, SIZE(stats->live_bytes), SIZE(stats->committed),
            SIZE(stats->committed_peak), COUNT(stats->allocations), COUNT(stats->refused),
            end_text(process, ending));
}

enum { ROWS = 30 };

static int larger_first(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left < right) - (left > right);
}

/* The peak of the last program among the ROWS largest. */
static uint64_t least_shown(const struct account *account)
{
    uint64_t *peaks = calloc(account->count + ROWS, sizeof *peaks);
    for (size_t i = 0; peaks && i < account->count; i++)
        peaks[i] = account->processes[i].stats.committed_peak;
    if (peaks)
        qsort(peaks, account->count, sizeof *peaks, larger_first);
    uint64_t least = peaks ? peaks[ROWS - 1] : 0;
    free(peaks);
    return least;
}

static void print_table(FILE *out, const struct account *account, const struct ending *ending)
{
    fprintf(out, "barrow: all programs of the run\n  %8s %-15s %11s %11s %11s %13s %8s  %s\n",
            "PID", "NAME", "LIVE", "COMMITTED", "PEAK", "ALLOCATIONS", "REFUSED", "END");
    uint64_t least = least_shown(account);
    size_t left = ROWS;
    for (size_t i = 0; i < account->count; i++)
        if (left && account->processes[i].stats.committed_peak >= least) {
            print_row(out, &account->processes[i], ending);
            left--;
        }
    size_t more = account->count - (ROWS - left) + account->left_out;
    if (more)
        fprintf(out, "  and %s more; --stats=json shows %s\n", COUNT(more),
                account->left_out ? "most" : "all");
}

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

/* wait4 counts the children that the program has waited for along with it. */
static void print_usage(FILE *out, const struct ending *ending)
{
    const struct rusage *usage = &ending->usage;
    fputs("barrow: the program and the children it waited for\n", out);
    fprintf(out, "  resident     peak %s, of the largest process\n",
            SIZE((uint64_t)usage->ru_maxrss * 1024));
    fprintf(out, "  page faults  %s minor, %s major\n", COUNT((uint64_t)usage->ru_minflt),
            COUNT((uint64_t)usage->ru_majflt));
    fprintf(out, "  time         %.3f s, user %.3f s, kernel %.3f s\n", ending->wall_seconds,
            seconds(&usage->ru_utime), seconds(&usage->ru_stime));
}

static void print_all(FILE *out, const struct account *account, const struct ending *ending)
{
    if (account->first) {
        fprintf(out, "barrow: the heap of %s, process %jd, ", account->first->name,
                (intmax_t)ending->pid);
        print_end(out, account, ending);
        account_print_heap(out, &account->first->stats);
    } else {
        print_missing(out, ending);
    }
    if (account->count > (account->first != NULL))
        print_table(out, account, ending);
    print_usage(out, ending);
}

/* ---- as JSON ------------------------------------------------------------------------------- */

static void json_field(const char *name, uint64_t value, void *out)
{
    fprintf(out, ", \"%s\": %" PRIu64, name, value);
}

static void json_process(FILE *out, const struct account_process *process,
                         const struct ending *ending)
{
    fprintf(out, "{\"pid\": %jd, \"name\": ", (intmax_t)process->pid);
    json_string(out, process->name);
    fprintf(out, ", \"end\": \"%s\"", end_text(process, ending));
    stats_fields(&process->stats, json_field, out);
    fputs("}", out);
}

static void json_all(FILE *out, const struct account *account, const struct ending *ending)
{
    const struct rusage *usage = &ending->usage;
    fputs("{\"processes\": [", out);
    for (size_t i = 0; i < account->count; i++) {
        fputs(i ? ",\n  " : "\n  ", out);
        json_process(out, &account->processes[i], ending);
    }
    fprintf(out,
            "],\n \"left_out\": %zu, \"pid\": %jd, \"peak_resident\": %ju, \"minor_faults\": %ju, "
            "\"major_faults\": %ju,\n \"seconds\": %.3f, \"user_seconds\": %.3f, "
            "\"kernel_seconds\": %.3f}\n",
            account->left_out, (intmax_t)ending->pid, (uintmax_t)usage->ru_maxrss * 1024,
            (uintmax_t)usage->ru_minflt, (uintmax_t)usage->ru_majflt, ending->wall_seconds,
            seconds(&usage->ru_utime), seconds(&usage->ru_stime));
}

/* ---- both ---------------------------------------------------------------------------------- */

typedef void write_fn(FILE *out, const struct account *account, const struct ending *ending);

/* In one piece: others may be writing to standard error too. */
static void print(write_fn *write, const struct account *account, const struct ending *ending)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out) {
        warn("the account");
        return;
    }
    write(out, account, ending);
    if (fclose(out) == 0)
        fwrite(text, 1, length, stderr);
    free(text);
}

void account_print(const struct account *account, const struct ending *ending)
{
    print(print_all, account, ending);
}

void account_print_json(const struct account *account, const struct ending *ending)
{
    print(json_all, account, ending);
}
