/* SPDX-License-Identifier: MIT */
/* mallinfo, mallinfo2, malloc_stats, malloc_trim and mallopt: figures of this heap, in glibc's
 * shapes, that move as the program allocates and frees. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/calls.h"
#include "support/memory.h"
#include "support/suite.h"

/* glibc counts blocks with a mapping of their own apart from the rest. */
static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static void small_blocks_are_counted(void **state)
{
    enum { BLOCKS = 10000, SIZE = 100 };
    static void *blocks[BLOCKS];

    (void)state;
    size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < BLOCKS; i++)
        assert_non_null(blocks[i] = malloc(SIZE));
    size_t held = mallinfo2().uordblks;
    assert_in_range(held - before, BLOCKS * SIZE, BLOCKS * SIZE * 3 / 2);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    assert_in_range(mallinfo2().uordblks, 0, before + BLOCKS * SIZE / 20);
}

static void large_blocks_are_counted(void **state)
{
    (void)state;
    size_t before = in_use();
    void *block = malloc(64 * MIB);
    assert_non_null(block);
    assert_in_range(in_use() - before, 64 * MIB, 80 * MIB);
    block = realloc(block, 128 * MIB);
    assert_non_null(block);
    assert_in_range(in_use() - before, 128 * MIB, 160 * MIB);
    free(block);
    assert_in_range(in_use(), 0, before + MIB);
}

static void figures_fit_together(void **state)
{
    enum { BLOCKS = 300 };
    static void *blocks[BLOCKS];

    (void)state;
    for (size_t i = 0; i < BLOCKS; i++)
        assert_non_null(blocks[i] = malloc(i * 1000));
    for (size_t i = 0; i < BLOCKS; i += 2)
        free(blocks[i]);
    struct mallinfo2 info = mallinfo2();
    /* What is in use and what is free is all that was got from the system. */
    assert_in_range(info.uordblks + info.fordblks, 1, info.arena + info.hblkhd);
    assert_true(info.uordblks + info.hblkhd >= (size_t)BLOCKS * BLOCKS / 4 * 1000);
    assert_true(info.hblks == 0 ? info.hblkhd == 0 : info.hblkhd > 0);
    for (size_t i = 1; i < BLOCKS; i += 2)
        free(blocks[i]);
}

/* mallinfo has the same figures in fields of int. */
static void mallinfo_agrees(void **state)
{
    (void)state;
    void *block = malloc(1000);
    assert_non_null(block);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    struct mallinfo narrow = mallinfo();
#pragma GCC diagnostic pop
    struct mallinfo2 wide = mallinfo2();
    assert_int_equal(narrow.uordblks, wide.uordblks);
    assert_int_equal(narrow.fordblks, wide.fordblks);
    assert_int_equal(narrow.arena, wide.arena);
    assert_int_equal(narrow.hblks, wide.hblks);
    assert_int_equal(narrow.hblkhd, wide.hblkhd);
    free(block);
}

/* Runs malloc_stats with standard error going to a file, and reads what it wrote. */
static void stats_text(char *text, size_t room)
{
    char path[] = "/tmp/barrow-stats-XXXXXX";
    int saved = dup(2);
    int file = mkstemp(path);

    assert_true(saved >= 0 && file >= 0);
    unlink(path);
    fflush(stderr);
    assert_int_equal(dup2(file, 2), 2);
    malloc_stats();
    fflush(stderr);
    assert_int_equal(dup2(saved, 2), 2);
    ssize_t length = pread(file, text, room - 1, 0);
    close(file);
    close(saved);
    assert_true(length >= 0);
    text[length] = '\0';
}

/* The figure after the last "label =" in the text. */
static unsigned long long stats_figure(const char *text, const char *label)
{
    unsigned long long figure = 0;

    for (const char *at = text; (at = strstr(at, label)) != NULL; at++)
        assert_int_equal(sscanf(at + strlen(label), " = %llu", &figure), 1);
    return figure;
}

static void stats_tell_on_standard_error(void **state)
{
    static char text[16384];
    static char later[16384];

    (void)state;
    void *block = malloc(3 * MIB);
    assert_non_null(block);
    stats_text(text, sizeof(text));
    assert_non_null(strstr(text, "system bytes"));
    assert_non_null(strstr(text, "in use bytes"));
    assert_true(stats_figure(text, "in use bytes") >= 3 * MIB);
    assert_true(stats_figure(text, "system bytes") >= stats_figure(text, "in use bytes"));
    free(block);
    stats_text(later, sizeof(later));
    assert_true(stats_figure(later, "in use bytes") + 3 * MIB <=
                stats_figure(text, "in use bytes"));
}

