/* SPDX-License-Identifier: MIT */
/* run.c: barrow run: runs a program under the library. */
#include "account.h"
#include "command.h"
#include "launch.h"
#include "library.h"
#include "options.h"
#include "program.h"
#include "stderr_filter.h"

#include <err.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
    bool stats, json; /* json: the account is for programs */
    bool symbolize;
    int verbose;
    const char *library; /* from --library, or NULL */
};

/* Long options without a letter. */
enum { OPTION_PURGE_DELAY = 256, OPTION_HUGE_PAGES, OPTION_LIBRARY, OPTION_SYMBOLIZE };

static const struct option long_options[] = {
    { "help", no_argument, NULL, 'h' },
    { "huge-pages", no_argument, NULL, OPTION_HUGE_PAGES },
    { "library", required_argument, NULL, OPTION_LIBRARY },
    { "limit", required_argument, NULL, 'l' },
    { "option", required_argument, NULL, 'o' },
    { "purge-delay", required_argument, NULL, OPTION_PURGE_DELAY },
    { "stats", optional_argument, NULL, 's' },
    { "symbolize", no_argument, NULL, OPTION_SYMBOLIZE },
    { "verbose", no_argument, NULL, 'v' },
    { 0 },
};

static int print_help(void)
{
    fputs(
        "Usage: barrow run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
        "Run PROGRAM with barrow as its malloc, by preloading the library. Signals and the exit\n"
        "status are passed on.\n"
        "\n"
        "  -s, --stats[=json]       show an account of all heaps of the run on standard error at\n"
        "                           the end, for people or as JSON\n"
        "  -l, --limit=SIZE         let the heap commit at most SIZE; then malloc returns NULL\n"
        "      --purge-delay=MS     keep free memory for MS milliseconds (0 none, -1 for ever)\n"
        "      --huge-pages         ask the system for huge pages\n"
        "  -v, --verbose            say what is done; twice, more\n"
        "  -o, --option=NAME=VALUE  set an option of the library, see below and barrow(7)\n"
        "      --library=PATH       the library to preload; else that of BARROW_LIBRARY, else\n"
        "                           the one installed or built with this command\n"
        "      --symbolize          put functions and lines to reports: standard error goes\n"
        "                           through 'barrow symbolize'\n"
        "  -h, --help               show this help\n"
        "\n"
        "A SIZE is a number of bytes, with K, M, G or T behind it for powers of 1024.\n"
        "\n"
        "Options of the library, with their defaults:\n",
        stdout);
    options_describe(stdout);
    return print_text("\n"
                      "Exit status: that of PROGRAM; 125 if barrow itself fails, 126 if PROGRAM\n"
                      "cannot be run under the library, 127 if it is not found.\n");
}

static bool be_verbose(struct request *request)
{
    static const char *const levels[] = { "1", "2" };
    request->verbose++;
    return option_set("verbose", levels[request->verbose > 1], "--verbose");
}

static bool take_stats(struct request *request)
{
    request->stats = true;
    request->json = optarg && strcmp(optarg, "json") == 0;
    if (optarg && !request->json)
        warnx("--stats=%s: the form is json, or none is named", optarg);
    return !optarg || request->json;
}

/* Returns false after a message. */
static bool take_option(struct request *request, int option)
{
    switch (option) {
    case 's':
        return take_stats(request);
    case 'v':
        return be_verbose(request);
    case 'l':
        return option_set("commit-limit", optarg, "--limit");
    case 'o':
        return option_set_pair(optarg);
    case OPTION_PURGE_DELAY:
        return option_set("purge-delay", optarg, "--purge-delay");
    case OPTION_HUGE_PAGES:
        return option_set("huge-pages", "1", "--huge-pages");
    case OPTION_SYMBOLIZE:
        request->symbolize = true;
        return true;
    case OPTION_LIBRARY:
        request->library = optarg;
        return true;
    default:
        return false; /* getopt has said why */
    }
}

static void show_account(const struct request *request, const struct account_page *page,
                         const struct ending *ending)
{
    struct account account;
    if (!account_read(page, ending->pid, &account))
        return;
    (request->json ? account_print_json : account_print)(&account, ending);
    account_free(&account);
}

/* With the command around it. */
static int run_as_child(const struct request *request, const char *path, char **argv)
{
    struct account_page page;
    struct stderr_filter filter;
    struct ending ending;
    if (request->stats && !account_open(&page))
        return STATUS_FAILED;
    if (request->symbolize && !stderr_filter_begin(&filter, path))
        return STATUS_FAILED;
    int status = launch_and_wait(&ending, path, argv);
    if (request->symbolize)
        stderr_filter_end(&filter);
    if (status != 0)
        return status;
    if (request->stats)
        show_account(request, &page, &ending);
    launch_finish(&ending);
}

static int run(const struct request *request, char **argv)
{
    struct library library;
    char path[PATH_MAX];
    if (!library_find(&library, request->library))
        return STATUS_FAILED;
    int status = program_find(path, argv[0]);
    if (status == 0)
        status = program_check(path, &library);
    if (status != 0)
        return status;
    if (!library_preload(&library))
        return STATUS_FAILED;
    if (request->verbose)
        warnx("running %s with %s", path, library.path);
    return request->stats || request->symbolize ? run_as_child(request, path, argv)
                                                : launch_in_place(path, argv);
}

int run_main(int argc, char **argv)
{
    struct request request = { 0 };
    int option;
    while ((option = getopt_long(argc, argv, "+hl:o:sv", long_options, NULL)) != -1) {
        if (option == 'h')
            return print_help();
        if (!take_option(&request, option))
            return usage_error(argv[0]);
    }
    if (optind >= argc) {
        warnx("no program is named");
        return usage_error(argv[0]);
    }
    return run(&request, argv + optind);
}
