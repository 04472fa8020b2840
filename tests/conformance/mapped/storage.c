/* SPDX-License-Identifier: MIT */
/* Heaps in files: full disks, damage, copies, and blocks that nothing points to. */
#include "fixture.h"

#include <sys/mount.h>
#include <sys/resource.h>

enum { MIB = 1 << 20 };

/* ---- no storage ----------------------------------------------------------------------------- */

static void fill_until_refused(HANDLE heap)
{
    size_t blocks = 0;
    char *block;
    while ((block = HeapAlloc(heap, 0, 100000)) != NULL) {
        memset(block, 1, 100000);
        blocks++;
    }
    REQUIRE(GetLastError() == ERROR_DISK_FULL);
    REQUIRE(blocks > 5);
    REQUIRE(HeapValidate(heap, 0, NULL));
}

static void fill_to_the_limit(void)
{
    struct rlimit limit = { 4 * MIB, 4 * MIB };
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    HANDLE heap = barrow_heap_open_file(path, 0, 64 * MIB, 0);
    REQUIRE(heap != NULL);
    fill_until_refused(heap);
    REQUIRE(barrow_heap_close(heap));
}

static void limit_of_file_sizes_is_a_failed_call(void **state)
{
    (void)state;
    assert_int_equal(in_child(fill_to_the_limit), 0);
    HANDLE heap = open_again(0);
    assert_non_null(heap);
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(barrow_heap_close(heap));
}

/* After a compaction the holes may not be filled again. */
static void fill_small_disk(void)
{
    char *blocks[200];
    int count = 0;
    HANDLE heap = barrow_heap_open_file(in_folder("disk/heap"), 0, 64 * MIB, 0);
    REQUIRE(heap != NULL);
    while (count < 200 && (blocks[count] = HeapAlloc(heap, 0, 50000)) != NULL)
        memset(blocks[count++], 1, 50000);
    REQUIRE(count > 20 && count < 200 && GetLastError() == ERROR_DISK_FULL);
    for (int i = 0; i < count; i += 2)
        REQUIRE(HeapFree(heap, 0, blocks[i]));
    HeapCompact(heap, 0);
    int fd = open(in_folder("disk/other"), O_RDWR | O_CREAT, 0600);
    char bytes[4096] = { 1 };
    while (write(fd, bytes, sizeof bytes) > 0)
        ;
    for (int i = 0; i < count; i += 2)
        if ((blocks[i] = HeapAlloc(heap, 0, 49000)) != NULL)
            memset(blocks[i], 2, 49000);
        else
            REQUIRE(GetLastError() == ERROR_DISK_FULL);
    REQUIRE(HeapValidate(heap, 0, NULL));
    REQUIRE(barrow_heap_close(heap));
}

static void full_disk_is_a_failed_call(void **state)
{
    (void)state;
    const char *disk = in_folder("disk");
    assert_int_equal(mkdir(disk, 0700), 0);
    if (mount("none", disk, "tmpfs", 0, "size=4m") != 0) {
        print_message("no right to mount a small disk\n");
        skip();
    }
    int status = in_child(fill_small_disk);
    umount(disk);
    assert_int_equal(status, 0);
}

/* ---- damage --------------------------------------------------------------------------------- */

static void write_at(off_t place, const void *bytes, size_t size)
{
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, place), size);
    close(fd);
}

static void make_heap_with_text(void)
{
    HANDLE heap = new_heap(4 * MIB);
    for (int i = 0; i < 500; i++) {
        char name[32], *block = HeapAlloc(heap, 0, 100 + (size_t)i);
        assert_non_null(block);
        snprintf(block, 100, "block %d", i);
        snprintf(name, sizeof name, "root %d", i);
        if (i % 10 == 0)
            assert_true(barrow_heap_set_root(heap, name, block));
        else if (i % 10 == 5)
            assert_true(HeapFree(heap, 0, block));
    }
    assert_true(barrow_heap_close(heap));
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    const char text[] = "This is a letter, not a heap.";
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(write(fd, text, sizeof text), sizeof text);
    close(fd);
    for (int i = 0; i < 2; i++) {
        assert_null(barrow_heap_open_file(path, 0, MIB, i == 0 ? 0 : BARROW_HEAP_REPAIR));
        assert_int_equal(GetLastError(), ERROR_BAD_FORMAT);
    }
    assert_int_equal(truncate(path, 10 * MIB), 0);
    assert_null(barrow_heap_open_file(path, 0, MIB, 0));
    write_at(0, "\0\0\0\0\0\0\0\0", 8); /* a file of zeros is nobody's heap either */
    assert_null(barrow_heap_open_file(path, 0, MIB, 0));
}

