/* SPDX-License-Identifier: MIT */
/* symbolize.c: barrow symbolize, on frames of programs that were built with debug information. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>

static struct outcome outcome;

static void assert_places(const char *program)
{
    setenv("PROGRAM", program, 1);
    RUN(&outcome, NULL, "/bin/sh", "-c",
        "$PROGRAM | " BARROW_COMMAND " symbolize --module=$PROGRAM");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.err, "");
    assert_contains(outcome.out, "  main at framed.c:27\n");
    assert_contains(outcome.out, "  inlined at framed.c:21, inlined into main at framed.c:28\n");
    assert_contains(outcome.out, "barrow:     #2 not-there+0x10\n"
                                 "a line of the program's own: #0 framed+0x10\n");
}

static void frames_get_function_file_and_line(void **state)
{
    (void)state;
    assert_places(BARROW_FRAMED);
    assert_places(BARROW_FRAMED_FIXED);
}

static void take_empty_library(void)
{
    setenv("BARROW_LIBRARY", BARROW_EMPTY, 1);
}

/* Status, signals and what else the program writes are as without the option. */
static void run_passes_standard_error_through(void **state)
{
    (void)state;
    RUN(&outcome, take_empty_library, "/bin/sh", "-c",
        "PATH=${PROGRAM%/*}:$PATH; " BARROW_COMMAND
        " run --symbolize sh -c '$PROGRAM >&2; echo out; exit 7'");
    assert_exit(outcome.status, 7);
    assert_string_equal(outcome.out, "out\n");
    assert_contains(outcome.err, "  main at framed.c:27\n");
    assert_contains(outcome.err, "a line of the program's own: #0 framed+0x10\n");
    RUN(&outcome, take_empty_library, "/bin/sh", "-c",
        BARROW_COMMAND " run --symbolize bash -c 'echo last >&2; kill -TERM $$'; echo $?");
    assert_contains(outcome.err, "last\n");
    assert_contains(outcome.out, "143\n");
}

/* A log is kept as it is when nothing is known, or when it is none. */
static void other_text_is_left_alone(void **state)
{
    (void)state;
    RUN(&outcome, NULL, "/bin/sh", "-c",
        "printf 'barrow:     #1 x+0x\\nbarrow:     # a+0x1\\nbarrow:     #1 ../a+0x1\\nno end' "
        "| " BARROW_COMMAND " symbolize");
    assert_string_equal(
        outcome.out, "barrow:     #1 x+0x\nbarrow:     # a+0x1\nbarrow:     #1 ../a+0x1\nno end");
    RUN(&outcome, NULL, BARROW_COMMAND, "symbolize", "log");
    assert_exit(outcome.status, 125);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_get_function_file_and_line),
        cmocka_unit_test(run_passes_standard_error_through),
        cmocka_unit_test(other_text_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
