/* SPDX-License-Identifier: MIT */
/* Copies of the process that the C library does not know of, made while another thread holds a lock of
 * the Win32 face: the copy does not have that thread, and must not wait for it. */
#include "win32/handle/object.h"
#include "win32/host/internal.h"
#include "win32/host/meta.h"
#include "win32/section/section.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <windows.h>

#undef fail
#include "child.h"

static const struct holder {
    void (*take)(void), (*give)(void);
} holders[] = {
    { win32_lock, win32_unlock },
    { handle_fork_prepare, handle_fork_release },
    { pool_fork_prepare, pool_fork_release },
    { global_fork_prepare, global_fork_release },
    { meta_fork_prepare, meta_fork_release },
};

static pthread_barrier_t taken, done;

static void *hold(void *argument)
{
    const struct holder *holder = argument;
    holder->take();
    pthread_barrier_wait(&taken);
    pthread_barrier_wait(&done);
    holder->give();
    return NULL;
}

static LONG WINAPI look_on(EXCEPTION_POINTERS *exception)
{
    (void)exception;
    return EXCEPTION_CONTINUE_SEARCH;
}

/* By a signal that the face lets in where it waits for a lock. */
static void end_if_it_hangs(void)
{
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGSYS };
    const struct itimerspec patience = { .it_value.tv_sec = 20 };
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    assert_int_equal(timer_settime(timer, 0, &patience, NULL), 0);
}

static int use_the_face(void *unused)
{
    (void)unused;
    end_if_it_hangs();
    void *pages = VirtualAlloc(NULL, 1 << 20, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    HANDLE section =
        CreateFileMapping(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 1 << 16, NULL);
    assert_true(pages != NULL && section != NULL);
    void *view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    assert_non_null(view);
    memset(view, 1, 1 << 16);
    HGLOBAL block = GlobalAlloc(GMEM_MOVEABLE, 100);
    assert_true(block != NULL && GlobalFree(block) == NULL);
    void *handler = AddVectoredExceptionHandler(1, look_on);
    assert_true(handler != NULL && RemoveVectoredExceptionHandler(handler) != 0);
    assert_true(UnmapViewOfFile(view) && CloseHandle(section));
    assert_true(VirtualFree(pages, 0, MEM_RELEASE));
    return 0;
}

static void a_copy_does_not_wait_for_threads_it_does_not_have(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(use_the_face, NULL), 0);
    for (size_t i = 0; i < COUNT(holders); i++) {
        pthread_t thread;
        make_children_by_system_call(true);
        assert_int_equal(pthread_create(&thread, NULL, hold, (void *)&holders[i]), 0);
        pthread_barrier_wait(&taken);
        assert_int_equal(run_in_child(use_the_face, NULL), 0);
        pthread_barrier_wait(&done);
        pthread_join(thread, NULL);
        make_children_by_system_call(false);
        assert_int_equal(run_in_child(use_the_face, NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_does_not_wait_for_threads_it_does_not_have),
    };
    pthread_barrier_init(&taken, NULL, 2);
    pthread_barrier_init(&done, NULL, 2);
    return cmocka_run_group_tests_name("win32_copies", tests, NULL, NULL);
}
