/* SPDX-License-Identifier: MIT */
/* linux_faults.c: faults that several threads have at once, and threads that are interrupted,
 * cancelled or forked while they are inside a call. */
#include "linux_test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

/* ---- the program's own handler ----------------------------------------------------------------*/

static _Atomic int guards, violations;
static void *opened_by_handler;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if ((DWORD)info->si_errno == STATUS_GUARD_PAGE_VIOLATION) {
        guards++;
        return;
    }
    if (++violations > 10 || opened_by_handler == NULL)
        _exit(199);
    mprotect(opened_by_handler, PAGE, PROT_READ | PROT_WRITE);
}

static void count_faults(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = on_fault;
    sigaction(SIGSEGV, &action, NULL);
    guards = violations = 0;
    release(alloc_pages(1, MEM_COMMIT, RW | PAGE_GUARD)); /* the library comes before us again */
}

/* ---- two threads ------------------------------------------------------------------------------*/

enum { ROUNDS = 5000 };

static pthread_barrier_t barrier;
static volatile char *touched;
static SIZE_T stride;

static void *touch_all(void *unused)
{
    (void)unused;
    for (SIZE_T i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        (void)touched[i * stride];
    }
    return NULL;
}

static void touch_by_two(void)
{
    pthread_t other;
    pthread_barrier_init(&barrier, NULL, 2);
    child_check(pthread_create(&other, NULL, touch_all, NULL) == 0);
    touch_all(NULL);
    pthread_join(other, NULL);
}

static void two_threads_touch_what_another_process_has_committed(void **state)
{
    (void)state;
    HANDLE h =
        CreateFileMappingA(MEMORY, NULL, RW | SEC_RESERVE, 0, (DWORD)(2 * ROUNDS * PAGE), NULL);
    touched = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
    stride = 2 * PAGE;
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        alarm(60);
        child_check(read(gate[0], &byte, 1) == 1);
        touch_by_two();
        _exit(0);
    }
    for (SIZE_T i = 0; i < ROUNDS; i++)
        assert_non_null(VirtualAlloc((void *)(touched + i * stride), PAGE, MEM_COMMIT, RW));
    assert_int_equal(write(gate[1], "x", 1), 1);
    assert_int_equal(wait_for(child), 0);
    UnmapViewOfFile((void *)touched);
    CloseHandle(h);
}

static void guard_pages_by_two(void)
{
    stride = PAGE;
    touched = alloc_pages(ROUNDS, MEM_COMMIT, RW | PAGE_GUARD);
    count_faults();
    touch_by_two();
    child_check(guards == ROUNDS && violations == 0);
}

static void one_of_two_threads_gets_the_guard_exception(void **state)
{
    (void)state;
    in_child(guard_pages_by_two, 0);
}

static void protect_behind_the_librarys_back(void)
{
    char *p = alloc_pages(2, MEM_COMMIT, RW);
    count_faults();
    opened_by_handler = p;
    for (int i = 1; i <= 3; i++) {
        mprotect(p, PAGE, PROT_NONE);
        *(volatile char *)p = 1;
        child_check(violations == i);
    }
}

static void what_the_program_protects_itself_comes_to_its_handler(void **state)
{
    (void)state;
    in_child(protect_behind_the_librarys_back, 0);
}

/* ---- signals ----------------------------------------------------------------------------------*/

enum { TICKS = 300 };

static volatile sig_atomic_t ticks;

static void on_tick(int number)
{
    (void)number;
    if (ticks < TICKS)
        touched[ticks++ * PAGE] = 1;
}

static void call_while_ticks_come(void)
{
    struct itimerval every = { { 0, 500 }, { 0, 500 } };
    touched = alloc_pages(TICKS, MEM_COMMIT, RW | PAGE_GUARD);
    count_faults();
    signal(SIGALRM, on_tick);
    setitimer(ITIMER_REAL, &every, NULL);
    while (ticks < TICKS) {
        HANDLE h = CreateFileMappingA(MEMORY, NULL, RW, 0, (DWORD)PAGE, NULL);
        HGLOBAL g = GlobalAlloc(GMEM_MOVEABLE, 10);
        char *p = VirtualAlloc(NULL, 100 * PAGE, MEM_RESERVE, RW);
        for (SIZE_T i = 0; i < 100; i += 2)
            child_check(VirtualAlloc(p + i * PAGE, PAGE, MEM_COMMIT, RW) != NULL);
        child_check(VirtualFree(p, 0, MEM_RELEASE));
        child_check(CloseHandle(h) && GlobalFree(g) == NULL);
    }
    signal(SIGALRM, SIG_IGN);
    child_check(guards == TICKS && violations == 0);
}

