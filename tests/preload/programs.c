/* SPDX-License-Identifier: MIT */
/* The programs, and a command that tests the one its argument names. */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The numbers of allocations are about half of what was counted when the test was written: enough
 * to tell that the library served the program's work and not only its start. */
static const struct program programs[] = {
    {
        .name = "python",
        .needs = { "python3" },
        .produced = { "outcomes.xml" },
        .varying = { " time=\"", " start=\"" },
        .served = "python3",
        .allocations = 10000000,
        .limit = 180,
    },
};

static void test_program(void **state)
{
    program_check(*state);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(programs[i].name, argv[1]) != 0)
            continue;
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(test_program, (void *)(uintptr_t)&programs[i]),
        };
        return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
    }
    fprintf(stderr, "usage: %s NAME\nNAME is one of:", argv[0]);
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        fprintf(stderr, " %s", programs[i].name);
    fprintf(stderr, "\n");
    return 2;
}
