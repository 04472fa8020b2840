/* SPDX-License-Identifier: MIT */
/* linux_reserve.c: views of SEC_RESERVE sections in several processes: what one commits, the others can
 * access, and what nobody has committed is an access violation. Runs a second time with a kernel that
 * refuses userfaultfd. */
#include "linux_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>

enum { PAGES = 64 };

static HANDLE section;
static volatile char *view;
static int gate[2];

static void open_section_of(const char *name)
{
    section = CreateFileMappingA(MEMORY, NULL, RW | SEC_RESERVE, 0, (DWORD)(PAGES * PAGE), name);
    assert_non_null(section);
    view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    assert_non_null(view);
    assert_int_equal(pipe(gate), 0);
}

static void open_section(void)
{
    open_section_of(object_name("reserve"));
}

static void close_section(void)
{
    close(gate[0]);
    close(gate[1]);
    assert_true(UnmapViewOfFile((void *)view));
    assert_true(CloseHandle(section));
}

static void wait_at_gate(void)
{
    char byte;
    alarm(60);
    child_check(read(gate[0], &byte, 1) == 1);
}

static void open_gate(void)
{
    assert_int_equal(write(gate[1], "x", 1), 1);
}

static bool commit(SIZE_T page)
{
    return VirtualAlloc((void *)(view + page * PAGE), PAGE, MEM_COMMIT, RW) != NULL;
}

static void commit_every_other(void)
{
    for (SIZE_T i = 0; i < PAGES; i += 2) {
        assert_true(commit(i));
        view[i * PAGE] = (char)(i + 1);
    }
}

/* What the library asks the kernel for; without it a fault must be answered. */
static bool kernel_traps_holes(void)
{
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1);
    if (fd < 0)
        puts("left out: the kernel or a sandbox refuses userfaultfd");
    else
        close(fd);
    return fd >= 0;
}

/* ---- without a signal -------------------------------------------------------------------------*/

static void *check_every_other(void *unused)
{
    sigset_t all;
    (void)unused;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (SIZE_T i = 0; i < PAGES; i += 2)
        child_check(view[i * PAGE] == (char)(i + 1));
    view[0] = 'w';
    return NULL;
}

static void workers_touch(void)
{
    pthread_t worker;
    wait_at_gate();
    child_check(pthread_create(&worker, NULL, check_every_other, NULL) == 0);
    pthread_join(worker, NULL);
}

static void workers_that_block_signals(void (*prepare)(void))
{
    open_section();
    pid_t child = fork();
    if (child == 0) {
        prepare();
        workers_touch();
        _exit(0);
    }
    commit_every_other();
    open_gate();
    assert_int_equal(wait_for(child), 0);
    assert_int_equal(view[0], 'w');
    close_section();
}

static void keep_inherited(void) {}

static void open_by_name(void)
{
    UnmapViewOfFile((void *)view);
    section = OpenFileMappingA(FILE_MAP_ALL_ACCESS, FALSE, object_name("reserve"));
    view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    child_check(view != NULL);
}

static void blocked_signals_do_not_matter_in_an_inherited_view(void **state)
{
    (void)state;
    if (kernel_traps_holes())
        workers_that_block_signals(keep_inherited);
}

static void blocked_signals_do_not_matter_in_a_view_of_its_own(void **state)
{
    (void)state;
    if (kernel_traps_holes())
        workers_that_block_signals(open_by_name);
}

static void read_and_write_through_a_page_committed_elsewhere(void)
{
    int ends[2];
    wait_at_gate();
    child_check(pipe(ends) == 0);
    child_check(write(ends[1], (void *)view, 1) == 1);
    child_check(read(ends[0], (void *)(view + 2 * PAGE), 1) == 1);
    child_check(write(ends[1], (void *)(view + PAGE), 1) == -1 && errno == EFAULT);
}

static void system_calls_take_pages_that_another_process_has_committed(void **state)
{
    (void)state;
    if (!kernel_traps_holes())
        return;
    open_section();
    pid_t child = fork();
    if (child == 0) {
        read_and_write_through_a_page_committed_elsewhere();
        _exit(0);
    }
    commit_every_other();
    open_gate();
    assert_int_equal(wait_for(child), 0);
    close_section();
}

