/* SPDX-License-Identifier: MIT */
/* The C library frees what it kept for a thread after the last of the thread's destructors (here:
 * the text of an unknown error). Such threads must not cost a theap each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "face.h"

enum { THREADS = 200, AT_MOST = 4 };

static void *unknown_error(void *argument)
{
    char *block = malloc(100);
    const char *text = strerror(123456);
    free(block);
    return text == NULL ? NULL : argument;
}

static uint64_t theaps(void)
{
    struct barrow_stats stats = { .size = sizeof stats };
    assert_int_equal(barrow_stats_get(&stats), 0);
    return stats.theaps;
}

static void threads_leave_no_theap_behind(void **state)
{
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        void *result;
        assert_int_equal(pthread_create(&thread, NULL, unknown_error, state), 0);
        assert_int_equal(pthread_join(thread, &result), 0);
        assert_ptr_equal(result, state);
    }
    assert_in_range(theaps(), 1, AT_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(threads_leave_no_theap_behind) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
