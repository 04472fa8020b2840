/* SPDX-License-Identifier: MIT */
/* stats.c: barrow stats on processes that run: preloaded, linked, linked statically, in another mount
 * namespace, with many threads; and what barrow run --stats keeps of processes that are killed. */
#include "run.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct outcome outcome;

static void preload(void)
{
    setenv("LD_PRELOAD", BARROW_LIBRARY_FILE, 1);
}

static void take_real_library(void)
{
    setenv("BARROW_LIBRARY", BARROW_LIBRARY_FILE, 1);
}

static const char *text_of(pid_t pid)
{
    static char text[16];
    snprintf(text, sizeof text, "%d", (int)pid);
    return text;
}

static void end(struct running *running)
{
    kill(running->pid, SIGKILL);
    assert_int_equal(waitpid(running->pid, NULL, 0), running->pid);
    close(running->output);
}

/* The program holds 1000 blocks of 1000 bytes, 100 shorter ones, one of 3,000,000 in a span of its own, and a heap
 * named "pictures" with a limit, which refused a call. */
static void assert_holds(pid_t pid)
{
    RUN(&outcome, NULL, BARROW_COMMAND, "stats", text_of(pid));
    assert_string_equal(outcome.err, "");
    assert_exit(outcome.status, 0);
    assert_in_range((long)figure_after(outcome.out, "  live         "), 1101, 1200);
    assert_contains(outcome.out, "1 large block of 2.9 MiB\n");
    assert_contains(outcome.out, "\n  pictures ");
    assert_contains(outcome.out, "    1.0 MiB          1\n");
}

static void assert_seen(prepare_fn prepare, const char *program)
{
    struct running running;
    START(&running, prepare, program);
    await_text(running.output, "ready\n");
    assert_holds(running.pid);
    end(&running);
}

static void every_kind_of_program_is_read(void **state)
{
    (void)state;
    assert_seen(NULL, BARROW_HOLDER);
    assert_seen(NULL, BARROW_HOLDER_STATIC);
    assert_seen(NULL, BARROW_HOLDER_STATIC_PIE);
}

static void a_preloaded_program_is_read(void **state)
{
    (void)state;
    struct running running;
    START(&running, preload, "/usr/bin/python3", "-c",
          "import time; a = [bytes(1000000) for i in range(20)]; print('ready', flush=True); "
          "time.sleep(60)");
    await_text(running.output, "ready\n");
    RUN(&outcome, NULL, BARROW_COMMAND, "stats", text_of(running.pid));
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, ": the heap of python3, process ");
    assert_true(figure_after(outcome.out, " slabs, ") >= 20);
    end(&running);
}

/* A namespace in which the program's files have no names at all. */
static void another_mount_namespace_is_no_matter(void **state)
{
    (void)state;
    struct running running;
    RUN(&outcome, NULL, "/usr/bin/unshare", "--mount", "--map-root-user", "true");
    if (outcome.status != 0)
        skip(); /* the system allows no namespaces */
    START(&running, NULL, "/usr/bin/unshare", "--mount", "--map-root-user", "sh", "-c",
          "mount -t tmpfs none /tmp && cp " BARROW_HOLDER_STATIC
          " /tmp/holder && exec /tmp/holder");
    await_text(running.output, "ready\n");
    assert_holds(running.pid);
    end(&running);
}

static void the_program_is_not_stopped(void **state)
{
    (void)state;
    struct running running;
    START(&running, NULL, BARROW_HOLDER);
    await_text(running.output, "ready\n");
    kill(running.pid, SIGSTOP); /* nor is it asked to do anything */
    assert_holds(running.pid);
    end(&running);
}

static void json_and_openmetrics_are_what_they_should_be(void **state)
{
    (void)state;
    struct running running;
    char script[1024];
    START(&running, NULL, BARROW_HOLDER);
    await_text(running.output, "ready\n");
    snprintf(script, sizeof script,
             BARROW_COMMAND
             " stats --json %d | /usr/bin/python3 -c '"
             "import json, sys; view = json.load(sys.stdin); "
             "print(view[\"large_blocks\"], [(h[\"name\"], h[\"limit\"], h[\"refused\"]) "
             "for h in view[\"private_heaps\"]], "
             "sum(c[\"used\"] - c[\"cached\"] for c in view[\"size_classes\"] "
             "if c[\"block_bytes\"] == 1024))'",
             (int)running.pid);
    RUN(&outcome, NULL, "/bin/sh", "-c", script);
    assert_string_equal(outcome.out, "1 [('pictures', 1048576, 1)] 1000\n");
    snprintf(script, sizeof script,
             BARROW_COMMAND
             " stats --openmetrics %d | /usr/bin/python3 -c '"
             "import sys; from prometheus_client.openmetrics import parser; "
             "f = {s.name: (s.labels, s.value) for m in "
             "parser.text_string_to_metric_families(sys.stdin.read()) for s in m.samples}; "
             "print(int(f[\"barrow_large_blocks\"][1]), "
             "f[\"barrow_heap_refused_calls_total\"][0][\"heap\"], "
             "int(f[\"barrow_heap_refused_calls_total\"][1]))'",
             (int)running.pid);
    RUN(&outcome, NULL, "/bin/sh", "-c", script);
    assert_string_equal(outcome.err, "");
    assert_string_equal(outcome.out, "1 pictures 1\n");
    end(&running);
}

