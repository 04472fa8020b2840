/* SPDX-License-Identifier: MIT */
/* Heaps in files: opening, blocks, roots, places, other processes. */
#include "fixture.h"

enum { MIB = 1 << 20 };

static void blocks_are_there_in_the_next_opening(void **state)
{
    (void)state;
    HANDLE heap = new_heap(4 * MIB);
    char *text = HeapAlloc(heap, HEAP_ZERO_MEMORY, 1000);
    assert_non_null(text);
    strcpy(text, "kept");
    assert_int_equal(HeapSize(heap, 0, text), 1000);
    assert_true(barrow_heap_set_root(heap, "text", text));
    uint64_t offset = barrow_heap_offset(heap, text);
    assert_true(barrow_heap_close(heap));
    assert_false(HeapValidate(heap, 0, NULL));
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);

    assert_non_null(heap = open_again(0));
    text = barrow_heap_root(heap, "text");
    assert_string_equal(text, "kept");
    assert_int_equal(barrow_heap_offset(heap, text), offset);
    assert_ptr_equal(barrow_heap_pointer(heap, offset), text);
    assert_true(HeapFree(heap, 0, text));
    assert_null(barrow_heap_root(heap, "text"));
    assert_true(barrow_heap_close(heap));
}

static void flags_say_what_may_be(void **state)
{
    (void)state;
    assert_null(open_again(0));
    assert_int_equal(GetLastError(), ERROR_FILE_NOT_FOUND);
    HANDLE heap = new_heap(MIB);
    assert_null(barrow_heap_open_file(path, 0, MIB, BARROW_HEAP_MUST_BE_NEW));
    assert_int_equal(GetLastError(), ERROR_FILE_EXISTS);
    assert_null(barrow_heap_open_file(path, 0, MIB, 1 << 20));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_null(barrow_heap_open_file(in_folder("none"), 0, 0, 0));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_null(barrow_heap_open_file(in_folder("none"), 0, (SIZE_T)1 << 41, 0));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_null(barrow_heap_open_file(in_folder("no/folder"), 0, MIB, 0));
    assert_int_equal(GetLastError(), ERROR_FILE_NOT_FOUND);
    assert_null(barrow_heap_open_file(NULL, 0, MIB, 0));
    assert_null(barrow_heap_open_file(folder, 0, MIB, 0));
    assert_true(barrow_heap_close(heap));
}

/* As for any other heap. */
static void wrong_blocks_are_refused(void **state)
{
    (void)state;
    HANDLE heap = new_heap(MIB);
    char *block = HeapAlloc(heap, 0, 100), local[64];
    assert_false(HeapFree(heap, 0, block + 16));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(HeapFree(heap, 0, local + 16));
    assert_int_equal(HeapSize(heap, 0, local), (SIZE_T)-1);
    assert_true(HeapFree(heap, 0, block));
    assert_false(HeapFree(heap, 0, block));
    assert_null(HeapReAlloc(heap, 0, block, 10));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_int_equal(HeapSize(heap, 0, block), (SIZE_T)-1);
    assert_null(HeapAlloc(heap, 0, 2 * MIB));
    assert_int_equal(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
    assert_true(HeapFree(heap, 0, NULL));
    assert_true(HeapValidate(heap, 0, NULL));
    assert_int_equal(barrow_heap_offset(heap, local), 0);
    assert_null(barrow_heap_pointer(heap, (uint64_t)1 << 50));
    assert_false(barrow_heap_close(GetProcessHeap()));
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
    assert_true(barrow_heap_close(heap));
}

static void sizes_alignments_and_zeros(void **state)
{
    (void)state;
    HANDLE heap = new_heap(16 * MIB);
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *block = HeapAlloc(heap, 0, size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 16, 0);
        assert_int_equal(HeapSize(heap, 0, block), size);
        memset(block, 0xee, size);
        assert_true(HeapFree(heap, 0, block));
        block = HeapAlloc(heap, HEAP_ZERO_MEMORY, size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(block[i], 0);
        block = HeapReAlloc(heap, HEAP_ZERO_MEMORY, block, size + 50);
        assert_int_equal(HeapSize(heap, 0, block), size + 50);
        for (size_t i = 0; i < size + 50; i++)
            assert_int_equal(block[i], 0);
    }
    for (size_t align = 16; align <= 65536; align *= 2) {
        void *block = barrow_heap_aligned_alloc(heap, align, 100);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % align, 0);
    }
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(barrow_heap_close(heap));
}

