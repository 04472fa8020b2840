/* SPDX-License-Identifier: MIT */
/* stats.c: barrow stats: the account of running processes, read from outside. */
#include "stats.h"

#include "command.h"
#include "process_list.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum form { FORM_TEXT, FORM_JSON, FORM_OPENMETRICS };

static const struct option long_options[] = {
    { "help", no_argument, NULL, 'h' },
    { "json", no_argument, NULL, 'j' },
    { "openmetrics", no_argument, NULL, 'o' },
    { 0 },
};

static int print_help(void)
{
    return print_text(
        "Usage: barrow stats [--json | --openmetrics] PID...\n"
        "Show the account of the heap of running processes that have barrow: preloaded, linked or\n"
        "linked statically. A process is not stopped and does nothing for it.\n"
        "\n"
        "      --json         one JSON object a process\n"
        "      --openmetrics  OpenMetrics 1.0, as Prometheus reads it\n"
        "  -h, --help         show this help\n"
        "\n"
        "A process of another user, or with privileges, can be read by root. Where\n"
        "kernel.yama.ptrace_scope is 1, so can every process that this one did not start.\n"
        "\n"
        "Exit status: 0; 1 if a process could not be read; 125 after a wrong call.\n");
}

static void print(enum form form, struct view *views, size_t count)
{
    for (size_t i = 0; i < count && form != FORM_OPENMETRICS; i++)
        (form == FORM_JSON ? stats_json : stats_text)(stdout, &views[i]);
    if (form == FORM_OPENMETRICS)
        stats_openmetrics(stdout, views, count);
}

static bool take(struct view *view, pid_t pid)
{
    struct remote remote;
    if (!remote_require(&remote, pid))
        return false;
    if (view_take(view, &remote))
        return true;
    warnx("process %jd ended while it was read", (intmax_t)pid);
    return false;
}

static int show(enum form form, int count, char **words, const char *argv0)
{
    struct view *views = calloc((size_t)count, sizeof *views);
    size_t taken = 0;
    if (views == NULL)
        err(STATUS_FAILED, "stats");
    for (int i = 0; i < count; i++) {
        pid_t pid;
        if (!parse_pid(words[i], &pid)) {
            warnx("'%s' is not the number of a process", words[i]);
            return usage_error(argv0);
        }
        taken += take(&views[taken], pid);
    }
    print(form, views, taken);
    for (size_t i = 0; i < taken; i++)
        view_free(&views[i]);
    free(views);
    int status = print_text("");
    return status != 0 ? status : taken < (size_t)count ? 1 : 0;
}

int stats_main(int argc, char **argv)
{
    enum form form = FORM_TEXT;
    int option;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
        switch (option) {
        case 'h':
            return print_help();
        case 'j':
            form = FORM_JSON;
            break;
        case 'o':
            form = FORM_OPENMETRICS;
            break;
        default:
            return usage_error(argv[0]);
        }
    if (optind == argc) {
        warnx("no process is named");
        return usage_error(argv[0]);
    }
    return show(form, argc - optind, argv + optind, argv[0]);
}