/* 1 when memory went back to the system, 0 when there was none to give: never anything else, and
 * a second call right after has nothing left to give. */
static void trim_tells_what_it_did(void **state)
{
    enum { BLOCKS = 500 };
    static void *blocks[BLOCKS];

    (void)state;
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_non_null(blocks[i] = malloc(40000));
        memset(blocks[i], 1, 40000);
    }
    size_t peak = memory_resident();
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    int first = malloc_trim(0);
    assert_in_range(first, 0, 1);
    assert_in_range(memory_resident(), 0, peak - BLOCKS * 40000 * 9 / 10);
    assert_int_equal(malloc_trim(0), 0);
}

static void trim_with_a_pad_is_harmless(void **state)
{
    (void)state;
    assert_in_range(malloc_trim(MIB), 0, 1);
    assert_in_range(malloc_trim(SIZE_MAX), 0, 1);
    void *block = malloc(100);
    assert_non_null(block);
    free(block);
}

/* Programs that tune glibc go on when they find 1; every one of these is meaningful there. */
static void options_of_glibc_are_accepted(void **state)
{
    (void)state;
    assert_int_equal(mallopt(M_TRIM_THRESHOLD, 128 * 1024), 1);
    assert_int_equal(mallopt(M_MMAP_THRESHOLD, 256 * 1024), 1);
    assert_int_equal(mallopt(M_TOP_PAD, 64 * 1024), 1);
    assert_int_equal(mallopt(M_MMAP_MAX, 65536), 1);
    assert_int_equal(mallopt(M_ARENA_MAX, 2), 1);
    assert_int_equal(mallopt(M_ARENA_TEST, 2), 1);
    void *block = malloc(1000);
    assert_non_null(block);
    free(block);
}

static void odd_options_are_harmless(void **state)
{
    static const int values[] = { 0, 1, -1, 64, 1 << 30, -(1 << 30) };

    (void)state;
    for (int option = 100; option < 140; option++)
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
            assert_in_range(mallopt(option, values[i]), 0, 1);
    unsigned char *block = malloc(1000);
    assert_non_null(block);
    memset(block, 7, 1000);
    free(block);
}

/* Neither is a cancellation point, whatever stdio's functions are. */
static atomic_bool is_requested;

static int calls_made;

static void *asks_for_figures(void *stream)
{
    while (!atomic_load(&is_requested))
        continue;
    malloc_stats();
    calls_made++;
    malloc_info(0, stream);
    calls_made++;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    malloc_stats(); /* leaves the state as it was */
    calls_made++;
    int state = PTHREAD_CANCEL_ENABLE;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    calls_made += state == PTHREAD_CANCEL_DISABLE;
    pthread_testcancel();
    return NULL;
}

static void figures_are_no_cancellation_points(void **state)
{
    pthread_t thread;
    void *result = NULL;
    int saved = dup(2), nowhere = open("/dev/null", O_WRONLY);
    FILE *stream = fopen("/dev/null", "w");
    (void)state;
    assert_non_null(stream);
    setvbuf(stream, NULL, _IONBF, 0);
    dup2(nowhere, 2);
    atomic_store(&is_requested, false);
    assert_int_equal(pthread_create(&thread, NULL, asks_for_figures, stream), 0);
    assert_int_equal(pthread_cancel(thread), 0);
    atomic_store(&is_requested, true);
    assert_int_equal(pthread_join(thread, &result), 0);
    dup2(saved, 2);
    close(saved);
    close(nowhere);
    fclose(stream);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_int_equal(calls_made, 4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_blocks_are_counted),
        cmocka_unit_test(large_blocks_are_counted),
        cmocka_unit_test(figures_fit_together),
        cmocka_unit_test(figures_are_no_cancellation_points),
        cmocka_unit_test(mallinfo_agrees),
        cmocka_unit_test(stats_tell_on_standard_error),
        cmocka_unit_test(trim_tells_what_it_did),
        cmocka_unit_test(trim_with_a_pad_is_harmless),
        cmocka_unit_test(options_of_glibc_are_accepted),
        cmocka_unit_test(odd_options_are_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
