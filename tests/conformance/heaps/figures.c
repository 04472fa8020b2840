/* SPDX-License-Identifier: MIT */
/* figures.c: a heap's name and figures, as a struct and as JSON; blocks at an alignment. */
#include "support/suite.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "kinds.h"
#include "support/calls.h"
#include "support/check.h"

static void figures_are_exact(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        HANDLE heap = kind_make(&kinds[k]);
        size_t bytes = 0;
        for (size_t i = 0; i < 1000; i++, bytes += i)
            assert_non_null(HeapAlloc(heap, 0, i));
        bytes -= 1000;
        assert_non_null(HeapAlloc(heap, 0, MIB));
        struct barrow_heap_stats stats = stats_of(heap);
        assert_int_equal(stats.live_blocks, 1001);
        assert_int_equal(stats.live_bytes, MIB + 1000 * 999 / 2);
        assert_true(stats.committed >= stats.live_bytes);
        assert_true(stats.committed_peak >= stats.committed);
        assert_true(stats.reserved >= stats.committed);
        assert_int_equal(stats.maximum, kinds[k].maximum);
        assert_int_equal(!(stats.flags & BARROW_HEAP_SERIALIZED),
                         (kinds[k].options & HEAP_NO_SERIALIZE) != 0);
        assert_int_equal(!(stats.flags & BARROW_HEAP_BOUNDED), kinds[k].maximum == 0);
        assert_int_equal(!(stats.flags & BARROW_HEAP_EXECUTABLE),
                         !(kinds[k].options & HEAP_CREATE_ENABLE_EXECUTE));
        assert_false(stats.flags & BARROW_HEAP_PROCESS);
        assert_string_equal(stats.name, "");
        assert_true(HeapDestroy(heap));
        (void)bytes;
    }
}

static void the_process_heap_counts_mallocs_blocks(void **state)
{
    (void)state;
    struct barrow_heap_stats before = stats_of(GetProcessHeap());
    void *block = malloc(10 * MIB), *other = HeapAlloc(GetProcessHeap(), 0, 1000);
    struct barrow_heap_stats after = stats_of(GetProcessHeap());
    assert_true(after.flags & BARROW_HEAP_PROCESS);
    assert_in_range(after.live_bytes - before.live_bytes, 10 * MIB + 1000, 11 * MIB);
    assert_true(after.committed >= 10 * MIB);
    free(block);
    free(other);
}

/* Nothing is written behind the size that the caller gives. */
static void stats_are_cut_to_size(void **state)
{
    (void)state;
    union {
        struct barrow_heap_stats stats;
        unsigned char bytes[sizeof(struct barrow_heap_stats) + 64];
    } room;
    HANDLE heap = HeapCreate(0, 0, 0);
    assert_non_null(HeapAlloc(heap, 0, 77));
    memset(&room, 0x55, sizeof room);
    room.stats.size = offsetof(struct barrow_heap_stats, committed);
    assert_int_equal(barrow_heap_stats_get(heap, &room.stats), 0);
    assert_int_equal(room.stats.size, offsetof(struct barrow_heap_stats, committed));
    assert_int_equal(room.stats.live_bytes, 77);
    for (size_t i = offsetof(struct barrow_heap_stats, committed); i < sizeof room; i++)
        assert_int_equal(room.bytes[i], 0x55);
    memset(&room, 0x55, sizeof room);
    room.stats.size = sizeof room;
    assert_int_equal(barrow_heap_stats_get(heap, &room.stats), 0);
    assert_int_equal(room.stats.size, sizeof room.stats);
    assert_int_equal(room.bytes[sizeof room.stats], 0x55);
    assert_true(HeapDestroy(heap));
}

/* ---- names --------------------------------------------------------------------------------- */

