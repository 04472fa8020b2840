/* SPDX-License-Identifier: MIT */
/* heap.c: barrow heap on files that this program makes. */
#include "run.h"

#include <barrow/mapped_heap.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct outcome outcome;
static char path[512];

static void the_built_library(void)
{
    unsetenv("BARROW_LIBRARY");
}

#define HEAP(...) RUN(&outcome, the_built_library, BARROW_COMMAND, "heap", __VA_ARGS__)

static int make_heap(void **state)
{
    if (folder_make(state) != 0)
        return -1;
    strcpy(path, in_folder("heap"));
    HANDLE heap = barrow_heap_open_file(path, 0, 1 << 20, 0);
    for (int i = 0; i < 100; i++) {
        void *block = barrow_HeapAlloc(heap, 0, (size_t)i * 37);
        if (i == 50)
            barrow_heap_set_root(heap, "fifty", block);
    }
    void *freed = barrow_HeapAlloc(heap, 0, 300000);
    barrow_HeapFree(heap, 0, freed);
    barrow_heap_set_type(heap, "demo", 3);
    return heap != NULL && barrow_heap_close(heap) ? 0 : -1;
}

static void facts_are_shown(void **state)
{
    (void)state;
    HEAP("info", path);
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.err, "");
    assert_contains(outcome.out, "type        demo, version 3\n");
    assert_contains(outcome.out, "blocks      100, of 183150 bytes\n");
    assert_contains(outcome.out, "history     1 openings, 0 recoveries, 0 syncs\n");
    HEAP("roots", path);
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, "fifty ");
    assert_contains(outcome.out, " 1850\n");
    HEAP("map", path);
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, "      131072 #");
    assert_contains(outcome.out, "....");
}

static void damage(off_t place)
{
    static const char zeros[500];
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, place), sizeof zeros);
    close(fd);
}

static void damage_is_found_and_repaired(void **state)
{
    (void)state;
    HEAP("check", path);
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, ": sound\n");
    damage(128 << 10);
    HEAP("check", path);
    assert_exit(outcome.status, 1);
    assert_contains(outcome.err, "the heap is damaged");
    HEAP("repair", path);
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, ": sound, 100 blocks\n");
    HEAP("check", path);
    assert_exit(outcome.status, 0);
}

static void files_are_shortened_and_copied(void **state)
{
    (void)state;
    HEAP("compact", path);
    assert_exit(outcome.status, 0);
    assert_true(figure_after(outcome.out, "before ") > figure_after(outcome.out, "heap: "));
    HEAP("snapshot", path, in_folder("copy"));
    assert_exit(outcome.status, 0);
    HEAP("info", in_folder("copy"));
    assert_contains(outcome.out, "blocks      100, of 183150 bytes\n");
}

static void mistakes_are_explained(void **state)
{
    (void)state;
    HEAP("info", in_folder("none"));
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "none: no such file\n");
    HEAP("check", "/bin/sh");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "/bin/sh: not a heap's file");
    HEAP("check");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "wrong number of files");
    HEAP("burn", path);
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "'burn' is not an action of barrow heap");
    HEAP("--help");
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, "Usage: barrow heap ACTION FILE\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_heap, folder_remove)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(facts_are_shown),
        TEST(damage_is_found_and_repaired),
        TEST(files_are_shortened_and_copied),
        TEST(mistakes_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
