/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DONE = 40, /* the exit status is this and the result, but 0 for 0: only in place of that does a
                  sanitizer put its own */
    RESULTS = 10,
    FAILED = DONE + RESULTS,
    PATIENCE = 300 /* seconds */
};

static bool raw;

void make_children_by_system_call(bool by_call)
{
    raw = by_call;
}

static pid_t make_child(void)
{
    return raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
}

static int (*child_body)(void *);
static void *child_argument;
static int child_result;

static void in_child(void **state)
{
    (void)state;
    child_result = child_body(child_argument);
}

/* The child is a test run of its own, of one test. */
static _Noreturn void be_child(int output)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(in_child) };
    alarm(PATIENCE);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    close(output);
    int failures = cmocka_run_group_tests_name("child", tests, NULL, NULL);
    fflush(stdout);
    fflush(stderr);
    _exit(failures != 0 ? FAILED : child_result == 0 ? 0 : DONE + child_result);
}

static void show(int input)
{
    char text[4096];
    ssize_t n;
    while ((n = read(input, text, sizeof text)) > 0)
        fwrite(text, 1, (size_t)n, stderr);
}

int run_in_child(int (*body)(void *), void *argument)
{
    char name[] = "/tmp/barrow-child-XXXXXX";
    int output = mkstemp(name), status;
    assert_true(output >= 0);
    unlink(name);
    child_body = body;
    child_argument = argument;
    fflush(stdout);
    pid_t child = make_child();
    assert_true(child >= 0);
    if (child == 0)
        be_child(output);
    assert_int_equal(waitpid(child, &status, 0), child);
    int result = WIFEXITED(status) && status != 0 ? WEXITSTATUS(status) - DONE : status;
    bool good = status == 0 || (WIFEXITED(status) && result > 0 && result < RESULTS);
    if (!good) {
        lseek(output, 0, SEEK_SET);
        show(output);
        fprintf(stderr, "the child's status is %#x\n", (unsigned)status);
    }
    close(output);
    assert_true(good);
    return result;
}
