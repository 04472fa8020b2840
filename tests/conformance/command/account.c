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
                                 "  refused      21 calls\n"
                                 "  threads      3, at most 7 at once\n"
                                 "barrow: the program and the children it waited for\n"
                                 "  resident     peak ");
    assert_lacks(outcome.err, "all programs");
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

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    while ((text = strstr(text, part)) != NULL) {
        count++;
        text += strlen(part);
    }
    return count;
}

static void all_processes_are_shown(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", "bash", "-c",
        "ls / >/dev/null; ls / >/dev/null; :");
    assert_contains(outcome.err, "barrow: the heap of a name, process ");
    assert_contains(outcome.err, "barrow: all programs of the run\n");
    assert_int_equal(count_of(outcome.err, "  1023 bytes     1.5 MiB     1.0 GiB     1,234,567 "
                                           "      21  exit\n"),
                     3);
}

/* What it had counted until then is shown, the sums of two threads' counts. */
static void counts_outlive_a_signal(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", "bash", "-c", "kill -KILL $$");
    assert_signalled(outcome.status, 9);
    assert_contains(outcome.err, "barrow: the heap of a name, process ");
    assert_contains(outcome.err, ", when signal 9 (Killed) ended it\n"
                                 "  allocated    5 blocks, 4.9 KiB; 3 freed\n"
                                 "  live         2 blocks, 2.0 KiB\n"
                                 "  committed    2.0 MiB, peak 2.0 MiB, no limit\n");
    assert_contains(outcome.err, "  page faults  ");
}

static void counts_outlive_exit_without_destructors(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", "/usr/bin/python3", "-c",
        "import os; os._exit(3)");
    assert_exit(outcome.status, 3);
    assert_contains(outcome.err, ", when it ended by _exit\n  allocated    5 blocks");
}

static void ends_are_told_apart(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", "bash", "-c",
        "bash -c 'exec ls / >/dev/null'; bash -c 'kill -9 $$'; sleep 9 >/dev/null 2>&1 & "
        "until [[ $(</proc/$!/stat) == *'(sleep) S'* ]]; do :; done; disown");
    assert_exit(outcome.status, 0);
    assert_int_equal(count_of(outcome.err, "  exec\n"), 1);
    assert_int_equal(count_of(outcome.err, "  signal or _exit\n"), 1);
    assert_int_equal(count_of(outcome.err, "  still running\n"), 1);
    assert_int_equal(count_of(outcome.err, "  exit\n"), 2); /* ls and the program */
}

/* A long table would hide what is said of the program. */
static void many_processes_are_cut(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", "bash", "-c",
        "for i in {1..40}; do ls / >/dev/null; done; :");
    assert_contains(outcome.err, "  and 11 more; --stats=json shows all\n");
    assert_int_equal(count_of(outcome.err, "  exit\n"), 30);
}

static void json_has_all(void **state)
{
    (void)state;
    RUN(&outcome, NULL, "/bin/sh", "-c",
        BARROW_COMMAND
        " run --stats=json bash -c 'ls / >/dev/null; kill -TERM $$' 2>&1 | "
        "/usr/bin/python3 -c 'import json, sys; run = json.load(sys.stdin); "
        "print([(p[\"end\"], p[\"live_bytes\"], p[\"refused\"]) for p in run[\"processes\"]])'");
    assert_string_equal(outcome.out, "[('signal 15', 2048, 0), ('exit', 1023, 21)]\n");
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats=xml", "true");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "--stats=xml: the form is json");
}

static void without_the_library(void)
{
    setenv("BARROW_LIBRARY", BARROW_EMPTY, 1);
}

static void missing_account_is_explained(void **state)
{
    (void)state;
    RUN(&outcome, without_the_library, BARROW_COMMAND, "run", "--stats", "true");
    assert_exit(outcome.status, 0);
    assert_contains(outcome.err, "no account of the heap: process ");
    assert_lacks(outcome.err, "allocated");
}

static void set_stats(void)
{
    setenv("BARROW_STATS", "/no/such/folder/file", 1);
}

static void only_stats_names_the_page(void **state)
{
    (void)state;
    static const char script[] = "echo $BARROW_STATS $BARROW_STATS_PAGE";
    RUN(&outcome, set_stats, BARROW_COMMAND, "run", "sh", "-c", script);
    assert_string_equal(outcome.out, "/no/such/folder/file\n");
    assert_string_equal(outcome.err, "");
    RUN(&outcome, set_stats, BARROW_COMMAND, "run", "--stats", "sh", "-c", script);
    assert_contains(outcome.out, "/no/such/folder/file /proc/");
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
        cmocka_unit_test(all_processes_are_shown),
        cmocka_unit_test(counts_outlive_a_signal),
        cmocka_unit_test(counts_outlive_exit_without_destructors),
        cmocka_unit_test(ends_are_told_apart),
        cmocka_unit_test(many_processes_are_cut),
        cmocka_unit_test(json_has_all),
        cmocka_unit_test(missing_account_is_explained),
        cmocka_unit_test(only_stats_names_the_page),
        cmocka_unit_test_setup_teardown(closed_files_stay_closed, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
