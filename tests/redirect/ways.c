/* SPDX-License-Identifier: MIT */
/* ways.c: see ways.h. The build defines RUNTIME (a string: the run-time's DLL) and PART (a string:
 * which module this is), and RUNTIME_msvcrt, RUNTIME_msvcr120 or RUNTIME_ucrtbase. */
#include "ways.h"

#include <direct.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

static ways_owns *owns;
static int failures, checks;

#define EXPECT(condition) expect(condition, #condition, __func__, __LINE__)

static void expect(bool condition, const char *text, const char *way, int line)
{
    checks++;
    if (condition)
        return;
    failures++;
    printf("%s with %s: %s, line %d: not so: %s\n", PART, RUNTIME, way, line, text);
}

static void *from_runtime(const char *name)
{
    return (void *)GetProcAddress(GetModuleHandleA(RUNTIME), name);
}

/* Where its own run-times do less than Windows' do, so with or without barrow. */
static bool is_wine(void)
{
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != NULL;
}

/* ---- blocks ------------------------------------------------------------------------------- */

static void fill(void *block, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)block)[i] = (unsigned char)(i * 7 + 1);
}

static bool is_filled(const void *block, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const unsigned char *)block)[i] != (unsigned char)(i * 7 + 1))
            return false;
    return true;
}

static bool is_zero(const void *block, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (((const unsigned char *)block)[i] != 0)
            return false;
    return true;
}

static bool is_aligned(const void *block, size_t align)
{
    return ((uintptr_t)block & (align - 1)) == 0;
}

static const size_t sizes[] = { 0,    1,    14,    15,    16,    17,     100,     1000,
                                4094, 4096, 10000, 65534, 65535, 100000, 1 << 20, 30 << 20 };

enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* ---- malloc and its family ---------------------------------------------------------------- */

static void way_malloc(void)
{
    for (int i = 0; i < SIZES; i++) {
        void *block = malloc(sizes[i]);
        EXPECT(block && owns(block) && is_aligned(block, 16));
        EXPECT(_msize(block) == sizes[i]);
        fill(block, sizes[i]);
        EXPECT(_msize(block) == sizes[i] && is_filled(block, sizes[i]));
        free(block);
    }
    free(NULL);
}

static void way_calloc(void)
{
    for (int i = 0; i < SIZES; i++) {
        void *dirty = malloc(sizes[i]);
        memset(dirty, 0xFF, sizes[i]);
        free(dirty);
        void *block = calloc(1, sizes[i]);
        EXPECT(block && owns(block) && _msize(block) == sizes[i]);
        EXPECT(is_zero(block, 0, sizes[i]));
        free(block);
    }
}

static void way_realloc(void)
{
    char *block = realloc(NULL, 10);
    EXPECT(block && owns(block) && _msize(block) == 10);
    fill(block, 10);
    for (int i = 3; i < SIZES; i++) {
        size_t kept = _msize(block) < sizes[i] ? _msize(block) : sizes[i];
        block = realloc(block, sizes[i]);
        EXPECT(block && owns(block) && _msize(block) == sizes[i] && is_filled(block, kept));
        fill(block, sizes[i]);
    }
    block = realloc(block, 5);
    EXPECT(block && owns(block) && _msize(block) == 5 && is_filled(block, 5));
    EXPECT(realloc(block, 0) == NULL);
}

