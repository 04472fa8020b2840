/* SPDX-License-Identifier: MIT */
/* The ends of threads and processes: DLLs allocate and free in all of them. ExitProcess stops the
 * other threads wherever they are, also where they hold the heap's locks. */
#include "support/suite.h"

#include <barrow/barrow.h>
#include <windows.h>

#include "support/child.h"

enum { STATUS = 42, CHILDREN = 30, THREADS = 6 };

__declspec(dllimport) extern volatile LONG last_dll_detached;

static DWORD WINAPI allocates_for_ever(void *number)
{
    void *blocks[64] = { NULL };
    for (size_t i = (size_t)number;; i++) {
        size_t size = i * 7919 % (i % 5 == 0 ? 300000 : 3000);
        barrow_free(blocks[i % 64]);
        blocks[i % 64] = barrow_malloc(size);
        if (i % 1000 == 0)
            barrow_malloc_trim(0);
    }
    return 0;
}

static int child_is_busy(const char *argument)
{
    for (size_t i = 0; i < THREADS; i++)
        CreateThread(NULL, 0, allocates_for_ever, (void *)i, 0, NULL);
    Sleep((DWORD)strtoul(argument, NULL, 10));
    ExitProcess(STATUS);
}

static void a_busy_process_ends(void **state)
{
    static struct child_result result;
    (void)state;
    for (int i = 0; i < CHILDREN; i++) {
        char milliseconds[16];
        snprintf(milliseconds, sizeof milliseconds, "%d", 10 + i);
        child_run_case("busy", milliseconds, &result);
        if (!child_exited(&result, STATUS))
            child_show(milliseconds, &result);
        assert_true(child_exited(&result, STATUS));
        assert_string_equal(result.err, "");
    }
}

static DWORD WINAPI allocates(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 1000; i++)
        barrow_free(barrow_malloc(i * 10));
    return 0;
}

static void threads_end(void **state)
{
    (void)state;
    struct barrow_stats before = { .size = sizeof before }, after = before;
    LONG detached = last_dll_detached;
    barrow_free(barrow_malloc(1));
    assert_int_equal(barrow_stats_get(&before), 0);
    for (int i = 0; i < 200; i++) {
        HANDLE thread = CreateThread(NULL, 0, allocates, NULL, 0, NULL);
        WaitForSingleObject(thread, INFINITE);
        CloseHandle(thread);
    }
    assert_int_equal(barrow_stats_get(&after), 0);
    assert_true(last_dll_detached >= detached + 200);
    assert_int_equal(after.threads, before.threads);
    assert_true(after.theaps <= before.theaps + 2); /* one more, and the spare one */
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = {
        { "busy", child_is_busy },
        { NULL, NULL },
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_busy_process_ends),
        cmocka_unit_test(threads_end),
    };
    child_case(argc, argv, cases);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
