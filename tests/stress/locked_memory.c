/* SPDX-License-Identifier: MIT */
/* A program locks a page of a block and frees the block. The system will not take that page back;
 * all other free memory goes back nevertheless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
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
    assert_int_equal(mlock(locked, 1), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(
        free_memory_beside_a_locked_page_goes_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