static void way_failure(void)
{
    volatile size_t huge = SIZE_MAX - 100, half = SIZE_MAX / 2;
    errno = 0;
    EXPECT(malloc(huge) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(calloc(half, 4) == NULL && errno == ENOMEM);
    char *block = malloc(10);
    fill(block, 10);
    errno = 0;
    EXPECT(realloc(block, huge) == NULL);
    EXPECT(errno == ENOMEM || is_wine()); /* Wine 8's realloc does not set it */
    EXPECT(_msize(block) == 10 && is_filled(block, 10));
    free(block);
}

static void way_expand(void)
{
    char *block = malloc(100);
    fill(block, 100);
    EXPECT(_expand(block, 50) == block && is_filled(block, 50));
    size_t wanted = 104;
    void *same = _expand(block, wanted);
    EXPECT(same == NULL || (same == block && _msize(block) == wanted));
    EXPECT(_expand(block, 50 << 20) == NULL && owns(block));
    EXPECT(is_filled(block, 50));
    free(block);
}

typedef void *recalloc_call(void *block, size_t count, size_t size);

static void way_recalloc(void)
{
#ifdef RUNTIME_msvcrt
    recalloc_call *recalloc = (recalloc_call *)from_runtime("_recalloc");
    if (!recalloc)
        return; /* this Windows' msvcrt has none */
#else
    recalloc_call *recalloc = _recalloc;
#endif
    char *block = malloc(20);
    memset(block, 0xFF, 20);
    block = recalloc(block, 5, 20);
    EXPECT(block && owns(block) && _msize(block) == 100);
    EXPECT(is_zero(block, 20, 100) && block[19] == (char)0xFF);
    free(block);
    block = recalloc(NULL, 3, 7);
    EXPECT(block && owns(block) && is_zero(block, 0, 21));
    free(block);
}

/* ---- aligned blocks ----------------------------------------------------------------------- */

static void way_aligned(void)
{
    for (size_t align = 8; align <= 8192; align *= 2) {
        char *block = _aligned_malloc(333, align);
        EXPECT(block && owns(block) && is_aligned(block, align));
        fill(block, 333);
        block = _aligned_realloc(block, 5000, align);
        EXPECT(block && owns(block) && is_aligned(block, align) && is_filled(block, 333));
        _aligned_free(block);
        block = _aligned_offset_malloc(333, align, 24);
        EXPECT(block && owns(block) && is_aligned(block + 24, align));
        fill(block, 333);
        block = _aligned_offset_realloc(block, 5000, align, 24);
        EXPECT(block && owns(block) && is_aligned(block + 24, align) && is_filled(block, 333));
        _aligned_free(block);
    }
    _aligned_free(NULL);
}

#ifndef RUNTIME_msvcrt
/* Some of mingw's headers leave it out. */
_CRTIMP size_t __cdecl _aligned_msize(void *block, size_t align, size_t offset);

static void way_aligned_msize(void)
{
    char *block = _aligned_malloc(20, 64);
    EXPECT(_aligned_msize(block, 64, 0) == 20);
    _aligned_free(block);
}

/* Wine 8's run-times export these but end the process when they are called. */
static void way_aligned_recalloc(void)
{
    char *block = _aligned_malloc(20, 64);
    memset(block, 0xFF, 20);
    block = _aligned_recalloc(block, 10, 20, 64);
    EXPECT(block && owns(block) && is_aligned(block, 64) && is_zero(block, 20, 200));
    _aligned_free(block);
    block = _aligned_offset_recalloc(NULL, 10, 20, 64, 8);
    EXPECT(block && owns(block) && is_aligned(block + 8, 64) && is_zero(block, 0, 200));
    _aligned_free(block);
}
#endif

/* ---- what the run-time allocates itself --------------------------------------------------- */

static void way_inside(void)
{
    char *text = _strdup("a string of the run-time's");
    EXPECT(text && owns(text) && strcmp(text, "a string of the run-time's") == 0);
    free(text);
    wchar_t *wide = _wcsdup(L"a wide one");
    EXPECT(wide && owns(wide));
    free(wide);
    text = _getcwd(NULL, 0);
    EXPECT(text && owns(text));
    free(text);
    text = _fullpath(NULL, "x", 0);
    EXPECT(text && owns(text));
    free(text);
    text = _tempnam(NULL, "x");
    EXPECT(text && owns(text));
    free(text);
}

/* A file's buffer. */
static void way_stream(void)
{
    FILE *file = tmpfile();
    EXPECT(file && fputs("x", file) >= 0);
#ifndef RUNTIME_ucrtbase /* whose FILE is opaque */
    EXPECT(file && owns(file->_base));
#endif
    if (file)
        fclose(file);
}

/* ---- other ways to the same functions ----------------------------------------------------- */

static void way_get_proc_address(void)
{
    void *(*get)(size_t) = (void *(*)(size_t))from_runtime("malloc");
    void (*put)(void *) = (void (*)(void *))from_runtime("free");
    size_t (*size)(void *) = (size_t(*)(void *))from_runtime("_msize");
    EXPECT(get && put && size);
    void *block = get(123);
    EXPECT(owns(block) && _msize(block) == 123);
    free(block);
    block = malloc(321);
    EXPECT(size(block) == 321);
    put(block);
}

#ifndef RUNTIME_ucrtbase
/* As the run-time exports them; with ucrtbase they are part of the program and call malloc. */
__declspec(dllimport) void *operator_new(size_t size);
__declspec(dllimport) void operator_delete(void *block);

static void way_operators(void)
{
    void *block = operator_new(77);
    EXPECT(block && owns(block) && _msize(block) == 77);
    operator_delete(block);
    block = malloc(78);
    operator_delete(block);
    operator_delete(NULL);
}
#endif

/* ---- the heap behind it ------------------------------------------------------------------- */

static void way_runtime_heap(void)
{
    HANDLE heap = (HANDLE)_get_heap_handle();
    char *block = malloc(55);
    EXPECT(HeapSize(heap, 0, block) == 55);
    EXPECT(HeapValidate(heap, 0, block));
    EXPECT(!HeapValidate(heap, 0, block + 16));
    fill(block, 55);
    block = HeapReAlloc(heap, HEAP_ZERO_MEMORY, block, 500);
    EXPECT(block && owns(block) && _msize(block) == 500 && is_filled(block, 55));
    EXPECT(is_zero(block, 55, 500));
    EXPECT(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, block, 50 << 20) == NULL);
    EXPECT(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, block, 20) == block);
    EXPECT(_msize(block) == 20 && is_filled(block, 20));
    EXPECT(HeapFree(heap, 0, block));
}

