/* SPDX-License-Identifier: MIT */
/* inject.h: makes a process that was created suspended load a DLL before anything else. Used by the
 * command and, for child processes, by the library. Uses kernel32 and ntdll only. */
#ifndef BARROW_REDIRECT_INJECT_H
#define BARROW_REDIRECT_INJECT_H

#include <windows.h>

enum inject_result {
    INJECT_DONE,
    INJECT_WRONG_MACHINE, /* not a 64-bit x86 program */
    INJECT_FAILED,        /* GetLastError() tells why */
};

/* The DLL, whose export with the ordinal 1 is imported, is given by its full path. */
enum inject_result inject(HANDLE process, HANDLE main_thread, const WCHAR *dll);

#endif
