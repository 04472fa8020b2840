/* SPDX-License-Identifier: MIT */
/* patch.h: replaces functions in the import slots of all modules, present and loaded later. */
#ifndef BARROW_REDIRECT_PATCH_H
#define BARROW_REDIRECT_PATCH_H

#include "redirect/hooks.h"

struct patch_figures {
    unsigned modules;    /* with at least one slot changed */
    unsigned slots;      /* changed */
    unsigned runtimes;   /* seen */
    unsigned left_alone; /* modules whose slots could not be changed */
};

/* Adds hooks for functions that kernel32, kernelbase or ntdll export; ends with a name of NULL. */
void patch_add(const struct named_hook *hooks);

/* Adds hooks for one other DLL, as soon as that is loaded. */
void patch_add_late(const WCHAR *dll, const struct named_hook *hooks);

/* Changes the slots of all modules and of those to come. self is left alone. direct: also change
 * modules' imports of malloc and its family. False if modules to come cannot be watched. */
bool patch_start(HMODULE self, bool direct);

struct patch_figures patch_figures(void);

#endif
