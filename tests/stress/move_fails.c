/* SPDX-License-Identifier: MIT */
/* realloc of large blocks where the system can't move their pages: after the program has parted the
 * block's mapping, in the child of a fork, and where there is no address space for both ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face.h"

enum { MIB = 1 << 20, SIZE = 8 * MIB, ROUNDS = 4 };

/* A block that has to move in order to grow, or NULL. */
static char *make_block(void)
{
    char *block = malloc(SIZE);
    char *behind = malloc(MIB);
    if (block == NULL || behind == NULL)
        return NULL;
    memset(behind, 'b', MIB);
    return memset(block, 'a', SIZE);
}

/* Grows it and writes to all of it; false when the contents have changed or there is no memory. */
static bool grow(char *block)
{
    char *grown = block == NULL ? NULL : realloc(block, 2 * SIZE);
    if (grown == NULL)
        return false;
    for (size_t i = 0; i < SIZE; i++)
        if (grown[i] != 'a')
            return false;
    memset(grown, 'c', 2 * SIZE);
    free(grown);
    return true;
}

static void parted_by_advice(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char *block = make_block();
        char *page = (char *)(((uintptr_t)block + SIZE / 2) & ~(uintptr_t)0xffff);
        assert_int_equal(madvise(page, MIB, MADV_DONTDUMP), 0);
        assert_true(grow(block));
    }
}

static void in_child(bool (*run)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(run() ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static bool grow_many(void)
{
    for (int i = 0; i < ROUNDS; i++)
        if (!grow(make_block()))
            return false;
    return true;
}

static void parted_by_fork(void **state)
{
    (void)state;
    in_child(grow_many);
}

/* The heap has its addresses already, so none can be added, and those lost don't come back. A block
 * that stays lets it keep as many again. */
static bool grow_without_address_space(void)
{
    enum { BALLAST = 24 * SIZE };
    char *volatile ballast = malloc(BALLAST), *volatile spare = malloc(BALLAST);
    free(spare);
    char *block = make_block();
    char *late = make_block();
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0)
        return false;
    limit.rlim_cur = MIB;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return false;
    bool done = grow(block) && grow(late) && grow_many();
    free(ballast);
    return done;
}

static void no_address_space(void **state)
{
    (void)state;
#if BARROW_OVERRIDE_MALLOC /* a sanitizer could not work so */
    in_child(grow_without_address_space);
#else
    (void)grow_without_address_space;
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parted_by_advice),
        cmocka_unit_test(parted_by_fork),
        cmocka_unit_test(no_address_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