/* A commit is whole however large it is: no page of it is left without memory. */
enum { LARGE_PAGES = 75000 }; /* 293 MiB */

static void touch_far_apart(void)
{
    for (SIZE_T i = 0; i < LARGE_PAGES; i += 5000)
        view[i * PAGE] = 'l';
}

static void pages_of_a_large_commit_can_be_touched_in_every_process(void **state)
{
    (void)state;
    section = CreateFileMappingA(MEMORY, NULL, RW | SEC_RESERVE, 0, (DWORD)(LARGE_PAGES * PAGE),
                                 object_name("large"));
    view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    assert_non_null(view);
    assert_int_equal(pipe(gate), 0);
    pid_t child = fork();
    if (child == 0) {
        wait_at_gate();
        touch_far_apart();
        _exit(0);
    }
    assert_non_null(VirtualAlloc((void *)view, LARGE_PAGES * PAGE, MEM_COMMIT, RW));
    in_child(touch_far_apart, 0);
    open_gate();
    assert_int_equal(wait_for(child), 0);
    close_section();
}

/* ---- what is only reserved ----------------------------------------------------------------------*/

static void reads_a_reserved_page(void)
{
    signal(SIGSEGV, SIG_DFL);
    (void)view[PAGE];
}

static void a_reserved_page_is_an_access_violation(void **state)
{
    (void)state;
    open_section();
    commit_every_other();
    assert_int_equal(fault_of_read(view + PAGE), STATUS_ACCESS_VIOLATION);
    assert_int_equal(fault_of_write(view + 3 * PAGE), STATUS_ACCESS_VIOLATION);
    assert_int_equal(fault_of_read(view + 2 * PAGE), 0);
    close_section();
}

static void without_a_handler_it_ends_the_process_by_sigsegv(void **state)
{
    (void)state;
    open_section(); /* and the child of a fork has the view too */
    in_child(reads_a_reserved_page, 128 + SIGSEGV);
    close_section();
}

static _Atomic int faults;

static void commit_what_was_touched(int number, siginfo_t *info, void *context)
{
    (void)context;
    char *page = (char *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));
    if (number != SIGSEGV || VirtualAlloc(page, PAGE, MEM_COMMIT, RW) == NULL)
        _exit(199);
    faults++;
}

static void commit_by_handler(bool handler_first)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = commit_what_was_touched;
    if (handler_first) {
        sigaction(SIGSEGV, &action, NULL);
        release(alloc_pages(1, MEM_COMMIT, RW | PAGE_GUARD)); /* the library comes first */
    } else {
        sigaction(SIGSEGV, &action, NULL);
    }
    faults = 0;
    for (SIZE_T i = 0; i < PAGES; i++)
        view[i * PAGE] = (char)i;
    child_check(faults == PAGES / 2);
    for (SIZE_T i = 0; i < PAGES; i++)
        child_check(view[i * PAGE] == (char)i);
}

static void commit_by_earlier_handler(void)
{
    commit_by_handler(true);
}

static void commit_by_later_handler(void)
{
    commit_by_handler(false);
}

static void a_handler_of_the_programs_may_commit_it(void **state)
{
    (void)state;
    open_section();
    commit_every_other();
    in_child(commit_by_earlier_handler, 0);
    close_section();
    open_section();
    commit_every_other();
    in_child(commit_by_later_handler, 0);
    close_section();
}

static void what_was_touched_before_it_was_committed_can_be_accessed_after(void **state)
{
    (void)state;
    char byte;
    int back[2];
    assert_int_equal(pipe(back), 0);
    open_section();
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        child_check(fault_of_read(view) == STATUS_ACCESS_VIOLATION);
        child_check(write(back[1], "x", 1) == 1);
        wait_at_gate();
        child_check(view[0] == 1);
        _exit(0);
    }
    close(back[1]); /* so that the end of the child ends the wait */
    assert_int_equal(read(back[0], &byte, 1), 1);
    close(back[0]);
    commit_every_other();
    open_gate();
    assert_int_equal(wait_for(child), 0);
    close_section();
}

