/* SPDX-License-Identifier: MIT */
/* account_print.c: the account of a run on standard error, as a table for a person. */
#include "account.h"

#include "size.h"

#include <err.h>
#include <stdint.h>
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

static void print_heap(FILE *out, const struct barrow_stats *stats)
{
    print_blocks(out, "allocated", stats->allocations, stats->allocated_bytes);
    fprintf(out, "; %s freed\n", COUNT(stats->frees));
    print_blocks(out, "live", stats->live_blocks, stats->live_bytes);
    fputc('\n', out);
    print_blocks(out, "cached", stats->cached_blocks, stats->cached_bytes);
    fputc('\n', out);
    fprintf(out, "  committed    %s, peak %s, ", SIZE(stats->committed),
            SIZE(stats->committed_peak));
    if (stats->commit_limit)
        fprintf(out, "limit %s\n", SIZE(stats->commit_limit));
    else
        fputs("no limit\n", out);
    fprintf(out, "  purged       %s\n", SIZE(stats->purged));
    fprintf(out, "  regions      %s, of %s of address space\n", COUNT(stats->reservations),
            SIZE(stats->reserved));
    fprintf(out, "  spans        %s: %s slab%s, %s large block%s of %s\n", COUNT(stats->spans),
            COUNT(stats->slabs), plural(stats->slabs), COUNT(stats->large_blocks),
            plural(stats->large_blocks), SIZE(stats->large_bytes));
    fprintf(out, "  threads      %s, at most %s at once\n", COUNT(stats->threads),
            COUNT(stats->theaps));
}

static void print_missing(FILE *out, const struct ending *ending)
{
    if (WIFSIGNALED(ending->status))
        fprintf(out,
                "barrow: no account of the heap: process %jd was ended by signal %d (%s) before it "
                "could write one\n",
                (intmax_t)ending->pid, WTERMSIG(ending->status),
                strsignal(WTERMSIG(ending->status)));
    else
        fprintf(out,
                "barrow: no account of the heap: process %jd wrote none (it ended by _exit, "
                "replaced the environment, or gave up access to /proc)\n",
                (intmax_t)ending->pid);
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
    if (account->found) {
        fprintf(out, "barrow: the heap of %s, process %jd, at its end\n", account->name,
                (intmax_t)ending->pid);
        print_heap(out, &account->stats);
    } else {
        print_missing(out, ending);
    }
    if (account->others)
        fprintf(out, "  and %s more process%s of the run ended with a heap of %s own\n",
                COUNT(account->others), account->others == 1 ? "" : "es",
                account->others == 1 ? "its" : "their");
    print_usage(out, ending);
}

void account_print(const struct account *account, const struct ending *ending)
{
    /* In one piece: others may be writing to standard error too. */
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out) {
        warn("the account");
        return;
    }
    print_all(out, account, ending);
    if (fclose(out) == 0)
        fwrite(text, 1, length, stderr);
    free(text);
}
