/* SPDX-License-Identifier: MIT */
/* attach.c: what barrow.dll does when it is loaded. */
#include "barrow/redirect.h"
#include "diag/message.h"
#include "heap/process.h"
#include "os/process.h"
#include "redirect/backend.h"
#include "redirect/children.h"
#include "redirect/patch.h"

#include <inttypes.h>
#include <string.h>

/* BARROW_REDIRECT */
enum level {
    LEVEL_NONE,
    LEVEL_COMPLETE, /* the run-times' and the program's HeapAlloc ... */
    LEVEL_DIRECT    /* and, for speed, all modules' imports of malloc ... */
};

static bool redirected;

static bool stats_are_on(void)
{
    const char *wanted = process_heap_stats_option();
    return wanted != NULL && *wanted != '\0' && strcmp(wanted, "0") != 0;
}

static bool option_is(const char *name, char value)
{
    const char *text = os_environment(name);
    return text != NULL && text[0] == value && text[1] == '\0';
}

static enum level wanted_level(void)
{
    if (option_is("BARROW_REDIRECT", '0'))
        return LEVEL_NONE;
    return option_is("BARROW_REDIRECT", '1') ? LEVEL_COMPLETE : LEVEL_DIRECT;
}

static void add_hooks(void)
{
    whole_heap_hooks_start();
    release_hooks_start();
    address_hooks_start();
    patch_add(heap_hooks);
    patch_add(whole_heap_hooks);
    patch_add(release_hooks);
    patch_add(address_hooks);
    if (redirect_counting)
        patch_add(counting_hooks);
}

static void add_children_hooks(void)
{
    patch_add(children_hooks);
    patch_add_late(L"advapi32.dll", children_service_hooks);
}

static void start(HMODULE self)
{
    enum level level = wanted_level();
    if (level == LEVEL_NONE)
        return;
    process_heap_start();
    backend_start();
    redirect_counting = stats_are_on();
    add_hooks();
    if (option_is("BARROW_CHILDREN", '1') && children_start(self))
        add_children_hooks();
    if (!patch_start(self, level == LEVEL_DIRECT))
        message("modules that come unasked are not redirected");
    redirected = true;
}

/* ---- the account -------------------------------------------------------------------------- */

enum { SMALL_SHARE = 90 /* per cent */ };

static uint64_t peak(void)
{
    struct barrow_stats stats = { .size = sizeof stats };
    return barrow_stats_get(&stats) == 0 ? stats.committed_peak : 0;
}

/* Why barrow serves less than the program uses. */
static void explain(const struct barrow_redirect_figures *f, uint64_t served)
{
    if (served == 0)
        message("  note      the program made no allocation that barrow could serve");
    if (f->committed > peak())
        message("  note      the program has an allocator of its own: it commits memory by "
                "VirtualAlloc, "
                "which barrow does not serve");
    else if (f->elsewhere > f->local)
        message("  note      the program makes heaps by HeapCreate, which stay Windows' own");
    else if (f->local > 0)
        message("  note      LocalAlloc and GlobalAlloc stay Windows' own");
}

static void report_share(const struct barrow_redirect_figures *f)
{
    uint64_t served = f->heap + f->direct, all = served + f->elsewhere + f->local;
    unsigned share = all != 0 ? (unsigned)(served * 100 / all) : 0;
    message("  share     %u %% of the allocations seen; others: %" PRIu64
            " from heaps of HeapCreate, %" PRIu64 " by LocalAlloc or GlobalAlloc, %" PRIu64
            " KiB by VirtualAlloc",
            share, f->elsewhere, f->local, f->committed / 1024);
    if (share < SMALL_SHARE || f->committed > peak())
        explain(f, served);
}

static void finish(void)
{
    struct barrow_redirect_figures f = { .size = sizeof f };
    barrow_redirect_figures(&f);
    message("redirected %" PRIu64 " imports of %" PRIu64 " modules, %" PRIu64 " C run-times",
            f.imports, f.modules, f.runtimes);
    if (f.left_alone > 0)
        message("  left      %" PRIu64 " modules alone, whose imports could not be changed",
                f.left_alone);
    message("  served    %" PRIu64 " allocations through HeapAlloc, %" PRIu64 " past the run-time",
            f.heap, f.direct);
    message("  resized   %" PRIu64 " blocks; freed %" PRIu64 "; %" PRIu64
            " calls were about other blocks",
            f.resized, f.freed, f.passed_on);
    report_share(&f);
}

/* ---- the DLL ------------------------------------------------------------------------------ */

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved);

/* At the end of the process other DLLs may still call us: nothing is undone. */
BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved)
{
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH)
        start(self);
    else if (reason == DLL_PROCESS_DETACH && redirected && redirect_counting)
        finish();
    return TRUE;
}

/* The export with the ordinal 1. */
int barrow_redirected(void)
{
    return redirected;
}

int barrow_redirect_owns(const void *address)
{
    return backend_owns(address);
}

int barrow_redirect_figures(struct barrow_redirect_figures *figures)
{
    if (figures == NULL || figures->size == 0)
        return -1;
    struct patch_figures patched = patch_figures();
    struct barrow_redirect_figures all = {
        .modules = patched.modules,
        .imports = patched.slots,
        .runtimes = patched.runtimes,
        .heap = (uint64_t)redirect_counts.heap,
        .direct = (uint64_t)redirect_counts.direct,
        .resized = (uint64_t)redirect_counts.resized,
        .freed = (uint64_t)redirect_counts.freed,
        .passed_on = (uint64_t)redirect_counts.foreign,
        .left_alone = patched.left_alone,
        .elsewhere = (uint64_t)redirect_counts.elsewhere,
        .local = (uint64_t)redirect_counts.local,
        .committed = (uint64_t)redirect_counts.committed,
    };
    all.size = figures->size < sizeof all ? figures->size : sizeof all;
    memcpy(figures, &all, all.size);
    return 0;
}
