/* SPDX-License-Identifier: MIT */
/* runtime.c: which C run-times there are, and their heaps. Changed under the loader's lock only;
 * read by any thread. */
#include "redirect/runtime.h"

struct runtime runtimes[RUNTIMES_MAX];

/* Those of ucrtbase beside malloc itself are what other parts of the system link with. */
const struct runtime_export runtime_exports[] = {
    { "malloc", RUNTIME_MALLOC },
    { "_malloc_base", RUNTIME_MALLOC },
    { "_o_malloc", RUNTIME_MALLOC },
    { "_o__malloc_base", RUNTIME_MALLOC },
    { "calloc", RUNTIME_CALLOC },
    { "_calloc_base", RUNTIME_CALLOC },
    { "_o_calloc", RUNTIME_CALLOC },
    { "_o__calloc_base", RUNTIME_CALLOC },
    { "realloc", RUNTIME_REALLOC },
    { "_realloc_base", RUNTIME_REALLOC },
    { "_o_realloc", RUNTIME_REALLOC },
    { "_o__realloc_base", RUNTIME_REALLOC },
    { "free", RUNTIME_FREE },
    { "_free_base", RUNTIME_FREE },
    { "_o_free", RUNTIME_FREE },
    { "_o__free_base", RUNTIME_FREE },
    { "_msize", RUNTIME_MSIZE },
    { "_o__msize", RUNTIME_MSIZE },
    { "??2@YAPEAX_K@Z", RUNTIME_NEW },    /* operator new */
    { "??_U@YAPEAX_K@Z", RUNTIME_NEW },   /* operator new[] */
    { "??3@YAXPEAX@Z", RUNTIME_DELETE },  /* operator delete */
    { "??_V@YAXPEAX@Z", RUNTIME_DELETE }, /* operator delete[] */
    { "??3@YAXPEAX_K@Z", RUNTIME_DELETE },
    { "??_V@YAXPEAX_K@Z", RUNTIME_DELETE },
    { NULL, RUNTIME_FUNCTIONS },
};

static WCHAR lower(WCHAR letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter;
}

/* Whether the name starts with prefix, which is in lower case. */
static bool starts_with(const UNICODE_STRING *name, const char *prefix)
{
    size_t length = name->Length / sizeof(WCHAR);
    for (size_t i = 0; prefix[i]; i++)
        if (i >= length || lower(name->Buffer[i]) != (WCHAR)prefix[i])
            return false;
    return true;
}

bool runtime_is_name(const UNICODE_STRING *name, bool *debug)
{
    size_t length = name->Length / sizeof(WCHAR);
    if (length < sizeof "x.dll" || !(starts_with(name, "ucrtbase") || starts_with(name, "msvcr")))
        return false;
    *debug = lower(name->Buffer[length - sizeof ".dll"]) == 'd';
    return true;
}

struct runtime *runtime_add(HMODULE module)
{
    for (size_t i = 0; i < RUNTIMES_MAX; i++) {
        struct runtime *runtime = &runtimes[i];
        if (runtime->module)
            continue;
        runtime->heap = NULL;
        runtime->heap_handle =
            (intptr_t(*)(void))(void *)GetProcAddress(module, "_get_heap_handle");
        for (const struct runtime_export *e = runtime_exports; e->name; e++)
            if (!runtime->original[e->function].address)
                runtime->original[e->function].address = GetProcAddress(module, e->name);
        runtime->module = module;
        return runtime;
    }
    return NULL;
}

void runtime_remove(HMODULE module)
{
    for (size_t i = 0; i < RUNTIMES_MAX; i++)
        if (runtimes[i].module == module)
            runtimes[i] = (struct runtime){ 0 };
}

bool runtime_is_known(HMODULE module)
{
    for (size_t i = 0; i < RUNTIMES_MAX; i++)
        if (runtimes[i].module == module)
            return true;
    return false;
}

bool runtime_is_heap(HANDLE heap)
{
    if (heap == GetProcessHeap())
        return true;
    for (size_t i = 0; i < RUNTIMES_MAX && heap; i++) {
        struct runtime *runtime = &runtimes[i];
        /* A run-time that was just loaded has no heap before its own start. */
        if (!runtime->heap && runtime->heap_handle)
            runtime->heap = (HANDLE)runtime->heap_handle();
        if (runtime->heap == heap)
            return true;
    }
    return false;
}
