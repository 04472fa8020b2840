/* SPDX-License-Identifier: MIT */
/* A program locks blocks, or all its memory, and frees blocks. What it has locked and freed is unlocked,
 * since it counts against the program's limit; all free memory goes back; and the system is not asked
 * again and again for what it refuses. The library's calls of madvise come here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face.h"

enum { MIB = 1 << 20, BLOCKS = 20, BIG = 4 * MIB, SMALL = 70 * 1000 };

static size_t resident_bytes(void)
{
    size_t size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &size, &resident), 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Under a sanitizer the C library's functions for this do nothing. */
static long lock_pages(void *address, size_t size)
{
    return syscall(SYS_mlock, address, size);
}

static void *alloc_touched(size_t size)
{
    char *block = malloc(size);
    assert_non_null(block);
    return memset(block, 1, size);
}

static void free_memory_beside_a_locked_page_goes_back(void **state)
{
    (void)state;
    char *locked = alloc_touched(SMALL), *big[BLOCKS], *between[BLOCKS + 1];
    assert_int_equal(lock_pages(locked, 1), 0);
    between[BLOCKS] = alloc_touched(SMALL);
    for (int i = 0; i < BLOCKS; i++) {
        big[i] = alloc_touched(BIG);
        between[i] = alloc_touched(SMALL);
    }
    size_t before = resident_bytes();
    free(locked);
    for (int i = 0; i < BLOCKS; i++)
        free(big[i]);
    malloc_trim(0);
    size_t after = resident_bytes();
    assert_true(after < before);
    assert_true(before - after > (size_t)BLOCKS * BIG * 9 / 10);
    for (int i = 0; i <= BLOCKS; i++)
        free(between[i]);
}

/* ---- calls of the system ------------------------------------------------------------------- */

static atomic_size_t calls, refused;

int madvise(void *address, size_t size, int advice)
{
    long result = syscall(SYS_madvise, address, size, advice);
    atomic_fetch_add(&calls, 1);
    if (result != 0)
        atomic_fetch_add(&refused, 1);
    return (int)result;
}

static size_t locked_kib(void)
{
    char line[200];
    size_t kib = SIZE_MAX;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        sscanf(line, "VmLck: %zu", &kib);
    fclose(file);
    return kib;
}

/* Keyrings lock what they clear and free. The limit is less than all of it together. */
static void freed_blocks_do_not_stay_locked(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    limit.rlim_cur = limit.rlim_max < 16 * MIB ? limit.rlim_max : 16 * MIB;
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (getuid() == 0) /* who has no limit */
        assert_int_equal(setuid(65534), 0);
    for (size_t i = 0; i < 200; i++) {
        size_t size = limit.rlim_cur / 80 + (i * 16 << 10);
        char *block = malloc(size);
        assert_non_null(block);
        if (lock_pages(block, size) != 0)
            fail_msg("block %zu: %s, %zu KiB are locked", i, strerror(errno), locked_kib());
        memset(block, 0, size);
        free(block);
    }
    assert_int_equal(locked_kib(), 0);
}

enum { MANY = 3000, SIZE = 128 * 1024 };

/* Each free span is given back once: not more calls than with memory that is not locked, but for one
 * refusal each. */
static void a_program_that_locks_all_its_memory_gives_back_what_is_free(void **state)
{
    (void)state;
    static char *blocks[MANY];
    if (syscall(SYS_mlockall, MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
        print_message("mlockall: %s\n", strerror(errno));
        return; /* it may not lock that much */
    }
    for (size_t i = 0; i < MANY; i++)
        blocks[i] = memset(malloc(SIZE), 1, SIZE);
    size_t before = resident_bytes();
    atomic_store(&calls, 0);
    atomic_store(&refused, 0);
    for (size_t i = 0; i < MANY; i += 2)
        free(blocks[i]);
    malloc_trim(0);
    print_message("%zu calls of madvise, %zu refused, for %d spans\n", atomic_load(&calls),
                  atomic_load(&refused), MANY / 2);
    assert_true(before - resident_bytes() > (size_t)MANY / 2 * SIZE * 9 / 10);
    assert_true(atomic_load(&refused) <= atomic_load(&calls) / 2 + 16);
    assert_true(atomic_load(&calls) <= MANY + MANY / 4);
    char *again = malloc(SIZE); /* what comes back is locked as all is */
    assert_non_null(again);
    assert_int_not_equal(syscall(SYS_madvise, again, 4096, MADV_DONTNEED), 0);
    free(again);
    for (size_t i = 1; i < MANY; i += 2)
        free(blocks[i]);
    syscall(SYS_munlockall);
}

/* Limits and locks are those of a process, so each test has one of its own. */
static void in_a_process(void (*test)(void **), void **state)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        test(state);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void locked_blocks(void **state)
{
    in_a_process(freed_blocks_do_not_stay_locked, state);
}

static void all_locked(void **state)
{
    in_a_process(a_program_that_locks_all_its_memory_gives_back_what_is_free, state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locked_blocks), /* first: later ones have taught the heap to keep more */
        cmocka_unit_test(all_locked),
        cmocka_unit_test(free_memory_beside_a_locked_page_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
