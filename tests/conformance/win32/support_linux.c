/* SPDX-License-Identifier: MIT */
/* support_linux.c: faults and child processes on Linux. */
#include "win32_test.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    pid_t process;
};

static sigjmp_buf fault_resume;
static volatile sig_atomic_t fault_expected;
static volatile DWORD fault_code;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (!fault_expected) {
        signal(number, SIG_DFL);
        return;
    }
    fault_code = info->si_errno != 0 ? (DWORD)info->si_errno : STATUS_ACCESS_VIOLATION;
    siglongjmp(fault_resume, 1);
}

void faults_set_up(void) {}

/* cmocka has a handler of its own around each test. Ours comes before it, and the library's before
 * ours: the library sees to that whenever a guard page is made. */
static void arm(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = on_fault;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    release(alloc_pages(1, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD));
    fault_code = 0;
}

DWORD fault_of_read(const volatile void *address)
{
    arm();
    if (sigsetjmp(fault_resume, 1) == 0) {
        fault_expected = 1;
        (void)*(const volatile char *)address;
    }
    fault_expected = 0;
    return fault_code;
}

DWORD fault_of_write(volatile void *address)
{
    arm();
    if (sigsetjmp(fault_resume, 1) == 0) {
        fault_expected = 1;
        *(volatile char *)address = 1;
    }
    fault_expected = 0;
    return fault_code;
}

DWORD fault_of_call(int (*function)(void))
{
    arm();
    if (sigsetjmp(fault_resume, 1) == 0) {
        fault_expected = 1;
        function();
    }
    fault_expected = 0;
    return fault_code;
}

struct thread {
    pthread_t id;
    void (*body)(void *argument);
    void *argument;
};

static void *thread_main(void *argument)
{
    struct thread *thread = argument;
    thread->body(thread->argument);
    return NULL;
}

thread_t thread_start(void (*body)(void *argument), void *argument)
{
    thread_t thread = (thread_t)malloc(sizeof(*thread));
    thread->body = body;
    thread->argument = argument;
    assert_int_equal(pthread_create(&thread->id, NULL, thread_main, thread), 0);
    return thread;
}

void thread_join(thread_t thread)
{
    pthread_join(thread->id, NULL);
    free(thread);
}

extern char **environ;

/* A program for another processor is no program to the kernel: BARROW_TEST_EMULATOR runs it. */
child_t child_start(const char *role)
{
    char program[4096], shell[] = "/bin/sh", option[] = "-c", command[256], argument[64];
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    assert_true(n > 0);
    program[n] = '\0';
    const char *emulator = getenv("BARROW_TEST_EMULATOR");
    snprintf(command, sizeof(command), "exec %s -p %lu \"$0\" \"$1\"", emulator,
             (unsigned long)PAGE);
    snprintf(argument, sizeof(argument), "%s", role);
    char *plain[] = { program, argument, NULL };
    char *emulated[] = { shell, option, command, program, argument, NULL };
    char **arguments = emulator != NULL ? emulated : plain;
    child_t child = (child_t)malloc(sizeof(*child));
    assert_int_equal(posix_spawn(&child->process, arguments[0], NULL, NULL, arguments, environ), 0);
    return child;
}

int child_wait(child_t child)
{
    int status = -1;
    waitpid(child->process, &status, 0);
    free(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void child_kill(child_t child)
{
    kill(child->process, SIGKILL);
    child_wait(child);
}

const char *scratch_name(const char *name)
{
    static char path[4096];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof(path), "%s/barrow-%s-%s", folder != NULL ? folder : "/tmp",
             getenv("BARROW_TEST_RUN"), name);
    return path;
}

void set_run(const char *value);
void set_run(const char *value)
{
    setenv("BARROW_TEST_RUN", value, 1);
}
