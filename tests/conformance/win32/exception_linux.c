/* SPDX-License-Identifier: MIT */
/* exception_linux.c: exceptions and the rest of a Linux program: how it dies of them, its own
 * signal handlers, alternate stacks, forks, and mistakes. */
#include "win32_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define OURS 0xE0BA0001u

static __attribute__((noinline)) void store(char *to, char value)
{
    *(volatile char *)to = value;
}

/* Memory without access that the Virtual functions know nothing of. */
static char *forbidden(void)
{
    static char *page;
    if (page == NULL)
        page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page;
}

/* A child that does what it is told: its exit code, or 128 and the signal; and what it says on
 * standard error. It begins with no handlers, neither cmocka's nor a sanitizer's. */
static char said[4096];

static int run(void (*act)(void))
{
    int ends[2], status;
    size_t length = 0;
    ssize_t n;
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
        const struct rlimit none = { 0, 0 };
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
            signal(numbers[i], SIG_DFL);
        setrlimit(RLIMIT_CORE, &none);
        dup2(ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    close(ends[1]);
    while ((n = read(ends[0], said + length, sizeof(said) - 1 - length)) > 0)
        length += (size_t)n;
    said[length] = '\0';
    close(ends[0]);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int lines_said(void)
{
    int lines = 0;
    for (const char *at = said; *at != '\0'; at++)
        lines += *at == '\n';
    return lines;
}

/* ---- nobody's exceptions ----------------------------------------------------------------------*/

static void raise_unhandled(void)
{
    const ULONG_PTR parameters[] = { 0x12, 0x34 };
    __try {
        RaiseException(OURS, 0, 2, parameters);
    } __except (EXCEPTION_CONTINUE_SEARCH) {
        _exit(1);
    }
}

static void l_an_unhandled_exception_aborts(void **state)
{
    (void)state;
    assert_int_equal(run(raise_unhandled), 128 + SIGABRT);
    assert_non_null(strstr(said, "barrow: unhandled exception 0xE0BA0001, at 0x"));
    assert_non_null(strstr(said, "parameters 0x12 0x34\n"));
    assert_int_equal(lines_said(), 1);
}

static void raise_without_any_block(void)
{
    RaiseException(STATUS_NO_MEMORY, EXCEPTION_NONCONTINUABLE, 0, NULL);
}

static void l_without_any_block_too(void **state)
{
    (void)state;
    assert_int_equal(run(raise_without_any_block), 128 + SIGABRT);
    assert_non_null(strstr(said, "unhandled exception 0xC0000017, no memory, at 0x"));
}

static void fault_unhandled(void)
{
    __try {
        store(forbidden(), 1);
    } __except (EXCEPTION_CONTINUE_SEARCH) {
        _exit(1);
    }
}

static void l_an_unhandled_fault_dies_of_its_signal(void **state)
{
    (void)state;
    assert_int_equal(run(fault_unhandled), 128 + SIGSEGV);
    assert_non_null(
        strstr(said, "barrow: unhandled exception 0xC0000005, access violation, at 0x"));
    assert_non_null(strstr(said, "parameters 0x1 0x"));
    assert_int_equal(lines_said(), 1);
}

static LONG WINAPI quietly(EXCEPTION_POINTERS *pointers)
{
    (void)pointers;
    return EXCEPTION_EXECUTE_HANDLER;
}

static void fault_with_quiet_filter(void)
{
    SetUnhandledExceptionFilter(quietly);
    store(forbidden(), 1);
}

static void raise_with_quiet_filter(void)
{
    SetUnhandledExceptionFilter(quietly);
    RaiseException(OURS, 0, 0, NULL);
}

static void l_the_last_filter_may_end_it_quietly(void **state)
{
    (void)state;
    assert_int_equal(run(fault_with_quiet_filter), 128 + SIGSEGV);
    assert_string_equal(said, "");
    assert_int_equal(run(raise_with_quiet_filter), 128 + SIGABRT);
    assert_string_equal(said, "");
}

static void filter_by_unhandled(void)
{
    __try {
        RaiseException(OURS, 0, 0, NULL);
    } __except (UnhandledExceptionFilter(GetExceptionInformation())) {
        _exit(5);
    }
}

static void l_unhandled_exception_filter_says_the_line(void **state)
{
    (void)state;
    assert_int_equal(run(filter_by_unhandled), 5);
    assert_non_null(strstr(said, "unhandled exception 0xE0BA0001"));
}

/* ---- mistakes ---------------------------------------------------------------------------------*/

static LONG CALLBACK always_goes_on(EXCEPTION_POINTERS *pointers)
{
    (void)pointers;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void go_on_for_ever(void)
{
    AddVectoredExceptionHandler(1, always_goes_on);
    RaiseException(OURS, EXCEPTION_NONCONTINUABLE, 0, NULL);
}

static void l_going_on_twice_after_a_noncontinuable_aborts(void **state)
{
    (void)state;
    assert_int_equal(run(go_on_for_ever), 128 + SIGABRT);
    assert_non_null(strstr(said, "continued twice"));
}

static LONG CALLBACK faults_itself(EXCEPTION_POINTERS *pointers)
{
    (void)pointers;
    store(forbidden(), 1);
    return EXCEPTION_CONTINUE_SEARCH;
}

static void fault_in_handler(void)
{
    AddVectoredExceptionHandler(1, faults_itself);
    RaiseException(OURS, 0, 0, NULL);
}

static void l_a_handler_that_faults_for_ever_aborts(void **state)
{
    (void)state;
    assert_int_equal(run(fault_in_handler), 128 + SIGABRT);
    assert_non_null(strstr(said, "exceptions within the handling of exceptions"));
}

static jmp_buf outside;

static __attribute__((noinline)) void leave_by_longjmp(void)
{
    __try {
        longjmp(outside, 1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        _exit(1);
    }
}

static __attribute__((noinline)) void use_the_stack(void)
{
    volatile char room[4000];
    for (size_t i = 0; i < sizeof(room); i++)
        room[i] = 1;
}

static void raise_after_longjmp(void)
{
    if (setjmp(outside) == 0)
        leave_by_longjmp();
    use_the_stack();
    RaiseException(OURS, 0, 0, NULL);
}

static void l_a_block_left_by_longjmp_is_found(void **state)
{
    (void)state;
    int status = run(raise_after_longjmp);
    if (strstr(said, "AddressSanitizer: stack") == NULL) { /* which may find it first */
        assert_non_null(strstr(said, "left by longjmp"));
        assert_int_equal(status, 128 + SIGABRT);
    }
}

/* ---- the program's own signal handlers --------------------------------------------------------*/

static void own_handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    _exit(info->si_addr == forbidden() && number == SIGSEGV ? 42 : 43);
}

static void install_own_handler(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = own_handler;
    sigaction(SIGSEGV, &action, NULL);
}

static LONG CALLBACK searches_on(EXCEPTION_POINTERS *pointers)
{
    (void)pointers;
    return EXCEPTION_CONTINUE_SEARCH;
}

static void own_handler_first(void)
{
    install_own_handler();
    AddVectoredExceptionHandler(1, searches_on);
    __try {
        store(forbidden(), 1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
    store(forbidden(), 2); /* nobody's */
}

static void own_handler_later(void)
{
    __try {
        install_own_handler();
        store(forbidden(), 1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
}

static void l_earlier_handlers_get_what_nobody_handles(void **state)
{
    (void)state;
    assert_int_equal(run(own_handler_first), 42);
    assert_string_equal(said, "");
}

static void l_later_handlers_come_first(void **state)
{
    (void)state;
    assert_int_equal(run(own_handler_later), 42);
}

static void sent_signal(void)
{
    AddVectoredExceptionHandler(1, always_goes_on);
    kill(getpid(), SIGSEGV);
    pause();
}

static void l_a_signal_that_was_sent_is_no_exception(void **state)
{
    (void)state;
    assert_int_equal(run(sent_signal), 128 + SIGSEGV);
}

static volatile sig_atomic_t interrupted;

static void on_user_signal(int number)
{
    (void)number;
    __try {
        RaiseException(OURS, 0, 0, NULL);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        interrupted++;
    }
}

/* Blocks in a signal handler that interrupts blocks. */
static void blocks_in_signal_handlers(void)
{
    const struct itimerval often = { { 0, 200 }, { 0, 200 } };
    volatile int caught = 0;
    signal(SIGALRM, on_user_signal);
    setitimer(ITIMER_REAL, &often, NULL);
    while (interrupted < 200) {
        __try {
            __try {
                RaiseException(OURS + 1, 0, 0, NULL);
            } __finally {
                caught++;
            }
        } __except (GetExceptionCode() == OURS + 1) {
            caught--;
        }
        if (caught != 0)
            _exit(1);
    }
    _exit(7);
}

static void l_blocks_in_signal_handlers(void **state)
{
    (void)state;
    assert_int_equal(run(blocks_in_signal_handlers), 7);
}

/* ---- stacks -----------------------------------------------------------------------------------*/

static char signal_stack[1 << 18] __attribute__((aligned(4096)));

static void use_signal_stack(void)
{
    const stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof(signal_stack) };
    if (sigaltstack(&stack, NULL) != 0)
        _exit(1);
}

static int is_on_signal_stack(const volatile void *p)
{
    return (const volatile char *)p >= signal_stack &&
           (const volatile char *)p < signal_stack + sizeof(signal_stack);
}

static LONG commit_on_own_stack(const EXCEPTION_POINTERS *pointers, volatile int *wrong)
{
    volatile char here = 0;
    *wrong += is_on_signal_stack(&here);
    *wrong += pointers->ExceptionRecord->ExceptionInformation[0] != 1;
    return VirtualAlloc((void *)pointers->ExceptionRecord->ExceptionInformation[1], 1, MEM_COMMIT,
                        PAGE_READWRITE) != NULL
               ? EXCEPTION_CONTINUE_EXECUTION
               : EXCEPTION_EXECUTE_HANDLER;
}

static void faults_with_signal_stack(void)
{
    stack_t now;
    volatile int wrong = 0, handled = 0;
    char *p = VirtualAlloc(NULL, 100 * PAGE, MEM_RESERVE, PAGE_READWRITE);
    use_signal_stack();
    __try {
        for (int i = 0; i < 100; i++)
            store(p + (SIZE_T)i * PAGE, 1);
    } __except (commit_on_own_stack(GetExceptionInformation(), &wrong)) {
        _exit(2);
    }
    for (volatile int i = 0; i < 100; i++) {
        __try {
            store(forbidden(), 1);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            handled++;
        }
    }
    if (sigaltstack(NULL, &now) != 0 || now.ss_sp != signal_stack || now.ss_flags != 0)
        _exit(3); /* it is as the program set it */
    _exit(wrong == 0 && handled == 100 ? 7 : 4);
}

static void l_filters_run_on_the_stack_in_use(void **state)
{
    (void)state;
    assert_int_equal(run(faults_with_signal_stack), 7);
}

static __attribute__((noinline)) int descend(int depth)
{
    volatile char room[1000];
    room[0] = (char)depth;
    return depth < 0 ? 0 : descend(depth + 1) + room[0];
}

static void overflow_the_stack(void)
{
    volatile int caught = 0;
    use_signal_stack();
    for (volatile int i = 0; i < 3; i++) {
        __try {
            descend(0);
        } __except (GetExceptionCode() == EXCEPTION_STACK_OVERFLOW) {
            caught++;
        }
    }
    _exit(caught == 3 ? 7 : 1);
}

static void l_a_stack_overflow_with_a_signal_stack(void **state)
{
    (void)state;
    assert_int_equal(run(overflow_the_stack), 7);
}

/* ---- files, processes, threads ----------------------------------------------------------------*/

static void read_behind_a_file(void)
{
    char name[] = "/tmp/barrow-exception-XXXXXX";
    volatile DWORD code = 0;
    int file = mkstemp(name);
    unlink(name);
    if (ftruncate(file, (off_t)PAGE) != 0)
        _exit(1);
    char *view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (view == MAP_FAILED || ftruncate(file, 0) != 0)
        _exit(2);
    __try {
        store(view, 1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
    }
    _exit(code == EXCEPTION_IN_PAGE_ERROR ? 7 : 3);
}

static void l_a_page_without_file_is_an_in_page_error(void **state)
{
    (void)state;
    assert_int_equal(run(read_behind_a_file), 7);
}

static void l_blocks_go_on_in_the_child_of_fork(void **state)
{
    (void)state;
    volatile int handled = 0;
    int status = 0;
    volatile pid_t child = -1;
    __try {
        child = fork();
        RaiseException(OURS, 0, 0, NULL);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        handled = 1;
    }
    if (child == 0)
        _exit(handled ? 7 : 1);
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_int_equal(handled, 1);
}

static volatile int stop;

static void *add_and_remove(void *unused)
{
    while (!stop)
        RemoveVectoredExceptionHandler(AddVectoredExceptionHandler(0, searches_on));
    return unused;
}

static void l_forks_amid_changes_of_the_list(void **state)
{
    (void)state;
    pthread_t thread;
    stop = 0;
    assert_int_equal(pthread_create(&thread, NULL, add_and_remove, NULL), 0);
    for (int i = 0; i < 200; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            AddVectoredExceptionHandler(1, always_goes_on);
            RaiseException(OURS, 0, 0, NULL);
            _exit(7);
        }
        waitpid(child, &status, 0);
        assert_int_equal(WEXITSTATUS(status), 7);
    }
    stop = 1;
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l_an_unhandled_exception_aborts),
        cmocka_unit_test(l_without_any_block_too),
        cmocka_unit_test(l_an_unhandled_fault_dies_of_its_signal),
        cmocka_unit_test(l_the_last_filter_may_end_it_quietly),
        cmocka_unit_test(l_unhandled_exception_filter_says_the_line),
        cmocka_unit_test(l_going_on_twice_after_a_noncontinuable_aborts),
        cmocka_unit_test(l_a_handler_that_faults_for_ever_aborts),
        cmocka_unit_test(l_a_block_left_by_longjmp_is_found),
        cmocka_unit_test(l_earlier_handlers_get_what_nobody_handles),
        cmocka_unit_test(l_later_handlers_come_first),
        cmocka_unit_test(l_a_signal_that_was_sent_is_no_exception),
        cmocka_unit_test(l_blocks_in_signal_handlers),
        cmocka_unit_test(l_filters_run_on_the_stack_in_use),
        cmocka_unit_test(l_a_stack_overflow_with_a_signal_stack),
        cmocka_unit_test(l_a_page_without_file_is_an_in_page_error),
        cmocka_unit_test(l_blocks_go_on_in_the_child_of_fork),
        cmocka_unit_test(l_forks_amid_changes_of_the_list),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
