/* SPDX-License-Identifier: MIT */
/* modules.c: a module's kind, by its path and what it exports, and an array of the modules that were looked at, searched
 * one by one. modules_lock guards the array. */
#include "redirect/modules.h"

enum { MODULES_MAX = 1024 };

struct module {
    HMODULE base;
    enum module_kind kind;
    bool again; /* to be looked at again */
};

static struct module modules[MODULES_MAX];
static size_t module_count;
static SRWLOCK modules_lock = SRWLOCK_INIT;

static WCHAR windows_folder[MAX_PATH];

void modules_start(void)
{
    if (!GetSystemWindowsDirectoryW(windows_folder, MAX_PATH))
        windows_folder[0] = 0;
}

/* ---- kinds -------------------------------------------------------------------------------- */

UNICODE_STRING module_base_name(const UNICODE_STRING *path)
{
    UNICODE_STRING name = *path;
    for (USHORT i = 0; i < path->Length / sizeof(WCHAR); i++)
        if (path->Buffer[i] == '\\') {
            name.Buffer = path->Buffer + i + 1;
            name.Length = (USHORT)(path->Length - (i + 1) * sizeof(WCHAR));
        }
    return name;
}

static bool name_is(const UNICODE_STRING *name, const WCHAR *other)
{
    UNICODE_STRING string;
    RtlInitUnicodeString(&string, (WCHAR *)other);
    return RtlEqualUnicodeString(name, &string, TRUE);
}

static bool in_windows_folder(const UNICODE_STRING *path)
{
    UNICODE_STRING folder;
    RtlInitUnicodeString(&folder, windows_folder);
    UNICODE_STRING start = *path;
    if (!folder.Length || start.Length <= folder.Length)
        return false;
    start.Length = folder.Length;
    return RtlEqualUnicodeString(&start, &folder, TRUE) &&
           path->Buffer[folder.Length / sizeof(WCHAR)] == '\\';
}

enum module_kind module_kind(HMODULE module, const UNICODE_STRING *path)
{
    UNICODE_STRING name = module_base_name(path);
    bool debug;
    if (module == GetModuleHandleW(NULL))
        return MODULE_PROGRAM;
    if (runtime_is_name(&name, &debug))
        return MODULE_RUNTIME;
    if (!in_windows_folder(path))
        return MODULE_PROGRAM;
    return name_is(&name, L"kernel32.dll") || name_is(&name, L"kernelbase.dll") ? MODULE_CORE
                                                                                : MODULE_SYSTEM;
}

/* ---- the table ---------------------------------------------------------------------------- */

static struct module *find(HMODULE base)
{
    for (size_t i = 0; i < module_count; i++)
        if (modules[i].base == base)
            return &modules[i];
    return NULL;
}

enum module_kind module_kind_at(const void *code)
{
    MEMORY_BASIC_INFORMATION range;
    enum module_kind kind = MODULE_PROGRAM;
    if (!VirtualQuery(code, &range, sizeof range))
        return kind;
    AcquireSRWLockShared(&modules_lock);
    const struct module *module = find(range.AllocationBase);
    if (module)
        kind = module->kind;
    ReleaseSRWLockShared(&modules_lock);
    return kind;
}

enum module_look module_look(HMODULE base)
{
    const struct module *module = find(base);
    if (!module)
        return MODULE_NEW;
    return module->again ? MODULE_AGAIN : MODULE_SEEN;
}

void module_note(HMODULE base, enum module_kind kind)
{
    AcquireSRWLockExclusive(&modules_lock);
    struct module *module = find(base);
    if (!module && module_count < MODULES_MAX)
        module = &modules[module_count++];
    if (module)
        *module = (struct module){ base, kind, false };
    ReleaseSRWLockExclusive(&modules_lock);
}

void module_forget(HMODULE base)
{
    AcquireSRWLockExclusive(&modules_lock);
    struct module *module = find(base);
    if (module)
        *module = modules[--module_count];
    ReleaseSRWLockExclusive(&modules_lock);
}

void modules_look_again(void)
{
    for (size_t i = 0; i < module_count; i++)
        modules[i].again = true;
}
