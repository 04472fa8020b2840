/* SPDX-License-Identifier: MIT */
/* heap_terminate.c: damage and bad blocks with HeapEnableTerminationOnCorruption: one line on
 * standard error and abort; without it, failure. Each case is a process of its own. Linux only. */
#include <windows.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "support/child.h"
#include "support/suite.h"

/* The kinds of heap, by the argument's first character; the second is 't' for termination. */
static HANDLE made(const char *argument)
{
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    if (argument[1] == 't' && !HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0))
        return NULL;
    switch (argument[0]) {
    case 's':
        return HeapCreate(0, 0, 0);
    case 'n':
        return HeapCreate(HEAP_NO_SERIALIZE, 0, 0);
    case 'b':
        return HeapCreate(0, 0, 1 << 20);
    default:
        return GetProcessHeap();
    }
}

/* A case's result: 0 when the call failed as it should, and the heap can still be used. */
static int judged(HANDLE heap, BOOL failed, DWORD error)
{
    if (!failed)
        return 2;
    if (GetLastError() != error)
        return 3;
    void *p = HeapAlloc(heap, 0, 50);
    return p != NULL && HeapFree(heap, 0, p) && HeapValidate(heap, 0, NULL) ? 0 : 4;
}

static int free_twice(const char *argument)
{
    HANDLE heap = made(argument);
    void *p = HeapAlloc(heap, 0, 100);
    HeapAlloc(heap, 0, 100);
    HeapFree(heap, 0, p);
    BOOL failed = !HeapFree(heap, 0, p);
    return judged(heap, failed, ERROR_INVALID_PARAMETER);
}

static int free_large_twice(const char *argument)
{
    HANDLE heap = made(argument);
    void *p = HeapAlloc(heap, 0, 200000);
    HeapFree(heap, 0, p);
    BOOL failed = !HeapFree(heap, 0, p);
    return judged(heap, failed, ERROR_INVALID_PARAMETER);
}

static int free_wild(const char *argument)
{
    HANDLE heap = made(argument);
    BOOL failed = !HeapFree(heap, 0, (void *)(uintptr_t)0xDEADBEE0);
    return judged(heap, failed, ERROR_INVALID_PARAMETER);
}

static int free_inside(const char *argument)
{
    HANDLE heap = made(argument);
    char *p = HeapAlloc(heap, HEAP_ZERO_MEMORY, 1000);
    BOOL failed = !HeapFree(heap, 0, p + 32);
    return judged(heap, failed, ERROR_INVALID_PARAMETER);
}

static int free_foreign(const char *argument)
{
    HANDLE heap = made(argument), other = HeapCreate(0, 0, 0);
    BOOL failed = !HeapFree(heap, 0, HeapAlloc(other, 0, 100));
    return judged(heap, failed, ERROR_INVALID_PARAMETER);
}

static int resize_freed(const char *argument)
{
    HANDLE heap = made(argument);
    void *p = HeapAlloc(heap, 0, 100);
    HeapFree(heap, 0, p);
    BOOL failed = HeapReAlloc(heap, 0, p, 50) == NULL;
    return judged(heap, failed, ERROR_INVALID_PARAMETER);
}

/* Questions are no corruption: these never end the process. */
static int ask_of_freed(const char *argument)
{
    HANDLE heap = made(argument);
    void *p = HeapAlloc(heap, 0, 100);
    HeapFree(heap, 0, p);
    SetLastError(0);
    BOOL failed = !HeapValidate(heap, 0, p) && HeapSize(heap, 0, p) == (SIZE_T)-1;
    return judged(heap, failed, ERROR_INVALID_PARAMETER);
}

static int refuse_memory(const char *argument)
{
    HANDLE heap = made(argument);
    BOOL failed = HeapAlloc(heap, 0, (SIZE_T)1 << 60) == NULL;
    return judged(heap, failed, ERROR_NOT_ENOUGH_MEMORY);
}

/* A write into freed blocks, over what links them. The heap is not used any more. */
static int damage_free_list(const char *argument)
{
    HANDLE heap = made(argument);
    char *p[64];
    for (int i = 0; i < 64; i++)
        p[i] = HeapAlloc(heap, 0, 100);
    for (int i = 1; i < 64; i += 2)
        HeapFree(heap, 0, p[i]);
    if (!HeapValidate(heap, 0, NULL))
        return 2;
    for (int i = 1; i < 64; i += 2)
        memset(p[i], 0x41, 100);
    return HeapValidate(heap, 0, NULL) ? 3 : 0;
}

static const struct child_function cases[] = {
    { "free_twice", free_twice },
    { "free_large_twice", free_large_twice },
    { "free_wild", free_wild },
    { "free_inside", free_inside },
    { "free_foreign", free_foreign },
    { "resize_freed", resize_freed },
    { "ask_of_freed", ask_of_freed },
    { "refuse_memory", refuse_memory },
    { "damage_free_list", damage_free_list },
    { NULL, NULL },
};

static void assert_fails_quietly(const char *name, const char *argument)
{
    struct child_result result;
    child_run_case(name, argument, &result);
    if (!child_exited(&result, 0) || result.err[0] != '\0') {
        child_show(name, &result);
        fail_msg("%s %s: not a quiet failure", name, argument);
    }
}

/* One line that names the library. */
static void assert_ends_with_a_message(const char *name, const char *argument)
{
    struct child_result result;
    child_run_case(name, argument, &result);
    const char *end = strchr(result.err, '\n');
    if (!child_killed(&result, SIGABRT) || strncmp(result.err, "barrow: ", 8) != 0 || end == NULL ||
        end[1] != '\0') {
        child_show(name, &result);
        fail_msg("%s %s: no message and abort", name, argument);
    }
}

static const char heaps[] = "snbp";

static void bad_blocks_are_failures_without_termination(void **state)
{
    (void)state;
    for (const char *heap = heaps; *heap != '\0'; heap++) {
        const char argument[] = { *heap, '-', '\0' };
        for (int i = 0; i < 6; i++)
            assert_fails_quietly(cases[i].name, argument);
    }
}

static void bad_blocks_end_the_process_with_termination(void **state)
{
    (void)state;
    for (const char *heap = heaps; *heap != '\0'; heap++) {
        const char argument[] = { *heap, 't', '\0' };
        for (int i = 0; i < 6; i++)
            assert_ends_with_a_message(cases[i].name, argument);
    }
}

static void questions_and_want_of_memory_do_not_end_it(void **state)
{
    (void)state;
    for (const char *heap = heaps; *heap != '\0'; heap++) {
        const char argument[] = { *heap, 't', '\0' };
        assert_fails_quietly("ask_of_freed", argument);
        assert_fails_quietly("refuse_memory", argument);
    }
}

/* HeapValidate answers, also with termination. malloc's own free lists are checked elsewhere. */
static void damaged_free_list_is_found(void **state)
{
    (void)state;
    const char *const arguments[] = { "s-", "n-", "b-", "st", "nt", "bt" };
    for (int i = 0; i < 6; i++)
        assert_fails_quietly("damage_free_list", arguments[i]);
}

int main(int argc, char **argv)
{
    child_case(argc, argv, cases);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_blocks_are_failures_without_termination),
        cmocka_unit_test(bad_blocks_end_the_process_with_termination),
        cmocka_unit_test(questions_and_want_of_memory_do_not_end_it),
        cmocka_unit_test(damaged_free_list_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
