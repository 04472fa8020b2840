/* SPDX-License-Identifier: MIT */
/* patch.c: the table of hooks, and the modules they have been brought into. All of it runs under
 * the loader's lock: in DllMain, or when the loader tells of a module, which is before that
 * module's own start. */
#include "redirect/patch.h"
#include "redirect/image.h"

enum { HOOKS_MAX = 256, MODULES_MAX = 1024 };

/* Sorted by original. */
static struct hook hooks[HOOKS_MAX];
static size_t hook_count;

/* Modules that have been looked at, so that each is looked at once; beyond MODULES_MAX, each time.
 */
static HMODULE seen[MODULES_MAX];
static size_t seen_count;

static bool watching; /* the loader tells of modules */
static bool pending;  /* a module was found unbound */

static HMODULE self;
static bool direct;
static struct patch_figures figures;
static WCHAR windows_folder[MAX_PATH];

static size_t hook_place(const void *original)
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

static void hook_add(void *original, void *replacement, unsigned where)
{
    size_t place = hook_place(original);
    if (!original || hook_count == HOOKS_MAX)
        return;
    if (place < hook_count && hooks[place].original == original)
        return; /* one function under two names */
    for (size_t i = hook_count; i > place; i--)
        hooks[i] = hooks[i - 1];
    hooks[place] = (struct hook){ original, replacement, where };
    hook_count++;
}

void patch_add(const struct named_hook *hook)
{
    static const WCHAR *const exporters[] = { L"ntdll.dll", L"kernelbase.dll", L"kernel32.dll" };
    for (; hook->name; hook++)
        for (int i = 0; i < 3; i++) {
            HMODULE exporter = GetModuleHandleW(exporters[i]);
            if (exporter)
                hook_add((void *)GetProcAddress(exporter, hook->name), hook->replacement,
                         hook->where);
        }
}

/* Another module may come to stand where this one was. */
static void hooks_remove(const BYTE *module, size_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < hook_count; i++)
        if ((size_t)((const BYTE *)hooks[i].original - module) >= size)
            hooks[kept++] = hooks[i];
    hook_count = kept;
}

static void runtime_hooks_add(const struct runtime *runtime)
{
    for (const struct runtime_export *e = runtime_exports; e->name; e++)
        hook_add((void *)GetProcAddress(runtime->module, e->name),
                 malloc_hook(runtime, e->function), MODULE_ANY);
}

static UNICODE_STRING base_name(const UNICODE_STRING *path)
{
    UNICODE_STRING name = *path;
    for (USHORT i = 0; i < path->Length / sizeof(WCHAR); i++)
        if (path->Buffer[i] == '\\') {
            name.Buffer = path->Buffer + i + 1;
            name.Length = (USHORT)(path->Length - (i + 1) * sizeof(WCHAR));
        }
    return name;
}

static bool name_is(const UNICODE_STRING *name, WCHAR *other)
{
    UNICODE_STRING string;
    RtlInitUnicodeString(&string, other);
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

static enum module_kind module_kind(HMODULE module, const UNICODE_STRING *path)
{
    static WCHAR core[][16] = { L"kernel32.dll", L"kernelbase.dll" };
    UNICODE_STRING name = base_name(path);
    bool debug;
    if (module == GetModuleHandleW(NULL))
        return MODULE_PROGRAM;
    if (runtime_is_name(&name, &debug))
        return MODULE_RUNTIME;
    if (!in_windows_folder(path))
        return MODULE_PROGRAM;
    return name_is(&name, core[0]) || name_is(&name, core[1]) ? MODULE_CORE : MODULE_SYSTEM;
}

static void *hooked(void *context, void *value)
{
    const enum module_kind *kind = context;
    size_t place = hook_place(value);
    bool found = place < hook_count && hooks[place].original == value && hooks[place].where & *kind;
    return found ? hooks[place].replacement : value;
}

static bool is_seen(HMODULE module)
{
    for (size_t i = 0; i < seen_count; i++)
        if (seen[i] == module)
            return true;
    return false;
}

static void module_forget(HMODULE module, size_t size)
{
    hooks_remove((const BYTE *)module, size);
    for (size_t i = 0; i < seen_count; i++)
        if (seen[i] == module)
            seen[i--] = seen[--seen_count];
    runtime_remove(module);
}

static void module_patch(HMODULE module, const UNICODE_STRING *path)
{
    if (module == self || is_seen(module))
        return;
    enum module_kind kind = module_kind(module, path);
    size_t slots;
    if (image_map_slots(module, hooked, &kind, &slots) == IMAGE_UNBOUND) {
        pending = true;
        return;
    }
    figures.modules += slots > 0;
    figures.slots += (unsigned)slots;
    if (seen_count < MODULES_MAX)
        seen[seen_count++] = module;
}

/* All modules are to be looked at again if a new run-time turns up, since its functions have become
 * known only now. */
static void runtime_find(HMODULE module, const UNICODE_STRING *path)
{
    UNICODE_STRING name = base_name(path);
    bool debug;
    if (is_seen(module) || !runtime_is_name(&name, &debug) || module == GetModuleHandleW(NULL))
        return;
    const struct runtime *runtime = runtime_add(module);
    if (!runtime)
        return;
    figures.runtimes++;
    if (direct && !debug) {
        runtime_hooks_add(runtime);
        seen_count = 0;
    }
}

static void CALLBACK visit_runtime(const LDR_DATA_TABLE_ENTRY *module, void *context, BOOLEAN *stop)
{
    (void)context, (void)stop;
    runtime_find(module->DllBase, &module->FullDllName);
}

static void CALLBACK visit_module(const LDR_DATA_TABLE_ENTRY *module, void *context, BOOLEAN *stop)
{
    (void)context, (void)stop;
    module_patch(module->DllBase, &module->FullDllName);
}

static void walk(void)
{
    pending = false;
    LdrEnumerateLoadedModules(FALSE, visit_runtime, NULL);
    LdrEnumerateLoadedModules(FALSE, visit_module, NULL);
}

/* Several modules may have come at once, and are told of one by one: hence the walk. */
static void CALLBACK notified(ULONG reason, const struct ldr_notification *data, void *context)
{
    enum { LOADED = 1, UNLOADED = 2 };
    (void)context;
    if (reason == UNLOADED)
        module_forget(data->base, data->size);
    else if (reason == LOADED)
        walk();
}

/* Called by kernelbase for LoadLibrary. */
static NTSTATUS NTAPI load_dll(const WCHAR *path, ULONG *flags, const UNICODE_STRING *name,
                               HMODULE *module)
{
    NTSTATUS status = LdrLoadDll(path, flags, name, module);
    ULONG_PTR cookie;
    if ((pending || !watching) && LdrLockLoaderLock(0, NULL, &cookie) >= 0) {
        walk();
        LdrUnlockLoaderLock(0, cookie);
    }
    return status;
}

static const struct named_hook load_hooks[] = {
    { "LdrLoadDll", (void *)load_dll, MODULE_CORE },
    { NULL, NULL, 0 },
};

bool patch_start(HMODULE self_module, bool direct_too)
{
    void *cookie;
    self = self_module;
    direct = direct_too;
    if (!GetSystemWindowsDirectoryW(windows_folder, MAX_PATH))
        windows_folder[0] = 0;
    watching = LdrRegisterDllNotification(0, notified, NULL, &cookie) >= 0;
    patch_add(load_hooks);
    walk();
    return watching;
}

struct patch_figures patch_figures(void)
{
    return figures;
}
