/* SPDX-License-Identifier: MIT */
/* barrow_dll.h: what a test asks the barrow.dll that was brought into it. The test imports nothing
 * from it, as the programs that the redirection is for. */
#ifndef TESTS_REDIRECT_BARROW_DLL_H
#define TESTS_REDIRECT_BARROW_DLL_H

#include "barrow/redirect.h"

#include <stdbool.h>
#include <windows.h>

/* NULL if the DLL is not there. The test's GetProcAddress is a hook by then, which makes no
 * difference to these names. */
static inline void *from_barrow(const char *name)
{
    HMODULE library = GetModuleHandleA("barrow.dll");
    return library ? (void *)GetProcAddress(library, name) : NULL;
}

static inline bool owns(const void *block)
{
    int (*ask)(const void *) = (int (*)(const void *))from_barrow("barrow_redirect_owns");
    return ask && ask(block);
}

static inline struct barrow_redirect_figures figures(void)
{
    struct barrow_redirect_figures f = { .size = sizeof f };
    int (*ask)(struct barrow_redirect_figures *) =
        (int (*)(struct barrow_redirect_figures *))from_barrow("barrow_redirect_figures");
    if (ask)
        ask(&f);
    return f;
}

#endif
