/* SPDX-License-Identifier: MIT */
/* address_hooks.c: functions by which code finds a function at run time: GetProcAddress and its
 * companion in ntdll, by name or by ordinal, and the resolver of delay-loaded imports. What they
 * find is exchanged for its hook, so that a caller gets the same function this way as through an
 * import slot. kernel32 and kernelbase keep their own: their callers pass here.
 *
 * The caller is the module of the return address. One that the loader does not know (code loaded
 * from memory, or made at run time) counts as the program's. */
#include "os/compiler.h"
#include "redirect/hook_table.h"
#include "redirect/image.h"
#include "redirect/modules.h"

#include <string.h>

typedef NTSTATUS NTAPI find_address(HMODULE, const ANSI_STRING *, ULONG, void **);
typedef NTSTATUS NTAPI find_address_flags(HMODULE, const ANSI_STRING *, ULONG, void **, ULONG);
typedef NTSTATUS NTAPI find_address_caller(HMODULE, const ANSI_STRING *, ULONG, void **, ULONG,
                                           void **);
typedef void *NTAPI resolve_delayed(void *, const IMAGE_DELAYLOAD_DESCRIPTOR *, void *, void *,
                                    IMAGE_THUNK_DATA *, ULONG);

/* Of ntdll; NULL where it has no such function. */
static find_address *ldr_find;
static find_address_flags *ldr_find_flags;
static find_address_caller *ldr_find_caller;
static resolve_delayed *ldr_resolve;

/* Nearly all functions are replaced nowhere: then the caller need not be known. */
static void *exchanged(void *found, const char *name, const void *caller)
{
    if (!found || !hook_table_by_value(found, name, MODULE_ANY))
        return found;
    void *replacement = hook_table_by_value(found, name, module_kind_at(caller));
    return replacement ? replacement : found;
}

/* An ordinal is given in the place of a name. */
static FARPROC WINAPI hook_get(HMODULE module, const char *name)
{
    void *found = (void *)GetProcAddress(module, name);
    return (FARPROC)exchanged(found, (uintptr_t)name > 0xFFFF ? name : NULL, RETURN_ADDRESS());
}

/* The string need not end with a null character. */
static NTSTATUS exchange(NTSTATUS status, const ANSI_STRING *name, void **found, const void *caller)
{
    char text[64];
    size_t length = name && name->Length < sizeof text ? name->Length : 0;
    if (length)
        memcpy(text, name->Buffer, length);
    text[length] = '\0';
    if (status >= 0)
        *found = exchanged(*found, text, caller);
    return status;
}

static NTSTATUS NTAPI hook_find(HMODULE module, const ANSI_STRING *name, ULONG ordinal,
                                void **found)
{
    return exchange(ldr_find(module, name, ordinal, found), name, found, RETURN_ADDRESS());
}

static NTSTATUS NTAPI hook_find_flags(HMODULE module, const ANSI_STRING *name, ULONG ordinal,
                                      void **found, ULONG flags)
{
    return exchange(ldr_find_flags(module, name, ordinal, found, flags), name, found,
                    RETURN_ADDRESS());
}

static NTSTATUS NTAPI hook_find_caller(HMODULE module, const ANSI_STRING *name, ULONG ordinal,
                                       void **found, ULONG flags, void **callback)
{
    return exchange(ldr_find_caller(module, name, ordinal, found, flags, callback), name, found,
                    RETURN_ADDRESS());
}

/* The resolver stores what it has found in the caller's slot, too. */
static void *NTAPI hook_resolve(void *base, const IMAGE_DELAYLOAD_DESCRIPTOR *descriptor,
                                void *on_failure, void *on_system_failure, IMAGE_THUNK_DATA *slot,
                                ULONG flags)
{
    void *found = ldr_resolve(base, descriptor, on_failure, on_system_failure, slot, flags);
    struct image_change change = { .at = (void **)(void *)slot,
                                   .value = exchanged(found, NULL, RETURN_ADDRESS()) };
    if (change.value != found)
        image_change_slots(&change, 1);
    return change.value;
}

enum { NOT_CORE = MODULE_ANY & ~MODULE_CORE };

const struct named_hook address_hooks[] = {
    { "GetProcAddress", (void *)hook_get, NOT_CORE },
    { "LdrGetProcedureAddress", (void *)hook_find, NOT_CORE },
    { "LdrGetProcedureAddressEx", (void *)hook_find_flags, NOT_CORE },
    { "LdrGetProcedureAddressForCaller", (void *)hook_find_caller, NOT_CORE },
    { "ResolveDelayLoadedAPI", (void *)hook_resolve, NOT_CORE },
    { "LdrResolveDelayLoadedAPI", (void *)hook_resolve, MODULE_ANY },
    { NULL, NULL, 0 },
};

void address_hooks_start(void)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    ldr_find = (find_address *)(void *)GetProcAddress(ntdll, "LdrGetProcedureAddress");
    ldr_find_flags =
        (find_address_flags *)(void *)GetProcAddress(ntdll, "LdrGetProcedureAddressEx");
    ldr_find_caller =
        (find_address_caller *)(void *)GetProcAddress(ntdll, "LdrGetProcedureAddressForCaller");
    ldr_resolve = (resolve_delayed *)(void *)GetProcAddress(ntdll, "LdrResolveDelayLoadedAPI");
}
