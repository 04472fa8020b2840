/* SPDX-License-Identifier: MIT */
/* The lock of mapped heaps when its owners die: who may take it, and what numbers threads and processes
 * have in it. */
#include "test.h"

#include "mapped/mapped.h"
#include "os/shared_file.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAME = 7, OTHER_NAME = 8, SHORT = 1 /* ms */, NUMBER = 0x3fffffff };

static robust_word *lock;
static char path[64];

static int set_up(void **state)
{
    (void)state;
    lock = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(path, sizeof path, "%s/barrow-mapped-lock-%d",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", getpid());
    robust_prepare();
    return lock == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return remove(path);
}

/* Runs the function in a child, and returns the status of that. */
static int in_child(void (*run)(void))
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        run();
        _exit(0);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

/* ---- threads -------------------------------------------------------------------------------- */

static void lock_and_die(void)
{
    robust_prepare();
    robust_lock(lock, OTHER_NAME, SHORT);
    kill(getpid(), SIGKILL);
}

/* The thread that forked has used the lock before; the kernel finds its child's death by its number. */
static void death_in_a_child_is_found(void **state)
{
    (void)state;
    assert_int_equal(robust_lock(lock, NAME, SHORT), 1);
    assert_int_equal(*lock & NUMBER, syscall(SYS_gettid));
    robust_unlock(lock);
    assert_true(WIFSIGNALED(in_child(lock_and_die)));
    assert_int_equal(*lock & NUMBER, 0);
    assert_true((*lock & ROBUST_DIED) != 0);
    assert_int_equal(robust_owner(*lock), OTHER_NAME);
    assert_int_equal(robust_lock(lock, NAME, SHORT), 2);
    assert_int_equal(robust_owner(*lock), NAME);
    robust_unlock(lock);
}

/* ---- who takes the lock of the dead --------------------------------------------------------- */

/* Two wait and have seen the same dead owner. Threads of two namespaces may have the same number, so the
 * lock's lower half can be the same after the first has taken it. */
static void only_one_steals(void **state)
{
    (void)state;
    uint64_t number = (uint64_t)syscall(SYS_gettid);
    atomic_store(lock, (uint64_t)NAME << 32 | ROBUST_AWAITED | number);
    uint64_t seen = *lock;
    assert_true(robust_steal(lock, seen, OTHER_NAME));
    assert_false(robust_steal(lock, seen, OTHER_NAME));
    assert_int_equal(robust_owner(*lock), OTHER_NAME);
    robust_unlock(lock);
}

/* The next owner has its name in the lock from its first instruction on: nobody takes it for the dead
 * one, however long it is stopped there. */
static void name_comes_with_the_lock(void **state)
{
    (void)state;
    atomic_store(lock, (uint64_t)NAME << 32 | ROBUST_AWAITED | ROBUST_DIED);
    uint64_t seen = *lock;
    assert_int_equal(robust_lock(lock, OTHER_NAME, SHORT), 2);
    assert_int_equal(robust_owner(*lock), OTHER_NAME);
    assert_false(robust_steal(lock, seen, OTHER_NAME + 1));
    robust_unlock(lock);
    assert_int_equal(*lock, 0);
}

/* ---- processes ------------------------------------------------------------------------------ */

static int gate[2];

static struct mapped *open_heap(void)
{
    struct private_heap *heap;
    struct mapped_wish wish = { .path = path, .maximum = 1 << 20 };
    return mapped_open(&wish, &heap) == 0 ? mapped_of(heap) : NULL;
}

static _Noreturn void hold_and_scavenge(void)
{
    char byte;
    alarm(60);
    struct mapped *mapped = read(gate[0], &byte, 1) == 1 ? open_heap() : NULL;
    if (mapped == NULL || !mapped_hold(mapped) || !mapped_scavenge(mapped))
        _exit(1);
    mapped_release(mapped);
    _exit(mapped_close(mapped_handle(mapped)) == 0 ? 0 : 2);
}

/* A process was killed at work in its cache, and another has its number in the system now. */
static void number_of_a_dead_process_is_not_used(void **state)
{
    (void)state;
    int status;
    assert_int_equal(pipe(gate), 0);
    pid_t pid = fork();
    if (pid == 0)
        hold_and_scavenge();
    struct mapped *mapped = open_heap();
    assert_non_null(mapped);
    struct mapped_cache *cache = mapped_cache_at(mapped, MAPPED_CACHE_COUNT - 1);
    mapped_cache_set_owner(cache, (uint32_t)pid % MAPPED_PROCESSES + 1);
    atomic_store(&cache->working, 1);
    assert_int_equal(write(gate[1], "", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(mapped_cache_owner(cache), 0);
    assert_int_equal(mapped_close(mapped_handle(mapped)), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(death_in_a_child_is_found),
        cmocka_unit_test(only_one_steals),
        cmocka_unit_test(name_comes_with_the_lock),
        cmocka_unit_test(number_of_a_dead_process_is_not_used),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
