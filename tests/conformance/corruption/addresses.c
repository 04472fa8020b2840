/* SPDX-License-Identifier: MIT */
/* Where blocks are cannot be known beforehand, and none of them can be executed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <windows.h>

#include "support/calls.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/suite.h"

enum { RUNS = 64, BITS_LEAST = 20 };

static int child_tells(const char *argument)
{
    HANDLE heap = HeapCreate(0, 0, 0);
    void *small = malloc(100);
    void *large = malloc(10 * MIB);

    (void)argument;
    dprintf(1, "%zx %zx %zx", (size_t)small, (size_t)large, (size_t)HeapAlloc(heap, 0, 100));
    return 0;
}

/* Bits that differ between any two of many runs: 28 by default on x86-64 (vm.mmap_rnd_bits), less
 * four, because reservations start at multiples of 64 KiB. */
static void addresses_differ_from_run_to_run(void **state)
{
    static struct child_result result;
    size_t first[3] = { 0 }, now[3], differ[3] = { 0 };

    (void)state;
    for (int run = 0; run < RUNS; run++) {
        child_run_case("tell", NULL, &result);
        assert_true(child_exited(&result, 0));
        assert_int_equal(sscanf(result.out, "%zx %zx %zx", &now[0], &now[1], &now[2]), 3);
        if (run == 0)
            memcpy(first, now, sizeof(first));
        for (int i = 0; i < 3; i++)
            differ[i] |= now[i] ^ first[i];
    }
    for (int i = 0; i < 3; i++) {
        print_message("%d bits of an address differ\n", __builtin_popcountll(differ[i]));
        assert_in_range(__builtin_popcountll(differ[i]), BITS_LEAST, 47);
    }
}

/* Lines of /proc/self/maps that allow both writing and execution. */
static int writable_code(void)
{
    char line[512];
    int lines = 0;
    FILE *maps = fopen("/proc/self/maps", "r");

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL)
        lines += strstr(line, " rwx") != NULL;
    fclose(maps);
    return lines;
}

static void only_what_asks_for_it_is_executable(void **state)
{
    (void)state;
    for (size_t size = 1; size < 100 * MIB; size *= 2)
        free(opaque(malloc(size)));
    HANDLE heap = HeapCreate(0, 0, 0), bounded = HeapCreate(0, 0, MIB);
    assert_non_null(HeapAlloc(heap, 0, 100));
    assert_non_null(HeapAlloc(bounded, 0, 100));
    assert_int_equal(writable_code(), 0);
    HANDLE executable = HeapCreate(HEAP_CREATE_ENABLE_EXECUTE, 0, 0);
    assert_non_null(HeapAlloc(executable, 0, 100));
    assert_int_not_equal(writable_code(), 0);
    HeapDestroy(executable);
    assert_int_equal(writable_code(), 0);
    HeapDestroy(bounded);
    HeapDestroy(heap);
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = { { "tell", child_tells }, { NULL, NULL } };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_differ_from_run_to_run),
        cmocka_unit_test(only_what_asks_for_it_is_executable),
    };

    child_case(argc, argv, cases);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