static void a_copy_on_write_view_has_the_committed_pages(void **state)
{
    (void)state;
    open_section();
    volatile char *copy = MapViewOfFile(section, FILE_MAP_COPY, 0, 0, 0);
    assert_non_null(copy);
    assert_int_equal(fault_of_read(copy), STATUS_ACCESS_VIOLATION);
    commit_every_other();
    assert_int_equal(copy[0], 1);
    copy[2 * PAGE] = 'c';
    assert_int_equal(view[2 * PAGE], 3);
    assert_int_equal(fault_of_write(copy + PAGE), STATUS_ACCESS_VIOLATION);
    UnmapViewOfFile((void *)copy);
    close_section();
}

/* ---- without a name: a fork shares it -------------------------------------------------------------*/

static void check_pages_of_a_fork(void)
{
    int ends[2];
    MEMORY_BASIC_INFORMATION info;
    wait_at_gate();
    child_check(pipe(ends) == 0);
    child_check(write(ends[1], (void *)view, 1) == -1 &&
                errno == EFAULT); /* no signal, no answer */
    child_check(view[0] == 1);    /* the fault is answered */
    child_check(write(ends[1], (void *)view, 1) == 1);
    child_check(VirtualQuery((void *)(view + 2 * PAGE), &info, sizeof(info)) != 0);
    child_check(info.State == MEM_COMMIT && info.RegionSize == PAGE);
    child_check(read(ends[0], (void *)(view + 2 * PAGE), 1) == 1);
    child_check(fault_of_read(view + PAGE) == STATUS_ACCESS_VIOLATION);
    child_check(VirtualQuery((void *)(view + PAGE), &info, sizeof(info)) != 0);
    child_check(info.State == MEM_RESERVE);
    child_check(commit(PAGES - 1));
    view[(PAGES - 1) * PAGE] = 'c';
}

/* The child was forked before the pages are committed, and waits at the gate until they are. */
static void commit_after_fork(void (*in_fork)(void))
{
    open_section_of(NULL);
    pid_t child = fork();
    if (child == 0) {
        in_fork();
        _exit(0);
    }
    commit_every_other();
    open_gate();
    assert_int_equal(wait_for(child), 0);
}

static void a_fork_shares_a_section_without_a_name(void **state)
{
    (void)state;
    commit_after_fork(check_pages_of_a_fork);
    assert_int_equal(view[(PAGES - 1) * PAGE], 'c');
    assert_int_equal(view[2 * PAGE], 1);
    assert_int_equal(fault_of_read(view + PAGE), STATUS_ACCESS_VIOLATION);
    close_section();
}

static void query_then_check_with_signals_blocked(void)
{
    pthread_t worker;
    MEMORY_BASIC_INFORMATION info;
    wait_at_gate();
    for (SIZE_T i = 0; i < PAGES; i++)
        child_check(VirtualQuery((void *)(view + i * PAGE), &info, sizeof(info)) != 0);
    child_check(pthread_create(&worker, NULL, check_every_other, NULL) == 0);
    pthread_join(worker, NULL);
}

static void threads_that_block_signals_ask_about_a_section_without_a_name(void **state)
{
    (void)state;
    commit_after_fork(query_then_check_with_signals_blocked);
    assert_int_equal(view[0], 'w');
    close_section();
}

static void a_reserved_page_without_a_name_ends_a_child_by_sigsegv(void **state)
{
    (void)state;
    open_section_of(NULL);
    in_child(reads_a_reserved_page, 128 + SIGSEGV);
    close_section();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocked_signals_do_not_matter_in_an_inherited_view),
        cmocka_unit_test(blocked_signals_do_not_matter_in_a_view_of_its_own),
        cmocka_unit_test(system_calls_take_pages_that_another_process_has_committed),
        cmocka_unit_test(pages_of_a_large_commit_can_be_touched_in_every_process),
        cmocka_unit_test(a_reserved_page_is_an_access_violation),
        cmocka_unit_test(without_a_handler_it_ends_the_process_by_sigsegv),
        cmocka_unit_test(a_handler_of_the_programs_may_commit_it),
        cmocka_unit_test(what_was_touched_before_it_was_committed_can_be_accessed_after),
        cmocka_unit_test(a_copy_on_write_view_has_the_committed_pages),
        cmocka_unit_test(a_fork_shares_a_section_without_a_name),
        cmocka_unit_test(threads_that_block_signals_ask_about_a_section_without_a_name),
        cmocka_unit_test(a_reserved_page_without_a_name_ends_a_child_by_sigsegv),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
