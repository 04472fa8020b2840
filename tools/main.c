/* SPDX-License-Identifier: MIT */
/* main.c: the command barrow: its sub-commands, --help and --version.
 *
 * To add a sub-command, write its main function in a file of its own and a line in commands[]; the man page
 * barrow(1) and tools/completions name it too. */
#include "barrow/barrow.h"
#include "command.h"
#include "diag/nearest.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(x)    TEXT_OF(x)
#define TEXT_OF(x) #x
#define VERSION                                                                                    \
    TEXT(BARROW_VERSION_MAJOR) "." TEXT(BARROW_VERSION_MINOR) "." TEXT(BARROW_VERSION_PATCH)

static int help_main(int argc, char **argv);
static int version_main(int argc, char **argv);

static const struct command commands[] = {
    { "run", "run a program with barrow as its malloc", run_main },
    { "bench", "measure barrow and other allocators side by side", bench_main },
    { "stats", "show the heap of a running process", stats_main },
    { "top", "watch the heaps of running processes", top_main },
    { "map", "draw the heap of a running process", map_main },
    { "symbolize", "put functions and lines to the reports in a log", symbolize_main },
    { "heap", "look at, check, repair and copy heaps in files", heap_main },
    { "help", "show this help, or that of a command", help_main },
    { "version", "show the version", version_main },
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

int print_text(const char *text)
{
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
        warn("standard output");
        return STATUS_FAILED;
    }
    return EXIT_SUCCESS;
}

int usage_error(const char *argv0)
{
    fprintf(stderr, "Try '%s --help' for more information.\n", argv0);
    return STATUS_FAILED;
}

static void write_usage(FILE *out)
{
    fputs("Usage: barrow COMMAND [ARGUMENT]...\n"
          "       barrow --help | --version\n"
          "\n"
          "Run programs with barrow as their malloc, and measure it.\n"
          "\n"
          "Commands:\n",
          out);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n"
          "'barrow help COMMAND' tells more about a command; so does the manual page barrow(1).\n"
          "Exit status: 125 if barrow itself fails or is called wrongly; see the commands for "
          "others.\n",
          out);
}

static int print_usage(void)
{
    write_usage(stdout);
    return print_text("");
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int complain_unknown(const char *name)
{
    const char *names[COMMANDS];
    for (int i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    const char *nearest = nearest_name(name, strlen(name), names, COMMANDS);
    if (nearest)
        warnx("'%s' is not a command of barrow; did you mean '%s'?", name, nearest);
    else
        warnx("'%s' is not a command of barrow", name);
    return usage_error("barrow");
}

static int call_command(int argc, char **argv)
{
    const struct command *command = find_command(argv[0]);
    if (!command)
        return complain_unknown(argv[0]);
    char name[32]; /* what getopt puts before its messages */
    snprintf(name, sizeof name, "barrow %s", command->name);
    argv[0] = name;
    optind = 0; /* makes getopt start afresh, in glibc and in musl */
    return command->main(argc, argv);
}

static int too_many(char **argv, const char *surplus)
{
    warnx("'%s' is one argument too many", surplus);
    return usage_error(argv[0]);
}

/* barrow help COMMAND is barrow COMMAND --help. */
static int help_main(int argc, char **argv)
{
    static char option[] = "--help";
    if (argc < 2 || strcmp(argv[1], option) == 0 || strcmp(argv[1], "help") == 0)
        return print_usage();
    if (argc > 2)
        return too_many(argv, argv[2]);
    char *call[] = { argv[1], option, NULL };
    return call_command(2, call);
}

static int version_main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return print_usage();
    if (argc > 1)
        return too_many(argv, argv[1]);
    return print_text("barrow " VERSION "\n");
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { 0 },
    };
    static char barrow[] = "barrow";
    if (argc > 0)
        argv[0] = barrow;
    switch (getopt_long(argc, argv, "+hV", options, NULL)) {
    case 'h':
        return print_usage();
    case 'V':
        argv[1] = NULL;
        return version_main(1, argv);
    case -1:
        break;
    default:
        return usage_error(barrow);
    }
    if (optind >= argc) {
        write_usage(stderr);
        return STATUS_FAILED;
    }
    return call_command(argc - optind, argv + optind);
}