static void signal_handlers_may_touch_guard_pages_at_any_time(void **state)
{
    (void)state;
    in_child(call_while_ticks_come, 0);
}

static void signals_are_let_in_again(void **state)
{
    sigset_t before, after;
    (void)state;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    release(alloc_pages(1, MEM_COMMIT, RW | PAGE_GUARD));
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    for (int i = 1; i < 32; i++)
        assert_int_equal(sigismember(&before, i), sigismember(&after, i));
}

/* A thread whose faults the kernel doesn't tell anybody about. */
static volatile char *shared_page;

static void touch_with_all_signals_blocked(void)
{
    sigset_t all;
    MEMORY_BASIC_INFORMATION info;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    child_check(VirtualQuery((void *)shared_page, &info, sizeof(info)) != 0);
    child_check(info.State == MEM_COMMIT && info.RegionSize == 2 * PAGE);
    child_check(shared_page[0] == 7 && shared_page[PAGE] == 0);
}

static void what_a_query_calls_committed_needs_no_signal(void **state)
{
    (void)state;
    HANDLE h = CreateFileMappingA(MEMORY, NULL, RW | SEC_RESERVE, 0, (DWORD)GRANULE, NULL);
    shared_page = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        child_check(read(gate[0], &byte, 1) == 1);
        touch_with_all_signals_blocked();
        _exit(0);
    }
    assert_non_null(VirtualAlloc((void *)shared_page, 2 * PAGE, MEM_COMMIT, RW));
    shared_page[0] = 7;
    assert_int_equal(write(gate[1], "x", 1), 1);
    assert_int_equal(wait_for(child), 0);
    UnmapViewOfFile((void *)shared_page);
    CloseHandle(h);
}

/* ---- cancellation -----------------------------------------------------------------------------*/

static const char *cancelled_in;

static void call_each(const char *path)
{
    MEMORY_BASIC_INFORMATION info;
    PROCESS_MEMORY_COUNTERS counters;
    MEMORYSTATUSEX status = { .dwLength = sizeof(status) };
    char byte = 'x';
    DWORD n;
    DWORD old;
#define CALL(call) (cancelled_in = #call, (void)(call))
    char *p = VirtualAlloc(NULL, 4 * PAGE, MEM_COMMIT, RW);
    CALL(VirtualQuery(&byte, &info, sizeof(info)));
    CALL(VirtualProtect(p, PAGE, PAGE_READONLY, &old));
    CALL(VirtualLock(p, PAGE));
    CALL(VirtualUnlock(p, PAGE));
    CALL(VirtualAlloc(p, PAGE, MEM_RESET, RW));
    CALL(GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof(counters)));
    CALL(GlobalMemoryStatusEx(&status));
    CALL(GetLargePageMinimum());
    CALL(SetProcessWorkingSetSize(GetCurrentProcess(), (SIZE_T)-1, (SIZE_T)-1));
    CALL(Sleep(1));
    HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    CALL(WriteFile(file, &byte, 1, &n, NULL));
    CALL(SetFilePointer(file, 0, NULL, FILE_BEGIN));
    CALL(ReadFile(file, &byte, 1, &n, NULL));
    CALL(FlushFileBuffers(file));
    HANDLE m = CreateFileMappingA(file, NULL, RW, 0, (DWORD)PAGE, NULL);
    char *v = MapViewOfFile(m, FILE_MAP_COPY, 0, 0, 0);
    CALL(VirtualQuery(v, &info, sizeof(info)));
    CALL(FlushViewOfFile(v, 0));
    CALL(UnmapViewOfFile(v));
    CALL(CloseHandle(m));
    CALL(CloseHandle(file));
    CALL(DeleteFileA(path));
    m = CreateFileMappingA(MEMORY, NULL, RW, 0, (DWORD)PAGE, object_name("cancelled"));
    CALL(CloseHandle(OpenFileMappingA(FILE_MAP_READ, FALSE, object_name("cancelled"))));
    CALL(CloseHandle(m));
    CALL(VirtualFree(p, 0, MEM_RELEASE));
    cancelled_in = NULL;
}

