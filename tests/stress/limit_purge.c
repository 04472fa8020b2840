/* SPDX-License-Identifier: MIT */
/* With a limit on committed memory, all of it free and most of it in the hands of a purge by
 * another thread: an allocation waits for it, whatever else it could purge itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "face.h"

enum { MIB = 1 << 20, ROUNDS = 60, LITTLE = 100 * 1000 };

static _Atomic bool trim_wanted, at_end;

static void *trimmer(void *argument)
{
    while (!at_end)
        if (atomic_exchange(&trim_wanted, false))
            malloc_trim(0);
    return argument;
}

static void wait_some(int turns)
{
    for (volatile int i = 0; i < turns; i++)
        ;
}

static bool allocate_during_trim(int round)
{
    char *first = malloc(36 * MIB);
    if (first == NULL)
        return false;
    memset(first, 1, 36 * MIB);
    free(first);
    trim_wanted = true;
    wait_some(round * 1000);
    free(malloc(LITTLE)); /* a little that the purge does not have */
    char *second = malloc(40 * MIB);
    free(second);
    return second != NULL;
}

static void no_failure_while_memory_is_free(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, trimmer, NULL), 0);
    int failures = 0;
    for (int i = 0; i < ROUNDS; i++)
        failures += !allocate_during_trim(i);
    at_end = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(no_failure_while_memory_is_free) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
