/* SPDX-License-Identifier: MIT */
/* A program that is linked with libbarrow.a: threads' ends are seen there too. */
#include "support/suite.h"

#include <barrow/barrow.h>
#include <windows.h>

static DWORD WINAPI allocates(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 1000; i++)
        barrow_free(barrow_malloc(i * 10));
    return 0;
}

static void threads_give_back_what_they_have(void **state)
{
    (void)state;
    struct barrow_stats stats = { .size = sizeof stats };
    allocates(NULL);
    for (int i = 0; i < 100; i++) {
        HANDLE thread = CreateThread(NULL, 0, allocates, NULL, 0, NULL);
        WaitForSingleObject(thread, INFINITE);
        CloseHandle(thread);
    }
    assert_int_equal(barrow_stats_get(&stats), 0);
    assert_int_equal(stats.threads, 1);
    assert_int_equal(stats.theaps, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(threads_give_back_what_they_have) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
