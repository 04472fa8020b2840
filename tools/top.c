/* SPDX-License-Identifier: MIT */
/* top.c: barrow top: the processes with barrow, on a terminal or once. */
#include "top.h"

#include "command.h"
#include "module.h"
#include "process_list.h"
#include "stats.h"

#include <err.h>
#include <getopt.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const struct option long_options[] = {
    { "help", no_argument, NULL, 'h' },
    { "once", no_argument, NULL, '1' },
    { 0 },
};

static int print_help(void)
{
    return print_text(
        "Usage: barrow top [--once] [PID]\n"
        "Show the heaps of the running processes that have barrow, or of one, once a second.\n"
        "F1 shows the keys.\n"
        "\n"
        "      --once  write the figures once, for scripts\n"
        "  -h, --help  show this help\n"
        "\n"
        "Other users' processes are shown to root.\n"
        "\n"
        "Exit status: 0; 1 if the process could not be read; 125 after a wrong call.\n");
}

static int once_all(struct watch *watch)
{
    char text[256];
    watch_update(watch, 0);
    nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL); /* rates need two looks */
    watch_update(watch, 0);
    watch_sort(watch);
    top_title(text, sizeof text);
    puts(text);
    for (size_t i = 0; i < watch->count; i++) {
        top_row(text, sizeof text, &watch->list[i]);
        puts(text);
    }
    return print_text("");
}

static int once_one(pid_t pid)
{
    struct remote remote;
    static struct view view;
    if (!remote_require(&remote, pid) || !view_take(&view, &remote))
        return 1;
    stats_text(stdout, &view);
    view_free(&view);
    return print_text("");
}

static int show(struct watch *watch, pid_t pid)
{
    struct remote remote;
    const struct terminal *terminal = module_symbol("barrow-terminal.so", "ncurses_terminal");
    if (!terminal) {
        warnx("the display needs ncurses, which this command was built without, or which is not "
              "installed; "
              "--once needs nothing");
        return STATUS_FAILED;
    }
    if (pid && !remote_require(&remote, pid))
        return 1;
    return top_run(terminal, watch, pid);
}

static int run(bool once, pid_t pid)
{
    struct watch watch = { .others = getuid() == 0 };
    int status;
    if (once)
        status = pid ? once_one(pid) : once_all(&watch);
    else
        status = show(&watch, pid);
    free(watch.list);
    return status;
}

int top_main(int argc, char **argv)
{
    bool once = false;
    int option;
    pid_t pid = 0;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (option == 'h')
            return print_help();
        if (option != '1')
            return usage_error(argv[0]);
        once = true;
    }
    if (optind < argc && !parse_pid(argv[optind], &pid)) {
        warnx("'%s' is not the number of a process", argv[optind]);
        return usage_error(argv[0]);
    }
    if (argc - optind > 1) {
        warnx("'%s' is one argument too many", argv[optind + 1]);
        return usage_error(argv[0]);
    }
    return run(once, pid);
}
