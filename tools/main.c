/* SPDX-License-Identifier: MIT */
/* main.c: the command barrow: its sub-commands, --help and --version.
 *
 * To add a sub-command, write its main function in a file of its own and a line in commands[]. */
#include "barrow/barrow.h"
#include "command.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(x)    TEXT_OF(x)
#define TEXT_OF(x) #x
#define VERSION                                                                                    \
    TEXT(BARROW_VERSION_MAJOR) "." TEXT(BARROW_VERSION_MINOR) "." TEXT(BARROW_VERSION_PATCH)

static const struct command commands[] = {
    { "run", "run a program with barrow as its malloc", run_main },
    { "bench", "measure barrow and other allocators side by side", bench_main },
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
          "Commands:\n",
          out);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'barrow COMMAND --help' tells more about a command.\n", out);
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

static int call_command(int argc, char **argv)
{
    const struct command *command = find_command(argv[0]);
    if (!command) {
        warnx("'%s' is not a command of barrow", argv[0]);
        return usage_error("barrow");
    }
    char name[32]; /* what getopt puts before its messages */
    snprintf(name, sizeof name, "barrow %s", command->name);
    argv[0] = name;
    optind = 0; /* makes getopt start afresh, in glibc and in musl */
    return command->main(argc, argv);
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
        return print_text("barrow " VERSION "\n");
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
