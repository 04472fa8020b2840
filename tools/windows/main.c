/* SPDX-License-Identifier: MIT */
/* main.c: the command barrow on Windows. */
#include "barrow/barrow.h"
#include "command.h"

#include <stdio.h>

#define TEXT_OF(x) L## #x
#define WIDE(x)    TEXT_OF(x)
#define VERSION                                                                                    \
    WIDE(BARROW_VERSION_MAJOR) L"." WIDE(BARROW_VERSION_MINOR) L"." WIDE(BARROW_VERSION_PATCH)

static const wchar_t usage[] = L"Usage: barrow COMMAND [ARGUMENT]...\n"
                               L"       barrow --help | --version\n"
                               L"\n"
                               L"Commands:\n"
                               L"  run      run a program with barrow as its malloc\n"
                               L"  patch    make a copy of a program that loads barrow by itself\n"
                               L"\n"
                               L"'barrow COMMAND --help' tells more about a command.\n";

int wmain(int argc, wchar_t **argv);

int wmain(int argc, wchar_t **argv)
{
    if (argc < 2) {
        fputws(usage, stderr);
        return STATUS_FAILED;
    }
    if (wcscmp(argv[1], L"run") == 0)
        return run_main(argc - 1, argv + 1, 1);
    if (wcscmp(argv[1], L"patch") == 0)
        return patch_main(argc - 1, argv + 1);
    if (wcscmp(argv[1], L"--help") == 0 || wcscmp(argv[1], L"-h") == 0)
        return fputws(usage, stdout) < 0 ? STATUS_FAILED : 0;
    if (wcscmp(argv[1], L"--version") == 0)
        return fputws(L"barrow " VERSION L"\n", stdout) < 0 ? STATUS_FAILED : 0;
    say(L"'%ls' is not a command of barrow", argv[1]);
    return usage_error(L"barrow");
}