static void all_of_a_small_heap_can_be_had_and_comes_back(void **state)
{
    (void)state;
    HANDLE heap = new_heap(256 << 10);
    void *blocks[400];
    size_t count = 0;
    while (count < 400 && (blocks[count] = HeapAlloc(heap, 0, 1000)) != NULL)
        count++;
    assert_true(count * 1000 > (256 << 10) * 9 / 10);
    while (count > 0)
        assert_true(HeapFree(heap, 0, blocks[--count]));
    void *large = HeapAlloc(heap, 0, (256 << 10) - 8000);
    assert_non_null(large);
    assert_true(HeapFree(heap, 0, large));
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(barrow_heap_close(heap));
}

/* The maximum is the limit; another one would be written into the file, which the next opening refuses. */
static void no_other_limit_can_be_set(void **state)
{
    (void)state;
    HANDLE heap = new_heap(256 << 10);
    errno = 0;
    assert_int_equal(barrow_heap_set_limit(heap, 64 << 10, NULL, NULL), -1);
    assert_int_equal(errno, ENOTSUP);
    assert_non_null(HeapAlloc(heap, 0, 100 << 10));
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(barrow_heap_close(heap));
    heap = barrow_heap_open_file(path, 0, 0, BARROW_HEAP_MUST_EXIST);
    assert_non_null(heap);
    assert_true(barrow_heap_close(heap));
}

static void compaction_gives_the_file_back(void **state)
{
    (void)state;
    struct stat before, after;
    HANDLE heap = new_heap(64 * MIB);
    char *first = HeapAlloc(heap, 0, 20 * MIB), *middle = HeapAlloc(heap, 0, 100);
    char *last = HeapAlloc(heap, 0, 20 * MIB);
    memset(first, 1, 20 * MIB);
    memset(last, 1, 20 * MIB);
    stat(path, &before);
    assert_true(HeapFree(heap, 0, first) && HeapFree(heap, 0, last));
    assert_true(HeapCompact(heap, 0) >= 20 * MIB - 64);
    stat(path, &after);
    assert_true(after.st_size < before.st_size - 19 * MIB);
    assert_true(after.st_blocks < before.st_blocks / 10);
    first = HeapAlloc(heap, HEAP_ZERO_MEMORY, 19 * MIB);
    assert_non_null(first);
    for (size_t i = 0; i < 19 * MIB; i += 4096)
        assert_int_equal(first[i], 0);
    assert_int_equal(HeapSize(heap, 0, middle), 100);
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(barrow_heap_close(heap));
}

