/* SPDX-License-Identifier: MIT */
/* status.c: exit statuses, signals and job control pass through the command. */
#include "run.h"

#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct outcome outcome;

/* Both ways of running a program: in place, and as a child. */
static const char *const ways[] = { "--purge-delay=500", "--stats" };

enum { WAYS = sizeof ways / sizeof ways[0] };

/* ---- the end ---- */

static void exit_statuses(void **state)
{
    (void)state;
    for (int way = 0; way < WAYS; way++) {
        for (int status = 0; status <= 255; status += 51) {
            char script[32];
            snprintf(script, sizeof script, "exit %d", status);
            RUN(&outcome, NULL, BARROW_COMMAND, "run", ways[way], "sh", "-c", script);
            assert_exit(outcome.status, status);
        }
        RUN(&outcome, NULL, BARROW_COMMAND, "run", ways[way], "sh", "-c", "exit 3");
        assert_exit(outcome.status, 3);
    }
}

static void no_core(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
}

static void deaths_by_signal(void **state)
{
    (void)state;
    static const int signals[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGABRT, SIGBUS,
                                   SIGFPE,  SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE,
                                   SIGALRM, SIGTERM, SIGXCPU, SIGSYS,  40 };
    for (int way = 0; way < WAYS; way++) {
        for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
            char script[32];
            snprintf(script, sizeof script, "kill -%d $$", signals[i]);
            RUN(&outcome, no_core, BARROW_COMMAND, "run", ways[way], "sh", "-c", script);
            assert_signalled(outcome.status, signals[i]);
        }
    }
}

/* ---- what the program inherits ---- */

static void ignore_children(void)
{
    signal(SIGCHLD, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

static void signal_state_is_inherited(void **state)
{
    (void)state;
    char plain[sizeof outcome.out];
    static const char *const pattern = "^Sig[BIC]";
    static const char file[] = "/proc/self/status";
    RUN(&outcome, ignore_children, "/bin/grep", pattern, file);
    assert_exit(outcome.status, 0);
    strcpy(plain, outcome.out);
    for (int way = 0; way < WAYS; way++) {
        RUN(&outcome, ignore_children, BARROW_COMMAND, "run", ways[way], "grep", pattern, file);
        assert_exit(outcome.status, 0);
        assert_string_equal(outcome.out, plain);
    }
}

/* ---- signals to the command ---- */

/* A program that answers the signal with exit status 42, and otherwise ends after 100 s. */
#define TRAP                                                                                       \
    "trap 'exit 42' $0; echo ready; i=0; while [ $i -lt 5000 ]; do sleep .02; "                    \
    "i=$((i + 1)); done"

static void signals_are_forwarded(void **state)
{
    (void)state;
    static const int signals[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1,  SIGUSR2,
                                   SIGALRM, SIGTERM, SIGCONT, SIGWINCH, 40 };
    for (int way = 0; way < WAYS; way++) {
        for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
            struct running running;
            char number[8];
            int status;
            snprintf(number, sizeof number, "%d", signals[i]);
            START(&running, NULL, BARROW_COMMAND, "run", ways[way], "sh", "-c", TRAP, number);
            await_text(running.output, "ready\n");
            assert_int_equal(kill(running.pid, signals[i]), 0);
            await_end(running.output);
            assert_int_equal(waitpid(running.pid, &status, 0), running.pid);
            assert_exit(status, 42);
        }
    }
}

static void queued_values_are_forwarded(void **state)
{
    (void)state;
    struct running running;
    int status;
    START(&running, NULL, BARROW_COMMAND, "run", "--stats", "/usr/bin/python3", "-c",
          "import signal\n"
          "signal.pthread_sigmask(signal.SIG_BLOCK, [40])\n"
          "print('ready', flush=True)\n"
          "print('code', signal.sigtimedwait([40], 100).si_code)\n");
    await_text(running.output, "ready\n");
    assert_int_equal(sigqueue(running.pid, 40, (union sigval){ .sival_int = 7 }), 0);
    await_text(running.output, "code -1\n"); /* SI_QUEUE */
    await_end(running.output);
    assert_int_equal(waitpid(running.pid, &status, 0), running.pid);
    assert_exit(status, 0);
}

static void alarm_before_exec(void)
{
    alarm(1);
}

/* A timer outlives exec but not fork: as timeout by "alarm 1; exec" has it. */
static void inherited_alarm_is_forwarded(void **state)
{
    (void)state;
    for (int way = 0; way < WAYS; way++) {
        RUN(&outcome, alarm_before_exec, BARROW_COMMAND, "run", ways[way], "sleep", "100");
        assert_signalled(outcome.status, SIGALRM);
    }
}

static void ignored_signals_stay_ignored(void **state)
{
    (void)state;
    struct running running;
    int status;
    START(&running, NULL, BARROW_COMMAND, "run", "--stats", "sh", "-c",
          "trap '' TERM; echo ready; sleep .3; exit 5");
    await_text(running.output, "ready\n");
    assert_int_equal(kill(running.pid, SIGTERM), 0);
    await_end(running.output);
    assert_int_equal(waitpid(running.pid, &status, 0), running.pid);
    assert_exit(status, 5);
}

static void killed_command_kills_the_program(void **state)
{
    (void)state;
    struct running running;
    int status;
    START(&running, NULL, BARROW_COMMAND, "run", "--stats", "sh", "-c",
          "echo ready; exec sleep 100");
    await_text(running.output, "ready\n");
    assert_int_equal(kill(running.pid, SIGKILL), 0);
    assert_int_equal(waitpid(running.pid, &status, 0), running.pid);
    assert_signalled(status, SIGKILL);
    alarm(50); /* the program alone would hold the output open for 100 s */
    await_end(running.output);
    alarm(0);
}

/* ---- stopping ---- */

/* The signals of a terminal do not stop an orphaned process group, as the tests' own may be. */
static void in_own_group(void)
{
    setpgid(0, 0);
}

static void stops_and_goes_on_with_the_program(void **state)
{
    (void)state;
    static const int signals[] = { SIGTSTP, SIGTTIN, SIGTTOU };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct running running;
        int status;
        START(&running, in_own_group, BARROW_COMMAND, "run", "--stats", "sh", "-c", TRAP, "CONT");
        await_text(running.output, "ready\n");
        assert_int_equal(kill(running.pid, signals[i]), 0);
        assert_int_equal(waitpid(running.pid, &status, WUNTRACED), running.pid);
        assert_true(WIFSTOPPED(status));
        assert_int_equal(WSTOPSIG(status), signals[i]);
        assert_int_equal(kill(running.pid, SIGCONT), 0);
        await_end(running.output);
        assert_int_equal(waitpid(running.pid, &status, 0), running.pid);
        assert_exit(status, 42);
    }
}

