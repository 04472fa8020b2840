/* SPDX-License-Identifier: MIT */
#include "support/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"

static const char case_mark[] = "--case";

enum { ARGS_MAX = 16, DEFAULT_SECONDS = 120 };

const char *child_program(void)
{
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    REQUIRE(length > 0);
    path[length] = '\0';
    return path;
}

static void environment_change(const char *const *env)
{
    for (; env != NULL && *env != NULL; env++) {
        const char *equals = strchr(*env, '=');
        char name[128];

        if (equals == NULL) {
            unsetenv(*env);
            continue;
        }
        REQUIRE((size_t)(equals - *env) < sizeof(name));
        memcpy(name, *env, (size_t)(equals - *env));
        name[equals - *env] = '\0';
        setenv(name, equals + 1, 1);
    }
}

/* The child's side: never returns. Signals start afresh, for cmocka catches some. */
static void child_become(const struct child *child, const char *program, int out, int err)
{
    char *argv[ARGS_MAX + 2] = { (char *)program };
    sigset_t none;

    for (size_t i = 0; child->args != NULL && child->args[i] != NULL; i++) {
        REQUIRE(i < ARGS_MAX);
        argv[i + 1] = (char *)child->args[i];
    }
    REQUIRE(dup2(out, 1) == 1 && dup2(err, 2) == 2);
    close(out);
    close(err);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    environment_change(child->env);
    alarm(child->seconds != 0 ? child->seconds : DEFAULT_SECONDS);
    if (child->prepare != NULL)
        child->prepare();
    execv(program, argv);
    check_failed(__FILE__, __LINE__, "execv");
}

struct sink {
    char *text;
    size_t length;
    size_t room;
};

/* Reads what is there; false at the end of the stream. What does not fit is dropped. */
static bool sink_read(struct sink *sink, int file)
{
    char waste[512];
    bool full = sink->length == sink->room;
    ssize_t got = full ? read(file, waste, sizeof(waste))
                       : read(file, sink->text + sink->length, sink->room - sink->length);

    if (got > 0 && !full)
        sink->length += (size_t)got;
    return got > 0 || (got < 0 && errno == EINTR);
}

static void streams_collect(int out, int err, struct child_result *result)
{
    struct sink sinks[2] = { { result->out, 0, sizeof(result->out) - 1 },
                             { result->err, 0, sizeof(result->err) - 1 } };
    struct pollfd files[2] = { { out, POLLIN, 0 }, { err, POLLIN, 0 } };

    while (files[0].fd >= 0 || files[1].fd >= 0) {
        if (poll(files, 2, -1) < 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (files[i].fd >= 0 && files[i].revents != 0 && !sink_read(&sinks[i], files[i].fd))
                files[i].fd = -1;
    }
    for (int i = 0; i < 2; i++)
        sinks[i].text[sinks[i].length] = '\0';
}

void child_run(const struct child *child, struct child_result *result)
{
    const char *program = child->program != NULL ? child->program : child_program();
    int out[2];
    int err[2];

    REQUIRE(pipe(out) == 0 && pipe(err) == 0);
    fflush(NULL);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        close(out[0]);
        close(err[0]);
        child_become(child, program, out[1], err[1]);
    }
    close(out[1]);
    close(err[1]);
    streams_collect(out[0], err[0], result);
    close(out[0]);
    close(err[0]);
    while (waitpid(pid, &result->status, 0) != pid)
        REQUIRE(errno == EINTR);
}

void child_run_case(const char *name, const char *argument, struct child_result *result)
{
    const char *const args[] = { case_mark, name, argument, NULL };

    child_run(&(struct child){ .args = args }, result);
}

bool child_exited(const struct child_result *result, int code)
{
    return WIFEXITED(result->status) && WEXITSTATUS(result->status) == code;
}

bool child_killed(const struct child_result *result, int signal)
{
    return WIFSIGNALED(result->status) && WTERMSIG(result->status) == signal;
}

bool child_forks(int (*body)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(body());
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

void child_show(const char *title, const struct child_result *result)
{
    if (WIFSIGNALED(result->status))
        printf("%s: killed by signal %d\n", title, WTERMSIG(result->status));
    else
        printf("%s: exit status %d\n", title, WEXITSTATUS(result->status));
    printf("  output: %s\n  errors: %s\n", result->out, result->err);
}

void child_case(int argc, char **argv, const struct child_function *cases)
{
    if (argc < 3 || strcmp(argv[1], case_mark) != 0)
        return;
    for (; cases->name != NULL; cases++)
        if (strcmp(cases->name, argv[2]) == 0)
            exit(cases->run(argc > 3 ? argv[3] : NULL));
    check_failed(__FILE__, __LINE__, argv[2]);
}
