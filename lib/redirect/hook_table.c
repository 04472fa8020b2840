/* SPDX-License-Identifier: MIT */
/* hook_table.c: a table sorted by the original's address, for binary search. A slim lock guards it:
 * the loader changes it while other threads ask GetProcAddress. */
#include "redirect/hook_table.h"

#include <string.h>

enum { HOOKS_MAX = 512 };

static struct hook hooks[HOOKS_MAX];
static size_t hook_count;
static SRWLOCK table_lock = SRWLOCK_INIT;

/* The first entry that is not below the address. */
static size_t place_of(const void *original)
{
    size_t low = 0, high = hook_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((uintptr_t)hooks[middle].original < (uintptr_t)original)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The one of that name, or else any: a function may have several names. */
static const struct hook *find(const void *original, const char *name, unsigned where)
{
    const struct hook *found = NULL;
    for (size_t i = place_of(original); i < hook_count && hooks[i].original == original; i++) {
        if (!(hooks[i].where & where))
            continue;
        if (name && strcmp(hooks[i].name, name) == 0)
            return &hooks[i];
        if (!found)
            found = &hooks[i];
    }
    return found;
}

static bool is_known(const struct hook *hook)
{
    const struct hook *found = find(hook->original, hook->name, hook->where);
    return found && strcmp(found->name, hook->name) == 0;
}

static void insert(const struct hook *hook)
{
    size_t place = place_of(hook->original);
    for (size_t i = hook_count; i > place; i--)
        hooks[i] = hooks[i - 1];
    hooks[place] = *hook;
    hook_count++;
}

void hook_table_add(const struct hook *hook)
{
    AcquireSRWLockExclusive(&table_lock);
    if (hook->original && hook_count < HOOKS_MAX && !is_known(hook))
        insert(hook);
    ReleaseSRWLockExclusive(&table_lock);
}

void hook_table_forget(const void *module, size_t size)
{
    size_t kept = 0;
    AcquireSRWLockExclusive(&table_lock);
    for (size_t i = 0; i < hook_count; i++)
        if ((size_t)((const BYTE *)hooks[i].original - (const BYTE *)module) >= size)
            hooks[kept++] = hooks[i];
    hook_count = kept;
    ReleaseSRWLockExclusive(&table_lock);
}

void *hook_table_by_value(const void *original, const char *name, unsigned kind)
{
    AcquireSRWLockShared(&table_lock);
    const struct hook *hook = find(original, name, kind);
    void *replacement = hook ? hook->replacement : NULL;
    ReleaseSRWLockShared(&table_lock);
    return replacement;
}

/* ---- by name ------------------------------------------------------------------------------ */

static bool is_api_set(const char *dll)
{
    static const char prefix[] = "api-ms-win-core-";
    for (size_t i = 0; prefix[i]; i++)
        if ((dll[i] | 0x20) != (prefix[i] | 0x20))
            return false;
    return true;
}

static bool is_system(HMODULE module)
{
    for (size_t i = 0; i < hook_count; i++)
        if (hooks[i].exporter == module && !hooks[i].of_runtime)
            return true;
    return false;
}

/* Among the exporters of a system function one is as good as another. */
static bool exports(const struct hook *hook, HMODULE module, const char *dll)
{
    return hook->of_runtime ? hook->exporter == module : is_system(module) || is_api_set(dll);
}

void *hook_table_by_name(const char *dll, const char *name, unsigned kind)
{
    HMODULE module = GetModuleHandleA(dll);
    void *replacement = NULL;
    AcquireSRWLockShared(&table_lock);
    for (size_t i = 0; module && i < hook_count && !replacement; i++)
        if (hooks[i].where & kind && strcmp(hooks[i].name, name) == 0 &&
            exports(&hooks[i], module, dll))
            replacement = hooks[i].replacement;
    ReleaseSRWLockShared(&table_lock);
    return replacement;
}

bool hook_table_is_first(const void *replacement)
{
    bool first = false;
    AcquireSRWLockShared(&table_lock);
    for (size_t i = 0; i < hook_count && !first; i++)
        first = hooks[i].replacement == replacement && hooks[i].where & HOOK_FIRST;
    ReleaseSRWLockShared(&table_lock);
    return first;
}

bool hook_table_has_name(const char *name)
{
    bool found = false;
    AcquireSRWLockShared(&table_lock);
    for (size_t i = 0; i < hook_count && !found; i++)
        found = strcmp(hooks[i].name, name) == 0;
    ReleaseSRWLockShared(&table_lock);
    return found;
}