static void damage_is_refused_and_repaired(void **state)
{
    (void)state;
    char zeros[4096] = { 0 }, ones[64];
    memset(ones, 0xff, sizeof ones);
    struct {
        off_t place;
        const void *bytes;
        size_t size;
    } damages[] = {
        { 128 << 10, zeros, 1000 },      /* all records */
        { (128 << 10) + 80, ones, 8 },   /* the frontier */
        { 32 << 10, ones, sizeof ones }, /* a cache */
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        remove(path);
        make_heap_with_text();
        write_at(damages[i].place, damages[i].bytes, damages[i].size);
        HANDLE heap = open_again(0);
        if (heap == NULL)
            assert_int_equal(GetLastError(), ERROR_FILE_CORRUPT);
        else
            assert_true(barrow_heap_close(heap));
        assert_non_null(heap = open_again(BARROW_HEAP_REPAIR));
        assert_true(HeapValidate(heap, 0, NULL));
        for (int r = 0; r < 500; r += 10) {
            char name[32], wanted[32];
            snprintf(name, sizeof name, "root %d", r);
            snprintf(wanted, sizeof wanted, "block %d", r);
            assert_string_equal(barrow_heap_root(heap, name), wanted);
        }
        assert_non_null(HeapAlloc(heap, 0, 1000));
        assert_true(barrow_heap_close(heap));
    }
}

static void shortened_files_are_refused_and_repaired(void **state)
{
    (void)state;
    HANDLE heap = new_heap(4 * MIB);
    char *text = HeapAlloc(heap, 0, 100);
    strcpy(text, "whole");
    assert_true(barrow_heap_set_root(heap, "text", text));
    assert_non_null(HeapAlloc(heap, 0, 2 * MIB));
    assert_true(barrow_heap_close(heap));
    assert_int_equal(truncate(path, MIB + 1234), 0);
    assert_null(open_again(0));
    assert_int_equal(GetLastError(), ERROR_FILE_CORRUPT);
    assert_non_null(heap = open_again(BARROW_HEAP_REPAIR));
    assert_string_equal(barrow_heap_root(heap, "text"), "whole");
    assert_true(HeapValidate(heap, 0, NULL));
    assert_non_null(HeapAlloc(heap, 0, 2 * MIB));
    assert_true(barrow_heap_close(heap));
    assert_int_equal(truncate(path, 100 << 10), 0);
    assert_null(open_again(BARROW_HEAP_REPAIR));
    assert_int_equal(GetLastError(), ERROR_FILE_CORRUPT);
}

/* ---- copies --------------------------------------------------------------------------------- */

static void check_copy(const char *copy)
{
    HANDLE heap = barrow_heap_open_file(copy, 0, 0, BARROW_HEAP_MUST_EXIST);
    assert_non_null(heap);
    assert_true(HeapValidate(heap, 0, NULL));
    assert_string_equal(barrow_heap_root(heap, "root 100"), "block 100");
    assert_true(barrow_heap_close(heap));
}

static void snapshots_are_heaps(void **state)
{
    (void)state;
    make_heap_with_text();
    HANDLE heap = open_again(0);
    assert_true(barrow_heap_snapshot(heap, in_folder("copy")));
    assert_non_null(HeapAlloc(heap, 0, 5000));
    assert_true(barrow_heap_snapshot(heap, in_folder("copy")));
    check_copy(in_folder("copy"));
    assert_false(barrow_heap_snapshot(heap, in_folder("no/copy")));
    assert_int_equal(GetLastError(), ERROR_PATH_NOT_FOUND);
    assert_true(barrow_heap_close(heap));
    assert_non_null(heap = open_again(BARROW_HEAP_READ_ONLY));
    assert_true(barrow_heap_snapshot(heap, in_folder("other")));
    check_copy(in_folder("other"));
    assert_true(barrow_heap_close(heap));
}

