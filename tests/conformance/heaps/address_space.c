/* SPDX-License-Identifier: MIT */
/* address_space.c: what private heaps take of it: in proportion to what they commit, from the first one on, and
 * no more than a limit leaves. */
#include "support/suite.h"

#include <barrow/heapapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "support/check.h"
#include "support/child.h"
#include "support/memory.h"

enum { HEAPS = 1000, BLOCK = 100 };

static HANDLE heaps[HEAPS];
static void *blocks[HEAPS];

/* Bounded ones, of which all is reserved, are small. */
static bool make(size_t i)
{
    heaps[i] = HeapCreate(i % 2 == 0 ? 0 : HEAP_NO_SERIALIZE, 0, i % 4 < 2 ? 0 : 64 * KIB);
    blocks[i] = heaps[i] != NULL ? HeapAlloc(heaps[i], 0, BLOCK) : NULL;
    if (blocks[i] != NULL)
        memset(blocks[i], 1, BLOCK);
    return blocks[i] != NULL;
}

static int keeps_proportion(const char *argument)
{
    (void)argument;
    size_t virtual = memory_virtual(), writable = memory_writable();
    for (size_t i = 0; i < HEAPS; i++) {
        REQUIRE(make(i));
        size_t more = memory_virtual() - virtual, committed = memory_writable() - writable;
        REQUIRE(more <= 2 * committed + 64 * MIB);
        REQUIRE(i != 0 || more <= 16 * MIB);
    }
    return 0;
}

/* A heap with one block takes a slot of 256 KiB and a span of 64. */
static int under_a_limit(const char *argument)
{
    size_t left = 40 * MIB, count = 0;
    (void)argument;
    REQUIRE(GetProcessHeap() != NULL);
    struct rlimit limit = { memory_virtual() + left, memory_virtual() + left };
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
    while (count < HEAPS && make(count))
        count++;
    REQUIRE(count >= left / 2 / (320 * KIB));
    for (size_t i = 0; i < count; i++)
        REQUIRE(HeapFree(heaps[i], 0, blocks[i]) && HeapDestroy(heaps[i]));
    /* what has gone back to the system leaves a granule at each edge: nearly as many heaps find place again */
    for (size_t i = 0; i < count - count / 16; i++)
        REQUIRE(make(i));
    return 0;
}

/* Bytes of address space that a core dump has, as far as the system is told (VmFlags). */
static size_t dumped(void)
{
    char line[512];
    size_t size = 0, bytes = 0;
    FILE *maps = fopen("/proc/self/smaps", "r");
    REQUIRE(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        sscanf(line, "Size: %zu kB", &size);
        if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " dd") == NULL)
            bytes += size * KIB;
    }
    fclose(maps);
    return bytes;
}

static void what_is_only_reserved_is_not_dumped(void **state)
{
    (void)state;
    free(malloc(100));
    size_t before = dumped();
    HANDLE heap = HeapCreate(0, 0, GIB), other = HeapCreate(HEAP_NO_SERIALIZE, 0, 0);
    assert_non_null(HeapAlloc(heap, 0, MIB));
    assert_non_null(HeapAlloc(other, 0, MIB));
    assert_in_range(dumped() - before, 0, 8 * MIB);
    assert_true(HeapDestroy(heap) && HeapDestroy(other));
}

static void passes(const char *name)
{
    struct child_result result;
    child_run_case(name, NULL, &result);
    if (!child_exited(&result, 0))
        child_show(name, &result);
    assert_true(child_exited(&result, 0));
}

static void it_is_in_proportion_to_heaps(void **state)
{
    (void)state;
    passes("keeps proportion");
}

static void a_limit_leaves_heaps_for_what_there_is(void **state)
{
    (void)state;
    passes("under a limit");
}

int main(int argc, char **argv)
{
    static const struct child_function functions[] = {
        { "keeps proportion", keeps_proportion },
        { "under a limit", under_a_limit },
        { NULL, NULL },
    };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_in_proportion_to_heaps),
        cmocka_unit_test(a_limit_leaves_heaps_for_what_there_is),
        cmocka_unit_test(what_is_only_reserved_is_not_dumped),
    };
    child_case(argc, argv, functions);
    return cmocka_run_group_tests_name("address space", tests, NULL, NULL);
}
