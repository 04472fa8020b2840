/* SPDX-License-Identifier: MIT */
#include "steps.h"

#include "test.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void continue_until_stopped(pid_t child, int how, int *status)
{
    assert_return_code(ptrace(how, child, NULL, NULL), 0);
    assert_int_equal(waitpid(child, status, 0), child);
}

static void run(void (*prepare)(void *), void (*use)(void *), void *argument)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    prepare(argument);
    raise(SIGUSR1);
    use(argument);
    raise(SIGUSR1);
    _exit(0);
}

/* From the first signal to the second. */
size_t count_steps(void (*prepare)(void *), void (*use)(void *), void *argument)
{
    size_t steps = 0;
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_return_code(child, 0);
    if (child == 0)
        run(prepare, use, argument);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        fail_msg("the child could not prepare: %d", WEXITSTATUS(status));
    assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGUSR1);
    for (;; steps++) {
        continue_until_stopped(child, PTRACE_SINGLESTEP, &status);
        if (!WIFSTOPPED(status))
            fail_msg("the child ended: %x", (unsigned)status);
        if (WSTOPSIG(status) == SIGUSR1)
            break;
        assert_int_equal(WSTOPSIG(status), SIGTRAP);
    }
    continue_until_stopped(child, PTRACE_CONT, &status);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return steps;
}
