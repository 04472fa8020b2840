/* SPDX-License-Identifier: MIT */
/* inject.h: makes a process that was created suspended load a DLL before anything else. Used by the
 * command and, for child processes, by the library. Uses kernel32 and ntdll only. */
#ifndef BARROW_REDIRECT_INJECT_H
#define BARROW_REDIRECT_INJECT_H

#include <windows.h>

enum inject_result {
    INJECT_DONE,
    /* What was found before anything was changed: */
    INJECT_32_BIT,
    INJECT_WRONG_MACHINE, /* not x86 */
    INJECT_EMULATED,      /* x86-64 on an Arm machine */
    INJECT_SIGNED_ONLY,   /* its policy admits no DLL that Microsoft or the store did not sign */
    INJECT_STRICT_GUARD,  /* its policy admits no DLL without control-flow guard */
    /* GetLastError() tells why: */
    INJECT_FAILED,
};

/* The DLL, whose export with the ordinal 1 is imported, is given by its full path. */
enum inject_result inject(HANDLE process, HANDLE main_thread, const WCHAR *dll);

/* For a message: "it is a 32-bit program" and the like. */
const char *inject_reason(enum inject_result result);

#endif
