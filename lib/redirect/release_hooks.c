/* SPDX-License-Identifier: MIT */
/* release_hooks.c: functions of ntdll that free a block inside ntdll, where there is no import slot
 * on the way: RtlFreeUnicodeString and its kin. A block of ours is freed here; any other one goes
 * on. What ntdll allocates itself is the system heap's, and HeapFree passes it on. */
#include "redirect/backend.h"
#include "redirect/hooks.h"

#include <string.h>

/* Of ntdll; NULL where it has no such function. */
static struct {
    void(NTAPI *unicode)(UNICODE_STRING *);
    void(NTAPI *ansi)(ANSI_STRING *);
    void(NTAPI *oem)(ANSI_STRING *);
    void(NTAPI *utf8)(ANSI_STRING *);
    void *(NTAPI *sid)(void *);
    NTSTATUS(NTAPI *environment)(void *);
    NTSTATUS(NTAPI *parameters)(void *);
    NTSTATUS(NTAPI *security)(void **);
    ULONG(NTAPI *many)(HANDLE, ULONG, ULONG, void **);
    BOOLEAN(NTAPI *get_info)(HANDLE, ULONG, void *, void **, ULONG *);
    BOOLEAN(NTAPI *set_value)(HANDLE, ULONG, void *, void *);
    BOOLEAN(NTAPI *set_flags)(HANDLE, ULONG, void *, ULONG, ULONG);
} original;

/* False: not ours. */
static bool release(void *block, const char *call)
{
    if (!backend_owns(block))
        return false;
    redirect_count(&redirect_counts.freed);
    backend_free(block, call);
    return true;
}

/* ---- strings: the structure is cleared, as ntdll does ------------------------------------- */

static void NTAPI free_unicode(UNICODE_STRING *string)
{
    if (string && release(string->Buffer, "RtlFreeUnicodeString"))
        *string = (UNICODE_STRING){ 0 };
    else
        original.unicode(string);
}

#define FREE_STRING(name, exported)                                                                \
    static void NTAPI free_##name(ANSI_STRING *string)                                             \
    {                                                                                              \
        if (string && release(string->Buffer, exported))                                           \
            *string = (ANSI_STRING){ 0 };                                                          \
        else                                                                                       \
            original.name(string);                                                                 \
    }

FREE_STRING(ansi, "RtlFreeAnsiString")
FREE_STRING(oem, "RtlFreeOemString")
FREE_STRING(utf8, "RtlFreeUTF8String")

/* ---- single blocks ------------------------------------------------------------------------ */

static void *NTAPI free_sid(void *sid)
{
    return release(sid, "RtlFreeSid") ? NULL : original.sid(sid);
}

static NTSTATUS NTAPI free_environment(void *block)
{
    return release(block, "RtlDestroyEnvironment") ? 0 : original.environment(block);
}

static NTSTATUS NTAPI free_parameters(void *block)
{
    return release(block, "RtlDestroyProcessParameters") ? 0 : original.parameters(block);
}

static NTSTATUS NTAPI free_security(void **descriptor)
{
    if (!descriptor || !release(*descriptor, "RtlDeleteSecurityObject"))
        return original.security(descriptor);
    *descriptor = NULL;
    return 0;
}

/* Ours are taken out of the array before the rest goes on. Returns how many were freed, as ntdll
 * does. */
static ULONG NTAPI free_many(HANDLE heap, ULONG flags, ULONG count, void **blocks)
{
    ULONG freed = 0, others = 0;
    for (ULONG i = 0; i < count; i++)
        if (release(blocks[i], "RtlMultipleFreeHeap"))
            freed++;
        else
            blocks[others++] = blocks[i];
    return freed + (others ? original.many(heap, flags, others, blocks) : 0);
}

/* ---- user values: kernelbase keeps flags of Local and Global memory there ----------------- */

static BOOLEAN NTAPI get_info(HANDLE heap, ULONG flags, void *block, void **value, ULONG *bits)
{
    if (!backend_owns(block))
        return original.get_info(heap, flags, block, value, bits);
    if (value)
        *value = NULL;
    if (bits)
        *bits = 0;
    return backend_is_block(block);
}

/* Blocks of ours have no value. */
static BOOLEAN NTAPI set_value(HANDLE heap, ULONG flags, void *block, void *value)
{
    return backend_owns(block) ? FALSE : original.set_value(heap, flags, block, value);
}

static BOOLEAN NTAPI set_flags(HANDLE heap, ULONG flags, void *block, ULONG off, ULONG on)
{
    return backend_owns(block) ? FALSE : original.set_flags(heap, flags, block, off, on);
}

const struct named_hook release_hooks[] = {
    { "RtlFreeUnicodeString", (void *)free_unicode, EVERYWHERE_FIRST },
    { "RtlFreeAnsiString", (void *)free_ansi, EVERYWHERE_FIRST },
    { "RtlFreeOemString", (void *)free_oem, EVERYWHERE_FIRST },
    { "RtlFreeUTF8String", (void *)free_utf8, EVERYWHERE_FIRST },
    { "RtlFreeSid", (void *)free_sid, EVERYWHERE_FIRST },
    { "RtlDestroyEnvironment", (void *)free_environment, EVERYWHERE_FIRST },
    { "RtlDestroyProcessParameters", (void *)free_parameters, EVERYWHERE_FIRST },
    { "RtlDeleteSecurityObject", (void *)free_security, EVERYWHERE_FIRST },
    { "RtlMultipleFreeHeap", (void *)free_many, EVERYWHERE_FIRST },
    { "RtlGetUserInfoHeap", (void *)get_info, EVERYWHERE_FIRST },
    { "RtlSetUserValueHeap", (void *)set_value, EVERYWHERE_FIRST },
    { "RtlSetUserFlagsHeap", (void *)set_flags, EVERYWHERE_FIRST },
    { NULL, NULL, 0 },
};

enum { RELEASE_HOOKS = sizeof release_hooks / sizeof release_hooks[0] - 1 };

_Static_assert(sizeof original == RELEASE_HOOKS * sizeof(FARPROC), "one for each hook, in order");

void release_hooks_start(void)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    FARPROC found[RELEASE_HOOKS];
    for (size_t i = 0; i < RELEASE_HOOKS; i++)
        found[i] = GetProcAddress(ntdll, release_hooks[i].name);
    memcpy(&original, found, sizeof original);
}
