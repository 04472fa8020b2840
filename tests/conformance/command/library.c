/* SPDX-License-Identifier: MIT */
/* library.c: the command and the library that was built with it. */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct outcome outcome;

static void the_built_library(void)
{
    unsetenv("BARROW_LIBRARY");
    setenv("PYTHONMALLOC", "malloc", 1);
}

static void library_is_found_in_the_build_tree(void **state)
{
    (void)state;
    RUN(&outcome, the_built_library, BARROW_COMMAND, "run", "sh", "-c", "echo $LD_PRELOAD");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, BARROW_LIBRARY_FILE "\n");
    assert_string_equal(outcome.err, "");
}

/* Ten thousand objects of a thousand bytes, still alive at the end. */
static void account_has_the_programs_figures(void **state)
{
    (void)state;
    RUN(&outcome, the_built_library, BARROW_COMMAND, "run", "--stats", "/usr/bin/python3", "-c",
        "import os\nkept = [bytes(1000) for i in range(10000)]\nprint(os.getpid())");
    assert_exit(outcome.status, 0);
    const char *text = outcome.err;
    assert_contains(text, "barrow: the heap of python3, process ");
    assert_true(figure_after(text, ", process ") == strtod(outcome.out, NULL));
    assert_true(figure_after(text, "  allocated    ") >= 10000);
    assert_true(figure_after(text, " blocks, ") >= 9.5); /* MiB */
    assert_contains(text, " MiB; ");
    assert_true(figure_after(text, " MiB; ") > 0);
    assert_true(figure_after(text, "  committed    ") > 0);
    assert_true(figure_after(text, ", peak ") >= 9.5);
    assert_contains(text, ", no limit\n");
    assert_true(figure_after(text, "  regions      ") >= 1);
    assert_true(figure_after(text, "  spans        ") >= 1);
    assert_true(figure_after(text, "at most ") >= 1);
    assert_true(figure_after(text, "  resident     peak ") >= 9.5);
    assert_lacks(text, "more process");
}

static void limit_is_obeyed(void **state)
{
    (void)state;
    static const char script[] = "bytearray(1 << 28)";
    RUN(&outcome, the_built_library, BARROW_COMMAND, "run", "/usr/bin/python3", "-c", script);
    assert_exit(outcome.status, 0);
    RUN(&outcome, the_built_library, BARROW_COMMAND, "run", "-s", "--limit=64M", "/usr/bin/python3",
        "-c", script);
    assert_exit(outcome.status, 1);
    assert_contains(outcome.err, "MemoryError");
    assert_contains(outcome.err, ", limit 64.0 MiB\n");
    assert_true(figure_after(outcome.err, ", peak ") <= 64);
}

/* A program that replaces itself by another is one process with the last one's heap. */
static void processes_are_told_apart(void **state)
{
    (void)state;
    RUN(&outcome, the_built_library, BARROW_COMMAND, "run", "-s", "bash", "-c",
        "ls / >/dev/null; exec ls -d /");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, "/\n");
    assert_contains(outcome.err, "barrow: the heap of ls, process ");
    const char *first = strstr(outcome.err, " ls ");
    assert_non_null(first);
    assert_contains(first + 1, " ls ");
    assert_contains(outcome.err, "  exec\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_is_found_in_the_build_tree),
        cmocka_unit_test(account_has_the_programs_figures),
        cmocka_unit_test(limit_is_obeyed),
        cmocka_unit_test(processes_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
