/* SPDX-License-Identifier: MIT */
/* hook_table.h: which function is replaced by which, in which kind of module. Changed under the
 * loader's lock only; any thread may look something up. */
#ifndef BARROW_REDIRECT_HOOK_TABLE_H
#define BARROW_REDIRECT_HOOK_TABLE_H

#include "redirect/hooks.h"

/* A function may be added several times: under several names, and for different kinds of modules.
 * Does nothing for an original that is NULL, or known already by that name. */
void hook_table_add(const struct hook *hook);

/* Removes the functions of a module that is unloaded: another may be loaded at its addresses. */
void hook_table_forget(const void *module, size_t size);

/* What a module of that kind gets instead of the function; NULL if it keeps it. The name by which it
 * asks for the function may be NULL. */
void *hook_table_by_value(const void *original, const char *name, unsigned kind);

/* The same for a function that is imported by name from a DLL (its file name or that of an API
 * set), whatever its import slot holds. */
void *hook_table_by_name(const char *dll, const char *name, unsigned kind);

/* Whether the replacement is one that has HOOK_FIRST. */
bool hook_table_is_first(const void *replacement);

/* Whether kernel32, kernelbase, ntdll or a run-time export a function of that name that is
 * replaced anywhere. */
bool hook_table_has_name(const char *name);

#endif