static void a_thousand_threads_are_counted(void **state)
{
    (void)state;
    struct running running;
    START(&running, NULL, BARROW_HOLDER, "1000");
    await_text(running.output, "ready\n");
    RUN(&outcome, NULL, BARROW_COMMAND, "stats", text_of(running.pid));
    assert_exit(outcome.status, 0);
    assert_in_range((long)figure_after(outcome.out, "  threads      "), 1001, 1002);
    end(&running);
}

/* Its structures change while they are read: the answer is figures or a message, never a fault. */
static void a_busy_program_is_read_at_any_moment(void **state)
{
    (void)state;
    struct running running;
    START(&running, NULL, BARROW_HOLDER, "churn");
    await_text(running.output, "ready\n");
    for (int i = 0; i < 200; i++) {
        RUN(&outcome, NULL, BARROW_COMMAND, "stats", text_of(running.pid));
        assert_exit(outcome.status, 0);
        assert_true(figure_after(outcome.out, "  committed    ") > 0);
    }
    end(&running);
}

/* It is the other program already: posix_spawn returns after exec. */
static pid_t start_sleep(void)
{
    pid_t process;
    char *arguments[] = { (char *)"sleep", (char *)"60", NULL };
    assert_int_equal(posix_spawnp(&process, "sleep", NULL, NULL, arguments, environ), 0);
    return process;
}

static void refusals_are_explained(void **state)
{
    (void)state;
    pid_t without = start_sleep();
    RUN(&outcome, NULL, BARROW_COMMAND, "stats", text_of(without));
    kill(without, SIGKILL);
    assert_int_equal(waitpid(without, NULL, 0), without);
    assert_exit(outcome.status, 1);
    assert_contains(outcome.err,
                    "does not have barrow: it was neither linked nor started with it\n");
    RUN(&outcome, NULL, BARROW_COMMAND, "stats", "2147483647");
    assert_exit(outcome.status, 1);
    assert_string_equal(outcome.err, "barrow: there is no process 2147483647\n");
    RUN(&outcome, NULL, BARROW_COMMAND, "stats", "-1x");
    assert_exit(outcome.status, 125);
    RUN(&outcome, NULL, BARROW_COMMAND, "stats", "12x");
    assert_contains(outcome.err, "'12x' is not the number of a process\n");
    RUN(&outcome, NULL, BARROW_COMMAND, "stats");
    assert_contains(outcome.err, "no process is named\n");
}

static void become_nobody(void)
{
    if (setgid(65534) != 0 || setuid(65534) != 0)
        _exit(98);
}

static void another_users_process_is_refused(void **state)
{
    (void)state;
    struct running running;
    if (getuid() != 0)
        skip(); /* only root can become somebody else */
    START(&running, NULL, BARROW_HOLDER);
    await_text(running.output, "ready\n");
    const char *command = copy_to_folder(BARROW_COMMAND, "barrow", 0755);
    RUN(&outcome, become_nobody, command, "stats", text_of(running.pid));
    assert_exit(outcome.status, 1);
    assert_contains(outcome.err, " may not be read: ");
    end(&running);
}

/* A process that pretends to have the library, and lies about it. */
static void lies_are_not_believed(void **state)
{
    (void)state;
    struct running running;
    for (int lie = 0; lie < 60; lie++) {
        char number[8];
        snprintf(number, sizeof number, "%d", lie);
        START(&running, NULL, BARROW_LIAR, number);
        await_text(running.output, "ready\n");
        RUN(&outcome, NULL, BARROW_COMMAND, "stats", text_of(running.pid));
        if (!WIFEXITED(outcome.status))
            fail_msg("lie %d: status %#x", lie, (unsigned)outcome.status);
        end(&running);
    }
}

