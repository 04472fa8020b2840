/* SPDX-License-Identifier: MIT */
/* Private heaps: a block freed into a heap that it is not of, twice, or by its inside; a heap used
 * after its end. The calls fail, with the last error, and nothing is damaged; in the checked mode
 * the program ends with a message. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <windows.h>

#include "support/calls.h"
#include "support/child.h"
#include "support/suite.h"

static const DWORD kinds[][2] = { { 0, 0 }, { HEAP_NO_SERIALIZE, 0 }, { 0, 1 << 20 } };

static HANDLE heap_make(const char *kind)
{
    const DWORD *wish = kinds[kind[0] - '0'];

    return HeapCreate(wish[0], 0, wish[1]);
}

/* Each returns 0 when the call was refused with that last error, and the heap is sound. */
static int refused(BOOL done, DWORD error, HANDLE heap)
{
    return !done && GetLastError() == error && (heap == NULL || HeapValidate(heap, 0, NULL)) ? 0
                                                                                             : 1;
}

static int child_frees_in_wrong_heap(const char *kind)
{
    HANDLE first = heap_make(kind), second = heap_make(kind);
    void *block = opaque(HeapAlloc(first, 0, 100));

    return refused(HeapFree(second, 0, block), ERROR_INVALID_PARAMETER, first);
}

static int child_frees_malloc_block(const char *kind)
{
    HANDLE heap = heap_make(kind);

    return refused(HeapFree(heap, 0, opaque(malloc(100))), ERROR_INVALID_PARAMETER, heap);
}

static int child_frees_twice(const char *kind)
{
    HANDLE heap = heap_make(kind);
    void *block = opaque(HeapAlloc(heap, 0, 100));

    HeapFree(heap, 0, block);
    return refused(HeapFree(heap, 0, block), ERROR_INVALID_PARAMETER, heap);
}

static int child_frees_inside(const char *kind)
{
    HANDLE heap = heap_make(kind);
    char *block = opaque(HeapAlloc(heap, 0, 100));

    return refused(HeapFree(heap, 0, block + 16), ERROR_INVALID_PARAMETER, heap);
}

static int child_uses_destroyed(const char *kind)
{
    HANDLE heap = heap_make(kind);

    HeapDestroy(heap);
    return refused(HeapAlloc(heap, 0, 100) != NULL, ERROR_INVALID_HANDLE, NULL);
}

/* A handle rests before it is another heap's. */
static int child_uses_destroyed_when_there_are_others(const char *kind)
{
    enum { OTHERS = 4 };
    HANDLE heap = heap_make(kind);

    HeapDestroy(heap);
    for (int i = 0; i < OTHERS; i++)
        if (heap_make(kind) == heap)
            return 1;
    return refused(HeapAlloc(heap, 0, 100) != NULL, ERROR_INVALID_HANDLE, NULL);
}

static int child_frees_of_destroyed(const char *kind)
{
    HANDLE heap = heap_make(kind);
    void *block = opaque(HeapAlloc(heap, 0, 100));

    HeapDestroy(heap);
    return refused(HeapFree(heap, 0, block), ERROR_INVALID_HANDLE, NULL);
}

/* How a walk of the process heap shows a block, if at all. */
static WORD walk_shows(const void *block, SIZE_T *size)
{
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };

    while (HeapWalk(GetProcessHeap(), &entry))
        if (entry.lpData == block && !(entry.wFlags & PROCESS_HEAP_REGION)) {
            *size = entry.cbData;
            return entry.wFlags;
        }
    return 0;
}

/* The mark of free blocks in a block of the program's. */
static int child_writes_mark(const char *unused)
{
    void **block = opaque(malloc(100)), **freed = opaque(malloc(100));
    SIZE_T size;

    (void)unused;
    free(freed);
    for (int link = 0; link < 2; link++) {
        block[0] = (void *)(uintptr_t)(link * 4711);
        block[1] = ((void **)opaque(freed))[1];
        if (!(walk_shows(block, &size) & PROCESS_HEAP_ENTRY_BUSY))
            return 1;
    }
    return 0;
}

/* Each block as the program knows it, in the checked mode too. */
static int child_walks(const char *unused)
{
    static const SIZE_T sizes[] = { 1, 100, 5000, 60000, 70000, 3000000 };
    int wrong = 0;

    (void)unused;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        SIZE_T size = 0;
        void *block = opaque(malloc(sizes[i])), *freed = opaque(malloc(sizes[i]));
        free(freed);
        wrong += !(walk_shows(block, &size) & PROCESS_HEAP_ENTRY_BUSY) || size != sizes[i];
        wrong += (walk_shows(freed, &size) & PROCESS_HEAP_ENTRY_BUSY) != 0;
        free(block);
    }
    return wrong;
}

static const struct child_function cases[] = {
    { "wrong", child_frees_in_wrong_heap },
    { "malloc", child_frees_malloc_block },
    { "twice", child_frees_twice },
    { "inside", child_frees_inside },
    { "destroyed", child_uses_destroyed },
    { "others", child_uses_destroyed_when_there_are_others },
    { "freed", child_frees_of_destroyed },
    { NULL, NULL },
};

static const struct child_function walks[] = {
    { "mark", child_writes_mark },
    { "walk", child_walks },
    { NULL, NULL },
};

static void run_all(const char *checks, bool found)
{
    static struct child_result result;
    int faults = 0;

    for (const struct child_function *each = cases; each->name != NULL; each++)
        for (int kind = 0; kind < 3; kind++) {
            const char digit[] = { (char)('0' + kind), '\0' };
            const char *const args[] = { "--case", each->name, digit, NULL };
            const char *const env[] = { checks, NULL };

            child_run(&(struct child){ .args = args, .env = env }, &result);
            if (found ? !child_killed(&result, SIGABRT) || strncmp(result.err, "barrow: ", 8) != 0
                      : !child_exited(&result, 0)) {
                child_show(each->name, &result);
                faults++;
            }
        }
    assert_int_equal(faults, 0);
}

static void refused_in_release(void **state)
{
    (void)state;
    run_all("BARROW_CHECKS", false);
}

static void found_in_checked_mode(void **state)
{
    (void)state;
    run_all("BARROW_CHECKS=1", true);
}

static void run_walk(const char *name, const char *checks)
{
    static struct child_result result;
    const char *const args[] = { "--case", name, NULL };
    const char *const env[] = { checks, NULL };

    child_run(&(struct child){ .args = args, .env = env }, &result);
    if (!child_exited(&result, 0))
        child_show(name, &result);
    assert_true(child_exited(&result, 0));
}

static void busy_blocks_may_carry_the_mark(void **state)
{
    (void)state;
    run_walk("mark", "BARROW_CHECKS");
}

static void walks_know_the_checked_mode(void **state)
{
    (void)state;
    run_walk("walk", "BARROW_CHECKS=guard,fill,quarantine,random");
    run_walk("walk", "BARROW_CHECKS=sample=1");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_in_release),
        cmocka_unit_test(found_in_checked_mode),
        cmocka_unit_test(busy_blocks_may_carry_the_mark),
        cmocka_unit_test(walks_know_the_checked_mode),
    };

    if (argc == 3)
        child_case(argc, argv, walks);
    child_case(argc, argv, cases);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
