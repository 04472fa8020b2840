/* SPDX-License-Identifier: MIT */
/* What cannot be accessed: guards around the page map, the library's records and each region. */
#include "heap/heap.h"
#include "heap/threads.h"
#include "region/region.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 16 * 4096 };

struct room {
    uintptr_t start, end;
    char access[5];
};

/* The mapping with the address, as /proc/self/maps has it. */
static struct room room_of(const void *address)
{
    struct room room;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL)
        if (sscanf(line, "%zx-%zx %4s", &room.start, &room.end, room.access) == 3 &&
            (uintptr_t)address >= room.start && (uintptr_t)address < room.end) {
            fclose(maps);
            return room;
        }
    fclose(maps);
    fail_msg("nothing is mapped at %p", address);
    return room;
}

static size_t mappings(void)
{
    char line[512];
    size_t n = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL)
        n++;
    fclose(maps);
    return n;
}

static void assert_guard(const void *address)
{
    struct room room = room_of(address);
    if (strcmp(room.access, "---p") != 0 || room.end - room.start < LEAST)
        fail_msg("%p: %zx-%zx %s", address, room.start, room.end, room.access);
}

/* The leaf of the page map for an address. */
static const char *descriptors_of(const void *address)
{
    return (const char *)((uintptr_t)span_at(granule_of(address)) & ~(LEAF_SPANS_BYTES - 1));
}

static void around_the_page_map(void **state)
{
    (void)state;
    void *block = heap_alloc(100);
    const char *spans = descriptors_of(block);
    assert_guard(spans - 1);
    assert_string_equal(room_of(span_at(granule_of(block))).access, "rw-p");
    assert_guard((const char *)room_of(spans + LEAF_SPANS_BYTES).end);
    heap_free(block, "test");
}

/* The granule of that kind next to the address, below or above it. */
static size_t next_guard(const void *address, int step)
{
    size_t granule = granule_of(address);
    while (span_kind(span_at(granule)) != SPAN_GUARD)
        granule += (size_t)step;
    return granule;
}

static void around_each_region(void **state)
{
    (void)state;
    void *small = heap_alloc(100), *large = heap_alloc(100 << 20);
    assert_guard(granule_start(next_guard(small, -1)));
    assert_guard(granule_start(next_guard(small, 1)));
    assert_guard(granule_start(next_guard(large, -1)));
    assert_guard(granule_start(next_guard(large, 1)));
    heap_free(small, "test");
    heap_free(large, "test");
}

static void around_the_records(void **state)
{
    (void)state;
    struct room room = room_of(threads_current());
    assert_string_equal(room.access, "rw-p");
    assert_null(region_find(threads_current()));
    assert_guard((const char *)room.start - 1);
    assert_guard((const char *)room.end);
}

static void nothing_is_executable(void **state)
{
    (void)state;
    void *block = heap_alloc(100);
    assert_string_equal(room_of(block).access, "rw-p");
    heap_free(block, "test");
}

/* Some hundred MiB, in a few regions of two mappings each. */
static void growth_makes_few_mappings(void **state)
{
    enum { BLOCKS = 400 };
    static void *blocks[BLOCKS];
    (void)state;
    mappings(); /* stdio's buffers are there now */
    size_t before = mappings();
    for (size_t i = 0; i < BLOCKS; i++)
        assert_non_null(blocks[i] = heap_alloc(1 << 20));
    assert_true(mappings() <= before + 24);
    for (size_t i = 0; i < BLOCKS; i++)
        heap_free(blocks[i], "test");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(around_the_page_map),       cmocka_unit_test(around_each_region),
        cmocka_unit_test(around_the_records),        cmocka_unit_test(nothing_is_executable),
        cmocka_unit_test(growth_makes_few_mappings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