static void way_process_heap(void)
{
    HANDLE heap = GetProcessHeap();
    char *block = HeapAlloc(heap, HEAP_ZERO_MEMORY, 1234);
    EXPECT(block && owns(block) && HeapSize(heap, 0, block) == 1234 && is_zero(block, 0, 1234));
    EXPECT(HeapFree(heap, 0, block));
    /* kernelbase frees it */
    block = HeapAlloc(heap, 0, 99);
    EXPECT(block && owns(block) && LocalFree(block) == NULL);
    /* made by kernelbase, freed here */
    block = LocalAlloc(LMEM_FIXED, 99);
    EXPECT(block && HeapFree(heap, 0, block));
}

static void way_private_heap(void)
{
    HANDLE heap = HeapCreate(0, 0, 0);
    void *block = HeapAlloc(heap, 0, 100);
    EXPECT(block && !owns(block) && HeapSize(heap, 0, block) == 100);
    EXPECT(HeapFree(heap, 0, block) && HeapDestroy(heap));
}

static void way_walk(void)
{
    void *small = malloc(777), *large = malloc(777777);
    bool small_seen = false, large_seen = false;
    _HEAPINFO entry = { 0 };
    int result, entries = 0;
    while ((result = _heapwalk(&entry)) == _HEAPOK && entries++ < 1000000) {
        bool used = entry._useflag == _USEDENTRY;
        small_seen = small_seen || ((void *)entry._pentry == small && entry._size == 777 && used);
        large_seen =
            large_seen || ((void *)entry._pentry == large && entry._size == 777777 && used);
    }
    EXPECT(result == _HEAPEND);
    EXPECT(small_seen && large_seen);
    free(small);
    free(large);
    EXPECT(_heapchk() == _HEAPOK);
    EXPECT(_heapmin() == 0);
}

