/* SPDX-License-Identifier: MIT */
/* modules.h: the modules of the process that have been looked at, and of what kind they are. Changed
 * under the loader's lock only; any thread may ask for a module's kind. */
#ifndef BARROW_REDIRECT_MODULES_H
#define BARROW_REDIRECT_MODULES_H

#include "redirect/hooks.h"

void modules_start(void);

enum module_kind module_kind(HMODULE module, const UNICODE_STRING *path);

/* The kind of the module that the code is in: MODULE_PROGRAM if the loader does not know the module,
 * as of one that a program has loaded from memory. */
enum module_kind module_kind_at(const void *code);

/* The file's name, in the path. */
UNICODE_STRING module_base_name(const UNICODE_STRING *path);

enum module_look {
    MODULE_NEW,   /* not looked at before, or there are too many to remember */
    MODULE_AGAIN, /* looked at before modules_look_again */
    MODULE_SEEN
};

enum module_look module_look(HMODULE module);
void module_note(HMODULE module, enum module_kind kind);
void module_forget(HMODULE module);
void modules_look_again(void);

#endif