static void names_are_copied(void **state)
{
    (void)state;
    char name[BARROW_HEAP_NAME_SIZE + 1];
    HANDLE heap = HeapCreate(0, 0, 0);
    strcpy(name, "parser");
    assert_int_equal(barrow_heap_set_name(heap, name), 0);
    strcpy(name, "other");
    assert_string_equal(stats_of(heap).name, "parser");
    memset(name, 'x', sizeof name);
    name[BARROW_HEAP_NAME_SIZE] = '\0';
    errno = 0;
    assert_int_equal(barrow_heap_set_name(heap, name), -1);
    assert_int_equal(errno, ERANGE);
    assert_string_equal(stats_of(heap).name, "parser");
    name[BARROW_HEAP_NAME_SIZE - 1] = '\0';
    assert_int_equal(barrow_heap_set_name(heap, name), 0);
    assert_string_equal(stats_of(heap).name, name);
    assert_int_equal(barrow_heap_set_name(heap, NULL), 0);
    assert_string_equal(stats_of(heap).name, "");
    assert_true(HeapDestroy(heap));
    heap = HeapCreate(0, 0, 0); /* in the same place */
    assert_string_equal(stats_of(heap).name, "");
    assert_true(HeapDestroy(heap));
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void expect_json(HANDLE heap, const char *name, char *out, size_t size)
{
    struct barrow_heap_stats stats = stats_of(heap);
    snprintf(out, size,
             "{\"handle\": \"%p\", \"name\": %s, \"serialized\": %s, \"bounded\": %s, "
             "\"executable\": %s, \"process\": false, \"live_blocks\": %" PRIu64
             ", \"live_bytes\": %" PRIu64 ", \"committed\": %" PRIu64
             ", \"committed_peak\": %" PRIu64 ", \"reserved\": %" PRIu64 ", \"maximum\": %" PRIu64
             ", \"limit\": %" PRIu64 ", \"refused\": %" PRIu64 "}",
             heap, name, stats.flags & BARROW_HEAP_SERIALIZED ? "true" : "false",
             stats.flags & BARROW_HEAP_BOUNDED ? "true" : "false",
             stats.flags & BARROW_HEAP_EXECUTABLE ? "true" : "false", stats.live_blocks,
             stats.live_bytes, stats.committed, stats.committed_peak, stats.reserved, stats.maximum,
             stats.limit, stats.refused);
}

static void json_says_what_the_struct_says(void **state)
{
    (void)state;
    char expected[1000], found[1000];
    for (size_t k = 0; k < KINDS; k++) {
        HANDLE heap = kind_make(&kinds[k]);
        assert_non_null(HeapAlloc(heap, 0, 1234));
        assert_int_equal(barrow_heap_set_name(heap, "a \"b\" \\c\n\x7f \xC3\xA4"), 0);
        expect_json(heap, "\"a \\\"b\\\" \\\\c\\u000a\\u007f \xC3\xA4\"", expected,
                    sizeof expected);
        int length = barrow_heap_json(heap, found, sizeof found);
        assert_string_equal(found, expected);
        assert_int_equal(length, strlen(expected));
        assert_true(HeapDestroy(heap));
    }
}

static void json_is_cut_as_snprintf_does(void **state)
{
    (void)state;
    char whole[1000], part[1000];
    HANDLE heap = HeapCreate(0, 0, 0);
    int length = barrow_heap_json(heap, NULL, 0);
    assert_in_range(length, 100, sizeof whole - 1);
    assert_int_equal(barrow_heap_json(heap, whole, sizeof whole), length);
    for (size_t size = 1; size < (size_t)length + 10; size++) {
        memset(part, 0x55, sizeof part);
        assert_int_equal(barrow_heap_json(heap, part, size), length);
        size_t stored = size - 1 < (size_t)length ? size - 1 : (size_t)length;
        assert_int_equal(strlen(part), stored);
        assert_memory_equal(part, whole, stored);
        assert_int_equal(part[stored + 1], 0x55);
    }
    assert_true(HeapDestroy(heap));
}

static void all_heaps_are_listed(void **state)
{
    (void)state;
    static char json[16384];
    HANDLE heaps[KINDS];
    char expected[1000];
    for (size_t k = 0; k < KINDS; k++) {
        heaps[k] = kind_make(&kinds[k]);
        assert_int_equal(barrow_heap_set_name(heaps[k], kinds[k].name), 0);
        assert_non_null(HeapAlloc(heaps[k], 0, 4321));
    }
    int length = barrow_heaps_json(json, sizeof json);
    assert_in_range(length, 1, sizeof json - 1);
    assert_int_equal(strlen(json), length);
    assert_true(strncmp(json, "[{", 2) == 0 && strcmp(json + length - 3, "}]\n") == 0);
    assert_non_null(strstr(json, "\"process\": true"));
    for (size_t k = 0; k < KINDS; k++) {
        snprintf(expected, sizeof expected, "\"%s\"", kinds[k].name);
        if (kinds[k].options & HEAP_NO_SERIALIZE)
            assert_non_null(strstr(json, expected)); /* without the figures that change */
        else
            expect_json(heaps[k], expected, expected, sizeof expected);
        if (!(kinds[k].options & HEAP_NO_SERIALIZE)) {
            char name[100];
            snprintf(name, sizeof name, "\"%s\"", kinds[k].name);
            expect_json(heaps[k], name, expected, sizeof expected);
            assert_non_null(strstr(json, expected));
        }
        assert_true(HeapDestroy(heaps[k]));
    }
}

/* Heaps come, are locked, and go while others list them. */
static int stop;

static void *come_and_go(void *argument)
{
    for (size_t i = (size_t)argument; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        HANDLE heap = kind_make(&kinds[i % KINDS]);
        REQUIRE(heap != NULL && HeapAlloc(heap, 0, 100) != NULL);
        if (i % 3 == 0)
            REQUIRE(HeapLock(heap) && HeapUnlock(heap));
        if (i % 3 == 1)
            REQUIRE(barrow_heap_set_name(heap, "short-lived") == 0);
        REQUIRE(HeapDestroy(heap));
    }
    return NULL;
}

static void heaps_are_listed_while_they_come_and_go(void **state)
{
    (void)state;
    static char json[65536];
    pthread_t threads[3];
    stop = 0;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, (void *)i), 0);
    for (int i = 0; i < 500; i++) {
        int length = barrow_heaps_json(json, sizeof json);
        REQUIRE(length > 10 && (size_t)length < sizeof json && json[length - 2] == ']');
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void blocks_are_aligned_as_asked(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        HANDLE heap = kind_make(&kinds[k]);
        for (size_t alignment = 1; alignment <= MIB; alignment *= 2)
            for (size_t size = 0; size < 20000; size = size * 3 + 1) {
                char *block = barrow_heap_aligned_alloc(heap, alignment, size);
                assert_non_null(block);
                assert_int_equal((uintptr_t)block % alignment, 0);
                assert_int_equal(HeapSize(heap, 0, block), size);
                memset(block, 1, size);
                assert_true(HeapFree(heap, 0, block));
            }
        errno = 0;
        assert_null(barrow_heap_aligned_alloc(heap, 48, 100));
        assert_int_equal(errno, EINVAL);
        errno = 0;
        assert_null(barrow_heap_aligned_alloc(heap, 64, (size_t)PTRDIFF_MAX));
        assert_int_equal(errno, ENOMEM);
        assert_int_equal(stats_of(heap).live_blocks, 0);
        assert_true(HeapDestroy(heap));
    }
}