static void stops_when_the_program_stops_itself(void **state)
{
    (void)state;
    struct running running;
    int status;
    START(&running, NULL, BARROW_COMMAND, "run", "--stats", "sh", "-c", "kill -STOP $$; exit 7");
    assert_int_equal(waitpid(running.pid, &status, WUNTRACED), running.pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(WSTOPSIG(status), SIGSTOP);
    assert_int_equal(kill(running.pid, SIGCONT), 0);
    await_end(running.output);
    assert_int_equal(waitpid(running.pid, &status, 0), running.pid);
    assert_exit(status, 7);
}

/* ---- a terminal ---- */

static int start_on_terminal(pid_t *pid, const char *const argv[])
{
    int terminal;
    *pid = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(*pid >= 0);
    if (*pid == 0) {
        setenv("BARROW_LIBRARY", BARROW_FIGURES, 1);
        execv(argv[0], (char *const *)argv);
        _exit(99);
    }
    return terminal;
}

/* The terminal signals the whole group: forwarded besides, the program would get it twice. Twice at
 * once is seen as once, so more than one try is made. */
static void interrupt_arrives_once(void **state)
{
    (void)state;
    static const char script[] = "import signal as s\n"
                                 "s.pthread_sigmask(s.SIG_BLOCK, [s.SIGINT])\n"
                                 "print('ready', flush=True)\n"
                                 "more = 0\n"
                                 "for i in range(20):\n"
                                 "    s.sigtimedwait([s.SIGINT], 100)\n"
                                 "    more += s.sigtimedwait([s.SIGINT], .03) is not None\n"
                                 "    print('caught', flush=True)\n"
                                 "exit(more)\n";
    pid_t pid;
    int status;
    int terminal =
        start_on_terminal(&pid, (const char *const[]){ BARROW_COMMAND, "run", "--stats",
                                                       "/usr/bin/python3", "-c", script, NULL });
    await_text(terminal, "ready");
    for (int i = 0; i < 20; i++) {
        assert_int_equal(write(terminal, "\3", 1), 1);
        await_text(terminal, "caught");
    }
    await_end(terminal);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_exit(status, 0);
}

/* A shell sees the job stopped by Ctrl-Z, as it would see the program itself, and resumes it. */
static void shell_controls_the_job(void **state)
{
    (void)state;
    static const char script[] =
        "set -m; \"$0\" run --stats sh -c 'echo ready; read line; echo got $line; exit 9'; "
        "echo stopped $?; fg; echo ended $?";
    pid_t pid;
    int status;
    int terminal = start_on_terminal(
        &pid, (const char *const[]){ "/bin/bash", "-c", script, BARROW_COMMAND, NULL });
    await_text(terminal, "ready");
    assert_int_equal(write(terminal, "\x1a", 1), 1);
    await_text(terminal, "stopped 148");
    assert_int_equal(write(terminal, "input\n", 6), 6);
    await_text(terminal, "ended 9");
    await_end(terminal);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_exit(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_statuses),
        cmocka_unit_test(deaths_by_signal),
        cmocka_unit_test(signal_state_is_inherited),
        cmocka_unit_test(signals_are_forwarded),
        cmocka_unit_test(queued_values_are_forwarded),
        cmocka_unit_test(inherited_alarm_is_forwarded),
        cmocka_unit_test(ignored_signals_stay_ignored),
        cmocka_unit_test(killed_command_kills_the_program),
        cmocka_unit_test(stops_and_goes_on_with_the_program),
        cmocka_unit_test(stops_when_the_program_stops_itself),
        cmocka_unit_test(interrupt_arrives_once),
        cmocka_unit_test(shell_controls_the_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
