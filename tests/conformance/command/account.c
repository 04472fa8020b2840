/* SPDX-License-Identifier: MIT */
/* account.c: what barrow run --stats shows, from figures that are known. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct outcome outcome;

static void account_is_complete(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", "--", "ls", "-d", "/");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, "/\n");
    assert_contains(outcome.err, "barrow: the heap of a name, process ");
    assert_contains(outcome.err, ", at its end\n"
                                 "  allocated    1,234,567 blocks, 16.0 EiB; 999 freed\n"
                                 "  live         1 block, 1023 bytes\n"
                                 "  cached       12 blocks, 1.0 KiB\n"
                                 "  committed    1.5 MiB, peak 1.0 GiB, no limit\n"
                                 "  purged       1.0 MiB\n"
                                 "  regions      2, of 1.0 TiB of address space\n"
                                 "  spans        1,234: 1,200 slabs, 34 large blocks of 34.0 MiB\n"
                                 "  threads      3, at most 7 at once\n"
                                 "barrow: the program and the children it waited for\n"
                                 "  resident     peak ");
    assert_lacks(outcome.err, "more process");
}

/* Half a second asleep, a tenth at work, 64 MiB touched by a child that is waited for. */
static void usage_is_measured(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", "--", "bash", "-c",
        "sleep .5; i=0; while ((i < 100000)); do ((i = i + 1)); done; "
        "head -c 67108864 /dev/zero | tail -n 1 >/dev/null");
    assert_exit(outcome.status, 0);
    assert_true(figure_after(outcome.err, "time         ") >= 0.5);
    assert_true(figure_after(outcome.err, " s, user ") > 0.02);
    assert_true(figure_after(outcome.err, ", kernel ") > 0);
    assert_true(figure_after(outcome.err, "resident     peak ") >= 64);
    assert_contains(outcome.err, " MiB, of the largest process\n");
    assert_true(figure_after(outcome.err, "page faults  ") >=
                64.0 / 2); /* however large the pages are */
}

static void other_processes_are_counted(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", "bash", "-c", "ls / >/dev/null; :");
    assert_contains(outcome.err, "  and 1 more process of the run ended with a heap of its own\n");
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", "bash", "-c",
        "ls / >/dev/null; ls / >/dev/null; :");
    assert_contains(outcome.err,
                    "  and 2 more processes of the run ended with a heap of their own");
    assert_contains(outcome.err, "barrow: the heap of a name");
}

static void missing_account_is_explained(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", "bash", "-c", "kill -KILL $$");
    assert_contains(outcome.err, "no account of the heap: process ");
    assert_contains(outcome.err, "was ended by signal 9 (Killed) before it could write one\n");
    assert_contains(outcome.err, "  page faults  ");
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", "/usr/bin/python3", "-c",
        "import os; os._exit(0)");
    assert_exit(outcome.status, 0);
    assert_contains(outcome.err, "no account of the heap: process ");
    assert_contains(outcome.err, " wrote none (it ended by _exit");
}

static void cut_figures(void)
{
    setenv("FIGURES", "cut", 1);
}

static void incomplete_figures_do_not_count(void **state)
{
    (void)state;
    RUN(&outcome, cut_figures, BARROW_COMMAND, "run", "--stats", "true");
    assert_exit(outcome.status, 0);
    assert_contains(outcome.err, "no account of the heap: process ");
    assert_lacks(outcome.err, "allocated");
}

static void set_stats(void)
{
    setenv("BARROW_STATS", "/no/such/folder/file", 1);
}

static void only_stats_changes_the_variable(void **state)
{
    (void)state;
    static const char script[] = "echo $BARROW_STATS";
    RUN(&outcome, set_stats, BARROW_COMMAND, "run", "sh", "-c", script);
    assert_string_equal(outcome.out, "/no/such/folder/file\n");
    assert_string_equal(outcome.err, "");
    RUN(&outcome, set_stats, BARROW_COMMAND, "run", "--stats", "sh", "-c", script);
    assert_contains(outcome.out, "/proc/");
}

static void close_all(void)
{
    close(0);
    close(1);
    close(2);
}

/* With no standard files, files of ours must not come to stand in their place. */
static void closed_files_stay_closed(void **state)
{
    (void)state;
    char plain[sizeof outcome.out];
    char script[256];
    const char *path = in_folder("seen");
    snprintf(script, sizeof script,
             "import os; open('%s', 'w').write(str(sorted(os.listdir('/proc/self/fd'))))", path);
    RUN(&outcome, close_all, "/usr/bin/python3", "-c", script);
    RUN(&outcome, NULL, "/bin/cat", path);
    assert_contains(outcome.out, "'0'");
    strcpy(plain, outcome.out);
    RUN(&outcome, close_all, BARROW_COMMAND, "run", "--stats", "/usr/bin/python3", "-c", script);
    assert_exit(outcome.status, 0);
    RUN(&outcome, NULL, "/bin/cat", path);
    assert_string_equal(outcome.out, plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(account_is_complete),
        cmocka_unit_test(usage_is_measured),
        cmocka_unit_test(other_processes_are_counted),
        cmocka_unit_test(missing_account_is_explained),
        cmocka_unit_test(incomplete_figures_do_not_count),
        cmocka_unit_test(only_stats_changes_the_variable),
        cmocka_unit_test_setup_teardown(closed_files_stay_closed, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