static void bad_calls_are_refused(void **state)
{
    (void)state;
    char buffer[10];
    struct barrow_heap_stats stats = { .size = sizeof stats };
    HANDLE heap = HeapCreate(0, 0, 0), gone = HeapCreate(0, 0, 0);
    assert_true(HeapDestroy(gone));
    void *const bad[] = { NULL, gone, &stats, (char *)heap + 8, (void *)-1 };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        errno = 0;
        assert_true(barrow_heap_stats_get(bad[i], &stats) == -1 && errno == EINVAL);
        errno = 0;
        assert_true(barrow_heap_set_name(bad[i], "name") == -1 && errno == EINVAL);
        errno = 0;
        assert_true(barrow_heap_json(bad[i], buffer, sizeof buffer) == -1 && errno == EINVAL);
        errno = 0;
        assert_true(barrow_heap_aligned_alloc(bad[i], 16, 10) == NULL && errno == EINVAL);
    }
    errno = 0;
    assert_true(barrow_heap_stats_get(heap, NULL) == -1 && errno == EINVAL);
    errno = 0;
    stats.size = 0;
    assert_true(barrow_heap_stats_get(heap, &stats) == -1 && errno == EINVAL);
    errno = 0;
    assert_true(barrow_heap_json(heap, NULL, 1) == -1 && errno == EINVAL);
    errno = 0;
    assert_true(barrow_heaps_json(NULL, 1) == -1 && errno == EINVAL);
    assert_true(HeapDestroy(heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_exact),
        cmocka_unit_test(the_process_heap_counts_mallocs_blocks),
        cmocka_unit_test(stats_are_cut_to_size),
        cmocka_unit_test(names_are_copied),
        cmocka_unit_test(json_says_what_the_struct_says),
        cmocka_unit_test(json_is_cut_as_snprintf_does),
        cmocka_unit_test(all_heaps_are_listed),
        cmocka_unit_test(heaps_are_listed_while_they_come_and_go),
        cmocka_unit_test(blocks_are_aligned_as_asked),
        cmocka_unit_test(bad_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
