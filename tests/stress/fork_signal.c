/* SPDX-License-Identifier: MIT */
/* fork from a signal handler that interrupts malloc and free. A heap that takes locks before fork
 * hangs when the interrupted call holds one. The child only _exits, as POSIX asks of it. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>

#include "crew.h"
#include "guard.h"
#include "support/block.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

static atomic_size_t forks;
static atomic_size_t failures;
static size_t forks_wanted;

static void handler_forks(int signal)
{
    int error = errno;
    pid_t pid = fork();

    (void)signal;
    if (pid == 0)
        _exit(0);
    if (pid < 0 || !guard_wait(pid))
        atomic_fetch_add(&failures, 1);
    atomic_fetch_add(&forks, 1);
    errno = error;
}

static void timer_set(long microseconds)
{
    struct itimerval timer = { { 0, microseconds }, { 0, microseconds } };

    REQUIRE(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static void handler_set(int signal, void handler(int))
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

    sigemptyset(&action.sa_mask);
    REQUIRE(sigaction(signal, &action, NULL) == 0);
}

/* Sizes of every kind, so that the signal meets each path: cache, slab, span, system call. */
static void *allocates(void *number)
{
    enum { BLOCKS = 100 };
    struct block blocks[BLOCKS] = { { NULL, 0, 0 } };
    uint64_t random = (uint64_t)number;

    while (atomic_load(&forks) < forks_wanted) {
        struct block *block = &blocks[rng_below(&random, BLOCKS)];
        block_drop(block);
        block_make(block, rng_size(&random, rng_below(&random, 50) == 0 ? 21 : 12), &random);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        block_drop(&blocks[i]);
    return NULL;
}

/* The clock cannot be the watch here, for its signal is in use: CTest's time limit is. */
static void timer_run(size_t threads)
{
    atomic_store(&forks, 0);
    atomic_store(&failures, 0);
    forks_wanted = scaled(600);
    handler_set(SIGALRM, handler_forks);
    /* first: musl's pthread_create holds what its fork waits for */
    struct crew crew = { .count = 0 };
    crew_start(&crew, threads, allocates);
    timer_set(1500);
    if (threads == 0)
        allocates(NULL);
    crew_join(&crew);
    timer_set(0);
    handler_set(SIGALRM, SIG_DFL);
    assert_int_equal(atomic_load(&failures), 0);
}

static void one_thread(void **state)
{
    (void)state;
    timer_run(0);
}

static void several_threads(void **state)
{
    (void)state;
    timer_run(4);
}

static pid_t sender_start(void)
{
    pid_t parent = getpid();
    sigset_t signals;

    /* Not before this fork is done: the C library's own fork does not bear another one inside. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    pid_t sender = fork();
    REQUIRE(sender >= 0);
    if (sender == 0) {
        while (getppid() == parent) {
            kill(parent, SIGUSR1);
            sleep_milliseconds(1);
        }
        _exit(0);
    }
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    return sender;
}

/* A child process that sends signals as fast as it can: they come at any place in malloc. */
static void signals_from_outside(void **state)
{
    (void)state;
    atomic_store(&forks, 0);
    atomic_store(&failures, 0);
    forks_wanted = scaled(600);
    handler_set(SIGUSR1, handler_forks);
    struct crew crew = { .count = 0 };
    crew_start(&crew, 2, allocates);
    pid_t sender = sender_start();
    allocates(NULL);
    crew_join(&crew);
    kill(sender, SIGKILL);
    while (waitpid(sender, NULL, 0) < 0)
        REQUIRE(errno == EINTR);
    handler_set(SIGUSR1, SIG_IGN);
    assert_int_equal(atomic_load(&failures), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread),
        cmocka_unit_test(several_threads),
        cmocka_unit_test(signals_from_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
