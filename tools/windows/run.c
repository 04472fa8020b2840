/* SPDX-License-Identifier: MIT */
/* run.c: barrow run: runs a program with the library brought into it. */
#include "command.h"
#include "command_line.h"
#include "launch.h"

#include <stdio.h>

struct request {
    bool verbose;
    const wchar_t *library;
};

static int print_help(void)
{
    static const wchar_t help[] =
        L"Usage: barrow run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
        L"Run PROGRAM with barrow as the heap of its C run-times. The console, Ctrl-C and the "
        L"exit\n"
        L"status are the program's.\n"
        L"\n"
        L"  -s, --stats              show an account of the heap on standard error at the end\n"
        L"  -l, --limit=SIZE         let the heap commit at most SIZE; then malloc returns NULL\n"
        L"  -c, --children           bring the library into the programs that it starts, too\n"
        L"  -o, --option=NAME=VALUE  set any option of the library: its variable without BARROW_\n"
        L"      --library=PATH       the library; else that of BARROW_LIBRARY, else barrow.dll\n"
        L"                           beside this command\n"
        L"  -v, --verbose            say what is done\n"
        L"  -h, --help               show this help\n"
        L"\n"
        L"A SIZE is a number of bytes, with K, M, G or T behind it for powers of 1024.\n"
        L"\n"
        L"Exit status: that of PROGRAM; 125 if barrow itself fails, 126 if PROGRAM cannot be run\n"
        L"with the library, 127 if it is not found.\n";
    return fputws(help, stdout) < 0 ? STATUS_FAILED : 0;
}

static bool is_size(const wchar_t *text)
{
    size_t digits = wcsspn(text, L"0123456789");
    const wchar_t *suffix = text + digits;
    return digits > 0 && digits < 19 && (!*suffix || (wcschr(L"KMGTkmgt", *suffix) && !suffix[1]));
}

static bool set_limit(const wchar_t *value)
{
    if (value && is_size(value))
        return SetEnvironmentVariableW(L"BARROW_COMMIT_LIMIT", value);
    say(L"--limit: '%ls' is not a size: digits, then at most one of K, M, G and T",
        value ? value : L"");
    return false;
}

/* "purge-delay=0" sets BARROW_PURGE_DELAY. What the library makes of it, it says itself. */
static bool set_option(const wchar_t *pair)
{
    wchar_t variable[64] = L"BARROW_";
    const wchar_t *sign = pair ? wcschr(pair, L'=') : NULL;
    if (!sign || sign == pair || sign - pair > 40) {
        say(L"--option: '%ls' is not NAME=VALUE", pair ? pair : L"");
        return false;
    }
    wchar_t *to = variable + wcslen(variable);
    for (; pair < sign; pair++)
        *to++ = *pair == L'-' ? L'_' : (wchar_t)towupper(*pair);
    *to = L'\0';
    return SetEnvironmentVariableW(variable, sign + 1);
}

/* Returns false after a message. */
static bool take_option(struct request *request, wchar_t **argv, int *at)
{
    const wchar_t *value;
    if (option_is(argv, at, L"stats", L's', NULL))
        return SetEnvironmentVariableW(L"BARROW_STATS", L"1");
    if (option_is(argv, at, L"children", L'c', NULL))
        return SetEnvironmentVariableW(L"BARROW_CHILDREN", L"1");
    if (option_is(argv, at, L"limit", L'l', &value))
        return set_limit(value);
    if (option_is(argv, at, L"option", L'o', &value))
        return set_option(value);
    if (option_is(argv, at, L"library", 0, &value)) {
        request->library = value;
        if (!value)
            say(L"--library: a path is needed");
        return value != NULL;
    }
    request->verbose = option_is(argv, at, L"verbose", L'v', NULL);
    if (!request->verbose)
        say(L"run: unknown option '%ls'", argv[*at]);
    return request->verbose;
}

static int run(const struct request *request, const wchar_t *program, int index)
{
    wchar_t library[PATH_MOST], path[PATH_MOST];
    if (!library_find(library, request->library))
        return STATUS_FAILED;
    int status = program_find(path, program);
    if (status == 0)
        status = program_check(path);
    if (status != 0)
        return status;
    if (request->verbose)
        say(L"running %ls with %ls", path, library);
    return launch(path, command_line_from(GetCommandLineW(), index), library);
}

int run_main(int argc, wchar_t **argv, int index)
{
    struct request request = { 0 };
    int at = 1;
    for (; at < argc && argv[at][0] == L'-' && argv[at][1]; at++) {
        if (wcscmp(argv[at], L"--") == 0) {
            at++;
            break;
        }
        if (option_is(argv, &at, L"help", L'h', NULL))
            return print_help();
        if (!take_option(&request, argv, &at))
            return usage_error(L"barrow run");
    }
    if (at >= argc) {
        say(L"run: no program is named");
        return usage_error(L"barrow run");
    }
    return run(&request, argv[at], index + at);
}