static void sync_then_change_then_die(void)
{
    HANDLE heap = open_again(0);
    char *text = barrow_heap_root(heap, "text");
    strcpy(text, "synced");
    REQUIRE(barrow_heap_sync(heap));
    strcpy(text, "not synced");
    REQUIRE(barrow_heap_set_root(heap, "text", NULL));
    REQUIRE(HeapFree(heap, 0, text) && HeapAlloc(heap, 0, 1000) != NULL);
    raise(SIGKILL);
}

/* Another number of the boot is what a restart leaves. */
static void pretend_restart(void)
{
    char other[16] = "another boot ..";
    off_t boot = (4 << 10) + 184;
    write_at(boot, other, sizeof other);
}

static void last_sync_is_found_after_a_restart(void **state)
{
    (void)state;
    HANDLE heap = new_heap(MIB);
    char *text = HeapAlloc(heap, 0, 100);
    assert_true(barrow_heap_set_root(heap, "text", text));
    assert_true(barrow_heap_close(heap));
    assert_int_equal(in_child(sync_then_change_then_die), -SIGKILL);
    pretend_restart();
    assert_non_null(heap = open_again(0));
    assert_string_equal(barrow_heap_root(heap, "text"), "synced");
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(barrow_heap_close(heap));
    assert_int_equal(access(in_folder("heap.synced"), F_OK), -1);
}

static void latest_state_is_found_after_a_death(void **state)
{
    (void)state;
    HANDLE heap = new_heap(MIB);
    char *text = HeapAlloc(heap, 0, 100);
    assert_true(barrow_heap_set_root(heap, "text", text));
    assert_true(barrow_heap_close(heap));
    assert_int_equal(in_child(sync_then_change_then_die), -SIGKILL);
    assert_non_null(heap = open_again(0));
    assert_null(barrow_heap_root(heap, "text"));
    assert_true(barrow_heap_close(heap));
}

/* ---- collection ----------------------------------------------------------------------------- */

struct node {
    uint64_t next;    /* an offset */
    int64_t distance; /* from this word to the next node */
};

static void chain(HANDLE heap, bool by_distance)
{
    struct node *first = NULL;
    for (int i = 0; i < 100; i++) {
        struct node *node = HeapAlloc(heap, HEAP_ZERO_MEMORY, sizeof *node);
        if (by_distance)
            node->distance = first == NULL ? 0 : (char *)first - (char *)&node->distance;
        else
            node->next = barrow_heap_offset(heap, first);
        first = node;
        assert_non_null(HeapAlloc(heap, HEAP_ZERO_MEMORY, 40)); /* lost */
    }
    assert_true(barrow_heap_set_root(heap, by_distance ? "distances" : "offsets", first));
}

static int traced;

static void trace(HANDLE heap, void *block, SIZE_T size, void (*visit)(void *, const void *),
                  void *visitor, void *context)
{
    struct node *node = block;
    assert_int_equal(size, sizeof *node);
    assert_ptr_equal(context, &traced);
    traced++;
    visit(visitor, barrow_heap_pointer(heap, node->next));
    visit(visitor, node->distance != 0 ? (char *)&node->distance + node->distance : NULL);
}

static void lost_blocks_are_collected(void **state)
{
    (void)state;
    for (int with_function = 0; with_function < 2; with_function++) {
        remove(path);
        uint64_t freed = 0;
        HANDLE heap = new_heap(MIB);
        chain(heap, false);
        chain(heap, true);
        HEAP_SUMMARY summary = { .cb = sizeof summary };
        traced = 0;
        assert_true(barrow_heap_collect(heap, with_function ? trace : NULL, &traced, &freed));
        assert_int_equal(freed, 200);
        assert_int_equal(traced, with_function ? 200 : 0);
        assert_true(HeapSummary(heap, 0, &summary));
        assert_int_equal(summary.cbAllocated, 200 * sizeof(struct node));
        assert_true(HeapValidate(heap, 0, NULL));
        assert_true(barrow_heap_close(heap));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(limit_of_file_sizes_is_a_failed_call),
        TEST(full_disk_is_a_failed_call),
        TEST(foreign_files_are_refused),
        TEST(damage_is_refused_and_repaired),
        TEST(shortened_files_are_refused_and_repaired),
        TEST(snapshots_are_heaps),
        TEST(last_sync_is_found_after_a_restart),
        TEST(latest_state_is_found_after_a_death),
        TEST(lost_blocks_are_collected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
