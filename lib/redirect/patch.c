/* SPDX-License-Identifier: MIT */
/* patch.c: brings the hooks into modules. All of it runs under the loader's lock: in DllMain, or
 * when the loader tells of a module, which is before that module's own start.
 *
 * A slot is known by its value, the function's address. Others may have changed a slot before
 * (Application Verifier, compatibility shims, endpoint protection), so a function that is imported
 * by name is known by that, too: if a module's HeapAlloc led here and its HeapFree elsewhere, blocks
 * would reach the wrong heap. For the same reason all of a module's slots are changed or none.
 *
 * Other threads may be running. They must not get a block of ours as long as any module would hand
 * it to Windows' heap: a program's realloc may be ours while a run-time's HeapSize is not yet, and
 * threads keep what was in a slot, a run-time's _msize, say. So there are two passes over all
 * modules, the first for functions that are given a block (HOOK_FIRST). */
#include "redirect/patch.h"

#include "diag/message.h"
#include "redirect/hook_table.h"
#include "redirect/image.h"
#include "redirect/modules.h"

enum { CHANGES_MAX = 1024 };

static bool watching; /* the loader tells of modules */
static bool pending;  /* a module was found unbound */

static HMODULE self;
static bool direct;
static struct patch_figures figures;

/* ---- hooks -------------------------------------------------------------------------------- */

static void named_hook_add(const struct named_hook *named, HMODULE exporter)
{
    struct hook hook = { .name = named->name,
                         .original = (void *)GetProcAddress(exporter, named->name),
                         .replacement = named->replacement,
                         .where = named->where,
                         .exporter = exporter };
    hook_table_add(&hook);
}

void patch_add(const struct named_hook *named)
{
    static const WCHAR *const exporters[] = { L"ntdll.dll", L"kernelbase.dll", L"kernel32.dll" };
    for (; named->name; named++)
        for (int i = 0; i < 3; i++) {
            HMODULE exporter = GetModuleHandleW(exporters[i]);
            if (exporter)
                named_hook_add(named, exporter);
        }
}

/* Of a DLL that may come later, or never: it is asked for at each walk until it is there. */
static struct {
    const WCHAR *dll;
    const struct named_hook *hooks;
} late;

void patch_add_late(const WCHAR *dll, const struct named_hook *hooks)
{
    late.dll = dll;
    late.hooks = hooks;
}

static void late_hooks_add(void)
{
    HMODULE exporter = late.dll ? GetModuleHandleW(late.dll) : NULL;
    if (!exporter)
        return;
    for (const struct named_hook *named = late.hooks; named->name; named++)
        named_hook_add(named, exporter);
    late.dll = NULL;
}

static void runtime_hooks_add(const struct runtime *runtime)
{
    for (const struct runtime_export *e = runtime_exports; e->name; e++) {
        struct hook hook = { .name = e->name,
                             .original = (void *)GetProcAddress(runtime->module, e->name),
                             .replacement = malloc_hook(runtime, e->function),
                             .where = MODULE_ANY,
                             .exporter = runtime->module,
                             .of_runtime = true };
        hook_table_add(&hook);
    }
}

/* ---- a module ----------------------------------------------------------------------------- */

enum pass { PASS_FIRST, PASS_REST };

/* The changes that a module needs. */
static struct plan {
    enum pass pass;
    enum module_kind kind;
    bool by_name; /* the module is new, so that its table of names is as the loader left it */
    size_t count; /* may be more than there is space for */
    size_t now;   /* those of this pass */
    struct image_change changes[CHANGES_MAX];
} plan;

/* A delayed slot that has another value is one that was not called yet. */
static void *replacement_for(const struct image_slot *slot)
{
    void *replacement = hook_table_by_value(*slot->at, plan.by_name ? slot->name : NULL, plan.kind);
    if (!replacement && plan.by_name && !slot->delayed && slot->name &&
        hook_table_has_name(slot->name))
        replacement = hook_table_by_name(slot->dll, slot->name, plan.kind);
    return replacement;
}

static void plan_slot(void *context, const struct image_slot *slot)
{
    (void)context;
    void *replacement = replacement_for(slot);
    if (!replacement || replacement == *slot->at)
        return;
    bool later = plan.pass == PASS_FIRST && !hook_table_is_first(replacement);
    if (plan.count < CHANGES_MAX)
        plan.changes[plan.count] =
            (struct image_change){ .at = slot->at, .value = replacement, .later = later };
    plan.count++;
    plan.now += !later;
}

static bool plan_apply(void)
{
    return plan.count <= CHANGES_MAX && image_change_slots(plan.changes, plan.count);
}

static void leave_alone(const UNICODE_STRING *path)
{
    UNICODE_STRING name = module_base_name(path);
    figures.left_alone++;
    message("%.*ls is left alone: its imports can't be changed", (int)(name.Length / sizeof(WCHAR)),
            name.Buffer);
}

/* A module that is not noted comes again in the next pass. */
static void module_patch(HMODULE module, const UNICODE_STRING *path)
{
    enum module_look look = module_look(module);
    if (module == self || look == MODULE_SEEN)
        return;
    plan.kind = module_kind(module, path);
    plan.by_name = look == MODULE_NEW;
    plan.count = plan.now = 0;
    if (image_visit_slots(module, plan_slot, NULL) == IMAGE_UNBOUND) {
        pending = true;
        return;
    }
    bool done = plan_apply();
    if (!done || plan.pass == PASS_REST)
        module_note(module, plan.kind);
    if (!done) {
        leave_alone(path);
        return;
    }
    figures.modules += plan.pass == PASS_FIRST && plan.count > 0 && look == MODULE_NEW;
    figures.slots += (unsigned)plan.now;
}

static void forget(HMODULE module, size_t size)
{
    hook_table_forget(module, size);
    module_forget(module);
    runtime_remove(module);
}

/* ---- all modules -------------------------------------------------------------------------- */

/* All modules are to be looked at again if a new run-time turns up, since its functions have become
 * known only now. */
static void runtime_find(HMODULE module, const UNICODE_STRING *path)
{
    UNICODE_STRING name = module_base_name(path);
    bool debug;
    if (module_look(module) != MODULE_NEW || runtime_is_known(module) ||
        !runtime_is_name(&name, &debug) || module == GetModuleHandleW(NULL))
        return;
    const struct runtime *runtime = runtime_add(module);
    if (!runtime)
        return;
    figures.runtimes++;
    if (direct && !debug) {
        runtime_hooks_add(runtime);
        modules_look_again();
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
    late_hooks_add();
    LdrEnumerateLoadedModules(FALSE, visit_runtime, NULL);
    for (plan.pass = PASS_FIRST; plan.pass <= PASS_REST; plan.pass++)
        LdrEnumerateLoadedModules(FALSE, visit_module, NULL);
}

/* Several modules may be loaded at once and are reported one by one, so all are examined. */
static void CALLBACK notified(ULONG reason, const struct ldr_notification *data, void *context)
{
    enum { LOADED = 1, UNLOADED = 2 };
    (void)context;
    if (reason == UNLOADED)
        forget(data->base, data->size);
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
    modules_start();
    watching = LdrRegisterDllNotification(0, notified, NULL, &cookie) >= 0;
    patch_add(load_hooks);
    walk();
    return watching;
}

struct patch_figures patch_figures(void)
{
    return figures;
}
