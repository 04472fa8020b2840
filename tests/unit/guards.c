/* SPDX-License-Identifier: MIT */
/* What cannot be accessed: the room before, between and behind the tables, the library's records
 * and the blocks. It is there whatever the heap does, at no cost in mappings. */
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

static void before_each_table(void **state)
{
    (void)state;
    heap_free(heap_alloc(100), "test");
    assert_guard((const char *)region_map.tags - 1);
    assert_guard((const char *)region_map.spans - 1);
    assert_guard((const char *)region_map.base - 1);
}

/* Behind what is committed of each. */
static void behind_each_table(void **state)
{
    (void)state;
    const char *spans_end = (const char *)room_of(region_map.spans).end;
    const char *blocks_end = (const char *)room_of((const void *)region_map.base).end;
    assert_guard(spans_end);
    assert_guard(blocks_end);
    assert_guard((const char *)region_map.base + (region_map.limit << GRANULE_SHIFT));
}

static void around_the_records(void **state)
{
    (void)state;
    struct room room = room_of(threads_current());
    assert_string_equal(room.access, "rw-p");
    assert_true(room.end <= region_map.base);
    assert_guard((const char *)room.start - 1);
    assert_guard((const char *)room.end);
}

static void nothing_is_executable(void **state)
{
    (void)state;
    void *block = heap_alloc(100);
    assert_string_equal(room_of(block).access, "rw-p");
    assert_string_equal(room_of(region_map.spans).access, "rw-p");
    heap_free(block, "test");
}

static void growth_makes_no_mappings(void **state)
{
    enum { BLOCKS = 400 };
    static void *blocks[BLOCKS];
    (void)state;
    mappings(); /* stdio's buffers are there now */
    size_t before = mappings();
    for (size_t i = 0; i < BLOCKS; i++)
        assert_non_null(blocks[i] = heap_alloc(1 << 20));
    assert_int_equal(mappings(), before);
    for (size_t i = 0; i < BLOCKS; i++)
        heap_free(blocks[i], "test");
    before_each_table(state);
    behind_each_table(state);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_each_table),        cmocka_unit_test(behind_each_table),
        cmocka_unit_test(around_the_records),       cmocka_unit_test(nothing_is_executable),
        cmocka_unit_test(growth_makes_no_mappings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