int ways_check(ways_owns *is_owner)
{
    owns = is_owner;
    failures = 0;
    way_malloc();
    way_calloc();
    way_realloc();
    way_failure();
    way_expand();
    way_recalloc();
    way_aligned();
#ifndef RUNTIME_msvcrt
    way_aligned_msize();
    if (!is_wine())
        way_aligned_recalloc();
#endif
    way_inside();
    way_stream();
    way_get_proc_address();
#ifndef RUNTIME_ucrtbase
    way_operators();
#endif
    way_runtime_heap();
    way_process_heap();
    way_private_heap();
    way_walk();
    fflush(stdout);
    return failures;
}

int ways_checks(void)
{
    return checks;
}

/* ---- blocks from before ------------------------------------------------------------------- */

static struct {
    void *freed[SIZES], *grown[SIZES], *shrunk, *expanded, *recalled, *aligned, *offset, *text;
    void *from_heap;
    FILE *file;
} old;

void ways_before(void)
{
    for (int i = 0; i < SIZES; i++) {
        old.freed[i] = malloc(sizes[i]);
        old.grown[i] = malloc(sizes[i]);
        fill(old.grown[i], sizes[i]);
    }
    old.shrunk = calloc(50, 100);
    old.expanded = malloc(300);
    old.recalled = malloc(20);
    old.aligned = _aligned_malloc(333, 256);
    old.offset = _aligned_offset_malloc(333, 256, 24);
    fill(old.aligned, 333);
    fill(old.offset, 333);
    old.text = _strdup("from before");
    old.from_heap = HeapAlloc((HANDLE)_get_heap_handle(), 0, 99);
    old.file = tmpfile();
    fputs("from before", old.file);
}

static void old_grow(void)
{
    for (int i = 0; i < SIZES; i++) {
        EXPECT(!owns(old.freed[i]) && _msize(old.freed[i]) == sizes[i]);
        free(old.freed[i]);
        char *grown = realloc(old.grown[i], sizes[i] + 100);
        EXPECT(grown && _msize(grown) == sizes[i] + 100 && is_filled(grown, sizes[i]));
        free(grown);
    }
    char *block = realloc(old.shrunk, 10);
    EXPECT(block && _msize(block) == 10 && is_zero(block, 0, 10));
    free(block);
}

static void old_others(void)
{
    EXPECT(_expand(old.expanded, 200) == old.expanded);
    free(old.expanded);
    memset(old.recalled, 0xFF, 20);
#ifndef RUNTIME_msvcrt
    old.recalled = _recalloc(old.recalled, 5, 20);
    EXPECT(old.recalled && is_zero(old.recalled, 20, 100));
#endif
    free(old.recalled);
    char *block = _aligned_realloc(old.aligned, 5000, 256);
    EXPECT(block && is_aligned(block, 256) && is_filled(block, 333));
    _aligned_free(block);
    block = _aligned_offset_realloc(old.offset, 5000, 256, 24);
    EXPECT(block && is_aligned(block + 24, 256) && is_filled(block, 333));
    _aligned_free(block);
    EXPECT(strcmp(old.text, "from before") == 0);
    free(old.text);
    EXPECT(HeapSize((HANDLE)_get_heap_handle(), 0, old.from_heap) == 99);
    EXPECT(HeapFree((HANDLE)_get_heap_handle(), 0, old.from_heap));
    EXPECT(fputs("and after", old.file) >= 0 && fclose(old.file) == 0);
}

int ways_after(ways_owns *is_owner)
{
    owns = is_owner;
    failures = 0;
    EXPECT(_heapchk() == _HEAPOK);
    old_grow();
    old_others();
    EXPECT(_heapchk() == _HEAPOK);
    fflush(stdout);
    return failures;
}