static void *call_while_cancelled(void *path)
{
    pthread_cancel(pthread_self());
    call_each(path);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    return NULL;
}

static void no_call_is_a_point_of_cancellation(void **state)
{
    (void)state;
    pthread_t thread;
    void *result;
    cancelled_in = "the first";
    char path[4096];
    strcpy(path, scratch_name("cancelled"));
    assert_int_equal(pthread_create(&thread, NULL, call_while_cancelled, path), 0);
    pthread_join(thread, &result);
    if (result == PTHREAD_CANCELED)
        fail_msg("cancelled in or after %s", cancelled_in);
    assert_null(result);
}

/* ---- fork -------------------------------------------------------------------------------------*/

static int handlers_run;

static void use_the_face(void)
{
    MEMORY_BASIC_INFORMATION info;
    char *p = VirtualAlloc(NULL, PAGE, MEM_RESERVE | MEM_COMMIT, RW);
    HANDLE h = CreateFileMappingA(MEMORY, NULL, RW | SEC_RESERVE, 0, (DWORD)GRANULE, NULL);
    char *v = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
    HGLOBAL g = GlobalAlloc(GMEM_MOVEABLE, 10);
    if (p == NULL || v == NULL || g == NULL || VirtualQuery(&info, &info, sizeof(info)) == 0)
        abort();
    if (VirtualAlloc(v, PAGE, MEM_COMMIT, RW) != v)
        abort();
    p[0] = v[0] = 1;
    if (!VirtualFree(p, 0, MEM_RELEASE) || !UnmapViewOfFile(v) || !CloseHandle(h) || GlobalFree(g))
        abort();
    handlers_run++;
}

/* Before any library is initialised: no handler can be registered earlier. */
static int registered;

static void register_handlers(void)
{
    registered = pthread_atfork(use_the_face, use_the_face, use_the_face) == 0;
}

#if defined(__GLIBC__)
__attribute__((section(".preinit_array"), used)) static void (*at_start)(void) = register_handlers;
#endif

static void handlers_of_fork_may_call_whenever_they_were_registered(void **state)
{
    (void)state;
    if (!registered) /* other C libraries run no such function in a program with shared libraries */
        register_handlers();
    handlers_run = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        child_check(handlers_run == 2);
        use_the_face();
        _exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    assert_int_equal(handlers_run, 2);
    use_the_face();
}

static pthread_mutex_t programs_own = PTHREAD_MUTEX_INITIALIZER;
static volatile int stop;

static void lock_own(void)
{
    pthread_mutex_lock(&programs_own);
}

static void unlock_own(void)
{
    pthread_mutex_unlock(&programs_own);
}

static void *call_with_own_lock(void *unused)
{
    (void)unused;
    while (!stop) {
        lock_own();
        release(alloc_pages(1, MEM_RESERVE, RW));
        unlock_own();
    }
    return NULL;
}

/* A library that takes a lock of its own for the fork, and calls with that lock. */
static void fork_amid_locks(void)
{
    pthread_t thread;
    child_check(pthread_atfork(lock_own, unlock_own, unlock_own) == 0);
    child_check(pthread_create(&thread, NULL, call_with_own_lock, NULL) == 0);
    for (int i = 0; i < 200; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        child_check(wait_for(child) == 0);
    }
    stop = 1;
    pthread_join(thread, NULL);
}

static void handlers_of_fork_may_wait_for_threads_that_call(void **state)
{
    (void)state;
    in_child(fork_amid_locks, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_threads_touch_what_another_process_has_committed),
        cmocka_unit_test(one_of_two_threads_gets_the_guard_exception),
        cmocka_unit_test(what_the_program_protects_itself_comes_to_its_handler),
        cmocka_unit_test(signal_handlers_may_touch_guard_pages_at_any_time),
        cmocka_unit_test(signals_are_let_in_again),
        cmocka_unit_test(what_a_query_calls_committed_needs_no_signal),
        cmocka_unit_test(no_call_is_a_point_of_cancellation),
        cmocka_unit_test(handlers_of_fork_may_call_whenever_they_were_registered),
        cmocka_unit_test(handlers_of_fork_may_wait_for_threads_that_call),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