static void summary_walk_and_lock(void **state)
{
    (void)state;
    HANDLE heap = new_heap(MIB);
    HEAP_SUMMARY summary = { .cb = sizeof summary };
    void *block = HeapAlloc(heap, 0, 77);
    assert_true(HeapSummary(heap, 0, &summary));
    assert_int_equal(summary.cbAllocated, 77);
    assert_int_equal(summary.cbMaxReserve, MIB);
    PROCESS_HEAP_ENTRY entry = { 0 };
    bool found = false;
    assert_true(HeapLock(heap));
    while (HeapWalk(heap, &entry))
        found |= entry.lpData == block && entry.cbData == 77 &&
                 (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0;
    assert_int_equal(GetLastError(), ERROR_NO_MORE_ITEMS);
    assert_true(found);
    assert_non_null(HeapAlloc(heap, 0, 10));
    assert_true(HeapUnlock(heap));
    assert_false(HeapUnlock(heap));
    assert_int_equal(GetLastError(), ERROR_NOT_LOCKED);
    assert_true(barrow_heap_close(heap));
}

static void scopes_serve_malloc(void **state)
{
    (void)state;
    HANDLE heap = new_heap(4 * MIB);
    struct barrow_scope scope;
    assert_int_equal(barrow_scope_enter(&scope, heap), 0);
    char *block = malloc(1234);
    assert_int_equal(barrow_scope_leave(&scope), 0);
#if BARROW_OVERRIDE_MALLOC
    assert_true(barrow_heap_offset(heap, block) != 0);
#endif
    free(block);
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(barrow_heap_close(heap));
}

/* ---- roots ---------------------------------------------------------------------------------- */

static void roots_are_set_replaced_listed_and_removed(void **state)
{
    (void)state;
    HANDLE heap = new_heap(MIB);
    void *a = HeapAlloc(heap, 0, 10), *b = HeapAlloc(heap, 0, 10), *block;
    char name[BARROW_ROOT_NAME_SIZE], longest[BARROW_ROOT_NAME_SIZE + 1];
    memset(longest, 'n', sizeof longest);
    longest[BARROW_ROOT_NAME_SIZE] = 0;
    assert_false(barrow_heap_set_root(heap, longest, a));
    longest[BARROW_ROOT_NAME_SIZE - 1] = 0;
    assert_true(barrow_heap_set_root(heap, longest, a));
    assert_ptr_equal(barrow_heap_root(heap, longest), a);
    assert_false(barrow_heap_set_root(heap, "", a));
    assert_false(barrow_heap_set_root(heap, "x", (char *)a + 1));
    assert_true(barrow_heap_set_root(heap, longest, b));
    assert_ptr_equal(barrow_heap_root(heap, longest), b);
    DWORD position = 0;
    assert_true(barrow_heap_next_root(heap, &position, name, &block));
    assert_string_equal(name, longest);
    assert_ptr_equal(block, b);
    assert_false(barrow_heap_next_root(heap, &position, name, &block));
    assert_int_equal(GetLastError(), ERROR_NO_MORE_ITEMS);
    assert_true(barrow_heap_set_root(heap, longest, NULL));
    assert_null(barrow_heap_root(heap, longest));
    assert_int_equal(GetLastError(), ERROR_FILE_NOT_FOUND);
    assert_false(barrow_heap_set_root(heap, longest, NULL));
    for (int i = 0; i < BARROW_ROOT_COUNT; i++) {
        snprintf(name, sizeof name, "root %d", i);
        assert_true(barrow_heap_set_root(heap, name, a));
    }
    assert_false(barrow_heap_set_root(heap, "one more", a));
    assert_int_equal(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
    assert_true(barrow_heap_close(heap));
}

static void type_and_version_are_kept(void **state)
{
    (void)state;
    HANDLE heap = new_heap(MIB);
    struct barrow_mapped_heap_info info = { .size = sizeof info };
    assert_true(barrow_heap_set_type(heap, "word count", 3));
    assert_true(barrow_heap_close(heap));
    assert_non_null(heap = open_again(0));
    assert_true(barrow_mapped_heap_info(heap, &info));
    assert_string_equal(info.type, "word count");
    assert_int_equal(info.user_version, 3);
    assert_int_equal(info.openings, 2);
    assert_int_equal(info.recoveries, 0);
    assert_int_equal(info.maximum, MIB);
    assert_true(barrow_heap_close(heap));
}

/* ---- other processes ------------------------------------------------------------------------ */

static void read_what_grew(void)
{
    HANDLE heap = open_again(0);
    char byte;
    REQUIRE(heap != NULL);
    REQUIRE(write(1000, "o", 1) == 1 && read(1001, &byte, 1) == 1);
    char *block = barrow_heap_root(heap, "far");
    REQUIRE(block != NULL && block[30 * MIB - 1] == 'z');
    REQUIRE(barrow_heap_close(heap));
}

static void growth_is_seen_at_once(void **state)
{
    (void)state;
    int to[2], from[2];
    char byte;
    HANDLE heap = new_heap(64 * MIB);
    assert_true(pipe(to) == 0 && pipe(from) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(from[1], 1000);
        dup2(to[0], 1001);
        alarm(60);
        read_what_grew();
        _exit(0);
    }
    assert_int_equal(read(from[0], &byte, 1), 1);
    char *block = HeapAlloc(heap, 0, 30 * MIB);
    assert_non_null(block);
    block[30 * MIB - 1] = 'z';
    assert_true(barrow_heap_set_root(heap, "far", block));
    assert_int_equal(write(to[1], "g", 1), 1);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(barrow_heap_close(heap));
}

static HANDLE inherited;

static void use_inherited(void)
{
    char *text = barrow_heap_root(inherited, "text");
    REQUIRE(text != NULL && strcmp(text, "parent's") == 0);
    for (int i = 0; i < 1000; i++) {
        void *block = HeapAlloc(inherited, 0, 50);
        REQUIRE(block != NULL);
        REQUIRE(i % 2 == 0 || HeapFree(inherited, 0, block));
    }
    strcpy(text, "child's");
    REQUIRE(HeapValidate(inherited, 0, NULL));
    REQUIRE(barrow_heap_close(inherited));
}

static void child_of_fork_has_it_too(void **state)
{
    (void)state;
    inherited = new_heap(MIB);
    char *text = HeapAlloc(inherited, 0, 50);
    strcpy(text, "parent's");
    assert_true(barrow_heap_set_root(inherited, "text", text));
    for (int i = 0; i < 3; i++) {
        strcpy(text, "parent's");
        assert_int_equal(in_child(use_inherited), 0);
        assert_string_equal(text, "child's");
        assert_true(HeapFree(inherited, 0, HeapAlloc(inherited, 0, 50)));
    }
    assert_true(HeapValidate(inherited, 0, NULL));
    assert_true(barrow_heap_close(inherited));
}

static void die_with_the_lock(void)
{
    HANDLE heap = open_again(0);
    REQUIRE(heap != NULL && HeapLock(heap));
    raise(SIGKILL);
}

static void death_with_the_lock_is_found_at_once(void **state)
{
    (void)state;
    HANDLE heap = new_heap(MIB);
    void *block = HeapAlloc(heap, 0, 100);
    assert_int_equal(in_child(die_with_the_lock), -SIGKILL);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_true(HeapLock(heap));
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(HeapUnlock(heap));
    assert_true(end.tv_sec - start.tv_sec < 2);
    assert_true(HeapFree(heap, 0, block));
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(barrow_heap_close(heap));
}

static void leave_blocks_in_a_cache(void)
{
    HANDLE heap = open_again(0);
    void *blocks[100];
    for (int i = 0; i < 100; i++)
        REQUIRE((blocks[i] = HeapAlloc(heap, 0, 500)) != NULL);
    for (int i = 0; i < 100; i++)
        REQUIRE(HeapFree(heap, 0, blocks[i]));
    raise(SIGKILL);
}

/* Otherwise so many deaths would leave nothing. */
static void caches_of_the_dead_come_back(void **state)
{
    (void)state;
    HANDLE heap = new_heap(256 << 10);
    for (int i = 0; i < 100; i++)
        assert_int_equal(in_child(leave_blocks_in_a_cache), -SIGKILL);
    void *large = HeapAlloc(heap, 0, (256 << 10) - 8000);
    assert_non_null(large);
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(barrow_heap_close(heap));
}

static void readers_read_and_walk(void **state)
{
    (void)state;
    HANDLE writer = new_heap(MIB);
    char *text = HeapAlloc(writer, 0, 100);
    strcpy(text, "read me");
    assert_true(barrow_heap_set_root(writer, "text", text));
    for (int closed = 0; closed < 2; closed++) {
        HANDLE reader = open_again(BARROW_HEAP_READ_ONLY);
        assert_non_null(reader);
        text = barrow_heap_root(reader, "text");
        assert_string_equal(text, "read me");
        assert_int_equal(HeapSize(reader, 0, text), 100);
        assert_true(HeapValidate(reader, 0, NULL));
        assert_null(HeapAlloc(reader, 0, 10));
        assert_int_equal(GetLastError(), ERROR_ACCESS_DENIED);
        assert_false(HeapFree(reader, 0, text));
        assert_null(HeapReAlloc(reader, 0, text, 10));
        assert_int_equal(GetLastError(), ERROR_ACCESS_DENIED);
        assert_false(barrow_heap_set_root(reader, "text", NULL));
        assert_int_equal(GetLastError(), ERROR_ACCESS_DENIED);
        assert_false(barrow_heap_sync(reader));
        PROCESS_HEAP_ENTRY entry = { 0 };
        size_t busy = 0;
        while (HeapWalk(reader, &entry))
            busy += (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0;
        assert_int_equal(busy, 1);
        assert_true(barrow_heap_close(reader));
        if (closed == 0)
            assert_true(barrow_heap_close(writer));
    }
}

static void die_in_use(void)
{
    HANDLE heap = open_again(0);
    REQUIRE(heap != NULL && HeapAlloc(heap, 0, 3000) != NULL);
    raise(SIGKILL);
}

/* The file itself is not changed. */
static void readers_see_what_a_crash_left_in_order(void **state)
{
    (void)state;
    HANDLE heap = new_heap(MIB);
    assert_true(barrow_heap_close(heap));
    assert_int_equal(in_child(die_in_use), -SIGKILL);
    for (int i = 0; i < 2; i++) {
        assert_non_null(heap = open_again(BARROW_HEAP_READ_ONLY));
        assert_true(HeapValidate(heap, 0, NULL));
        struct barrow_mapped_heap_info info = { .size = sizeof info };
        assert_true(barrow_mapped_heap_info(heap, &info));
        assert_int_equal(info.recoveries, 1);
        assert_true(barrow_heap_close(heap));
    }
}

static void destroying_removes_the_blocks(void **state)
{
    (void)state;
    HANDLE heap = new_heap(64 * MIB);
    void *block = HeapAlloc(heap, 0, 10 * MIB);
    assert_true(barrow_heap_set_root(heap, "block", block));
    assert_true(HeapDestroy(heap));
    assert_non_null(heap = open_again(0));
    assert_null(barrow_heap_root(heap, "block"));
    HEAP_SUMMARY summary = { .cb = sizeof summary };
    assert_true(HeapSummary(heap, 0, &summary));
    assert_int_equal(summary.cbAllocated, 0);
    struct stat stat_now;
    stat(path, &stat_now);
    assert_true(stat_now.st_size < MIB);
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(barrow_heap_close(heap));
}

static void sections_hold_heaps(void **state)
{
    (void)state;
    HANDLE section =
        CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4 * MIB, NULL);
    HANDLE other = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4 * MIB, NULL);
    assert_non_null(section);
    HANDLE heap = barrow_heap_open_section(section, 0, 0, 0);
    HANDLE second = barrow_heap_open_section(other, 0, 0, 0);
    HANDLE again = barrow_heap_open_section(section, 0, 0, 0);
    assert_non_null(heap);
    assert_non_null(second);
    assert_non_null(again);
    char *text = HeapAlloc(heap, 0, 100);
    strcpy(text, "shared");
    assert_true(barrow_heap_set_root(heap, "text", text));
    assert_string_equal(barrow_heap_root(again, "text"), "shared");
    assert_ptr_not_equal(barrow_heap_root(again, "text"), text);
    assert_null(barrow_heap_root(second, "text"));
    assert_non_null(HeapAlloc(heap, 0, 3 * MIB));
    assert_null(HeapAlloc(heap, 0, 3 * MIB));
    assert_false(barrow_heap_sync(heap));
    assert_int_equal(GetLastError(), ERROR_NOT_SUPPORTED);
    assert_true(barrow_heap_close(heap) && barrow_heap_close(again) && barrow_heap_close(second));
    assert_null(barrow_heap_open_section(GetProcessHeap(), 0, 0, 0));
    CloseHandle(section);
    CloseHandle(other);
}

static void address_may_be_asked_for(void **state)
{
    (void)state;
    HANDLE heap = new_heap(MIB);
    void *base = (char *)barrow_heap_pointer(heap, 128 << 10) - (128 << 10);
    assert_null(barrow_heap_open_file_at(path, 0, 0, 0, base));
    assert_int_equal(GetLastError(), ERROR_INVALID_ADDRESS);
    assert_true(barrow_heap_close(heap));
    heap = barrow_heap_open_file_at(path, 0, 0, 0, base);
    assert_ptr_equal((char *)barrow_heap_pointer(heap, 128 << 10) - (128 << 10), base);
    assert_true(barrow_heap_close(heap));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(blocks_are_there_in_the_next_opening),
        TEST(flags_say_what_may_be),
        TEST(wrong_blocks_are_refused),
        TEST(sizes_alignments_and_zeros),
        TEST(all_of_a_small_heap_can_be_had_and_comes_back),
        TEST(no_other_limit_can_be_set),
        TEST(compaction_gives_the_file_back),
        TEST(summary_walk_and_lock),
        TEST(scopes_serve_malloc),
        TEST(roots_are_set_replaced_listed_and_removed),
        TEST(type_and_version_are_kept),
        TEST(growth_is_seen_at_once),
        TEST(child_of_fork_has_it_too),
        TEST(death_with_the_lock_is_found_at_once),
        TEST(caches_of_the_dead_come_back),
        TEST(readers_read_and_walk),
        TEST(readers_see_what_a_crash_left_in_order),
        TEST(destroying_removes_the_blocks),
        TEST(sections_hold_heaps),
        TEST(address_may_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
