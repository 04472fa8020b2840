/* SPDX-License-Identifier: MIT */
/* A program states the limits of its process heap by a symbol, as /HEAP does on Windows; the
 * environment has the last word. */
#include <barrow/barrow.h>
#include <errno.h>

#include "support/calls.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/suite.h"

/* A DLL sees what the program exports. */
#if defined(_WIN32)
__declspec(dllexport) extern const struct barrow_config barrow_process_heap;
#endif

const struct barrow_config barrow_process_heap = {
    .reserve = 4 * GIB,
    .commit = 2 * MIB,
    .commit_limit = 64 * MIB,
};

/* Windows charges for the tables of address space, so the first region is no larger there. */
#if defined(_WIN32)
#define FIRST_REGION (256 * MIB)
#else
#define FIRST_REGION (4 * GIB)
#endif

static void figures_tell_the_limit(void **state)
{
    struct barrow_stats stats = { .size = sizeof(stats) };

    (void)state;
    free(opaque(malloc(1))); /* the reservation is made at first use */
    assert_int_equal(barrow_stats_get(&stats), 0);
    assert_int_equal(stats.commit_limit, 64 * MIB);
    /* The tables that describe the memory are reserved besides. */
    assert_in_range(stats.reserved, FIRST_REGION, FIRST_REGION + 64 * MIB);
}

static void limit_is_kept(void **state)
{
    (void)state;
    errno = 0;
    assert_null(opaque(malloc(65 * MIB)));
    assert_int_equal(errno, ENOMEM);
    void *block = malloc(32 * MIB);
    assert_non_null(block);
    assert_null(opaque(malloc(40 * MIB)));
    free(block);
    block = malloc(40 * MIB);
    assert_non_null(block);
    free(block);
}

static int child_has_more(const char *argument)
{
    void *block = malloc(200 * MIB);

    (void)argument;
    if (block == NULL)
        return 1;
    free(block);
    return opaque(malloc(300 * MIB)) == NULL ? 0 : 2;
}

static void environment_overrides(void **state)
{
    static struct child_result result;
    const char *const args[] = { "--case", "more", NULL };
    const char *const env[] = { "BARROW_COMMIT_LIMIT=256M", NULL };

    (void)state;
    child_run(&(struct child){ .args = args, .env = env }, &result);
    assert_true(child_exited(&result, 0));
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = { { "more", child_has_more }, { NULL, NULL } };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_tell_the_limit),
        cmocka_unit_test(limit_is_kept),
        cmocka_unit_test(environment_overrides),
    };

    child_case(argc, argv, cases);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