/* ---- barrow run --stats --------------------------------------------------------------------- */

static const char *row_of(const char *text, const char *ending)
{
    const char *row = strstr(text, ending);
    if (!row)
        fail_msg("\"%s\" is not in: %s", ending, text);
    while (row > text && row[-1] != '\n')
        row--;
    return row;
}

static void figures_outlive_signals_at_any_moment(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        struct running running;
        START(&running, take_real_library, BARROW_COMMAND, "run", "--stats", BARROW_HOLDER,
              "churn");
        await_text(running.output, "ready\n");
        nanosleep(&(struct timespec){ .tv_nsec = rand() % 30000000 }, NULL);
        kill(running.pid, i % 2 ? SIGTERM : SIGINT);
        const char *text = await_text(running.output, "kernel");
        assert_contains(text, i % 2 ? ", when signal 15 (Terminated) ended it\n"
                                    : ", when signal 2 (Interrupt) ended it\n");
        assert_true(figure_after(text, "  allocated    ") > 1000);
        assert_true(figure_after(text, "  live         ") >= 1);
        assert_true(figure_after(text, "  committed    ") > 0);
        int status;
        assert_int_equal(waitpid(running.pid, &status, 0), running.pid);
        assert_signalled(status, i % 2 ? SIGTERM : SIGINT);
        close(running.output);
    }
}

/* What was counted until the end is what is there: of 1002 blocks and some of the C library's. */
static void counts_are_exact(void **state)
{
    (void)state;
    RUN(&outcome, take_real_library, BARROW_COMMAND, "run", "--stats", "--", "sh", "-c",
        BARROW_HOLDER " & sleep .5; kill -KILL $!; wait");
    const char *row = row_of(outcome.err, "signal or _exit\n");
    double live;
    assert_int_equal(sscanf(row, "%*d holder %lf MiB", &live), 1);
    assert_true(live >= 3.8 && live <= 4.2);
}

static void a_hundred_children_are_shown(void **state)
{
    (void)state;
    RUN(&outcome, take_real_library, "/bin/sh", "-c",
        BARROW_COMMAND
        " run --stats=json " BARROW_HOLDER
        " fork 2>&1 >/dev/null | /usr/bin/python3 -c 'import json, sys; "
        "p = json.load(sys.stdin)[\"processes\"]; print(len(p), "
        "len(set(q[\"pid\"] for q in p)), all(q[\"live_blocks\"] >= 1000 for q in p), "
        "sorted(set(q[\"end\"] for q in p)))'");
    assert_string_equal(outcome.out, "101 101 True ['exit', 'signal or _exit']\n");
}

static void refusals_are_counted(void **state)
{
    (void)state;
    RUN(&outcome, take_real_library, BARROW_COMMAND, "run", "--stats", "--limit=64M",
        "/usr/bin/python3", "-c", "try: x = bytearray(1 << 30)\nexcept MemoryError: print('none')");
    assert_string_equal(outcome.out, "none\n");
    assert_contains(outcome.err, "barrow: an allocation failed: ");
    assert_true(figure_after(outcome.err, "  refused      ") >= 1);
}

/* A program that the command did not start has nothing to do with its page. */
static void no_page_without_the_command(void **state)
{
    (void)state;
    RUN(&outcome, preload, "/bin/sh", "-c", "cat /proc/self/maps");
    assert_contains(outcome.out, BARROW_LIBRARY_NAME);
    assert_lacks(outcome.out, "barrow-stats");
    RUN(&outcome, take_real_library, BARROW_COMMAND, "run", "--stats", "cat", "/proc/self/maps");
    assert_contains(outcome.out, "barrow-stats");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_program_is_read),
        cmocka_unit_test(a_preloaded_program_is_read),
        cmocka_unit_test(another_mount_namespace_is_no_matter),
        cmocka_unit_test(the_program_is_not_stopped),
        cmocka_unit_test(json_and_openmetrics_are_what_they_should_be),
        cmocka_unit_test(a_thousand_threads_are_counted),
        cmocka_unit_test(a_busy_program_is_read_at_any_moment),
        cmocka_unit_test(refusals_are_explained),
        cmocka_unit_test_setup_teardown(another_users_process_is_refused, folder_make,
                                        folder_remove),
        cmocka_unit_test(lies_are_not_believed),
        cmocka_unit_test(figures_outlive_signals_at_any_moment),
        cmocka_unit_test(counts_are_exact),
        cmocka_unit_test(a_hundred_children_are_shown),
        cmocka_unit_test(refusals_are_counted),
        cmocka_unit_test(no_page_without_the_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
