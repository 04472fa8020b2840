/* SPDX-License-Identifier: MIT */
/* A mapped heap's file is copied after each single instruction of each kind of call, as the death of
 * the process at that instruction would leave it. Another process opens each copy, and must find a
 * sound heap with the blocks of before the call or those of after it, whole, and all roots.
 *
 * Before it does so, it opens the heap itself as a reader, while the call is stopped at that instruction,
 * and must find there all blocks that the call is not about. */
#include <windows.h>

#include <barrow/mapped_heap.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "single_step.h"
#include "support/check.h"
#include "support/scale.h"
#include "support/suite.h"

enum {
    MOST_BLOCKS = 400,
    FILE_MOST = 1 << 20,
    RETURNING = 120, /* instructions from the last one that counts to the caller */
    EVERY_STEP = 1500,
    ROOM = 512 << 10
};

struct block {
    uint64_t offset; /* 0: none */
    size_t size;
    unsigned seed;
};

/* Which states the copy may show. */
struct model {
    struct block blocks[MOST_BLOCKS];
    size_t subject;       /* the block that the call is about */
    struct block changed; /* what it is after the call; offset 0: none */
    bool may_be_other;    /* realloc: a block of this size anywhere */
    uint64_t root;        /* after a call that sets it */
};

struct shared {
    struct model model;
    size_t extra; /* copies in which a call had allocated without having returned */
    size_t copy_size;
    char copy[FILE_MOST];
};

static struct shared *shared;
static HANDLE heap;
static int to_checker[2], from_checker[2];
static char heap_path[64], copy_path[64];

static unsigned char pattern(unsigned seed, size_t i)
{
    return (unsigned char)(seed * 31 + i * 7 + 1);
}

static void fill(const struct block *block)
{
    unsigned char *bytes = barrow_heap_pointer(heap, block->offset);
    for (size_t i = 0; i < block->size; i++)
        bytes[i] = pattern(block->seed, i);
}

/* ---- the other process ---------------------------------------------------------------------- */

static bool has_pattern(HANDLE copy, const struct block *block, size_t size)
{
    const unsigned char *bytes = barrow_heap_pointer(copy, block->offset);
    if (bytes == NULL || HeapSize(copy, 0, bytes) != block->size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != pattern(block->seed, i))
            return false;
    return true;
}

static size_t busy_blocks(HANDLE copy)
{
    PROCESS_HEAP_ENTRY entry = { 0 };
    size_t count = 0;
    while (HeapWalk(copy, &entry))
        count += (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0;
    REQUIRE(GetLastError() == ERROR_NO_MORE_ITEMS);
    return count;
}

/* The subject is as before the call, or as after it. The count of blocks that it has now. */
static int subject_blocks(HANDLE copy, const struct model *model)
{
    const struct block *before = &model->blocks[model->subject], *after = &model->changed;
    size_t common = before->size < after->size ? before->size : after->size;
    struct block moved = *after;
    moved.seed = before->seed;
    if (before->offset != 0 && has_pattern(copy, before, before->size))
        return 1;
    if (after->offset != 0 && has_pattern(copy, &moved, common))
        return 1;
    return before->offset == 0 || after->offset == 0 ? 0 : -1;
}

static bool check_blocks(HANDLE copy)
{
    const struct model *model = &shared->model;
    size_t count = 0;
    for (size_t i = 0; i < MOST_BLOCKS; i++) {
        if (i == model->subject || model->blocks[i].offset == 0)
            continue;
        count++;
        if (!has_pattern(copy, &model->blocks[i], model->blocks[i].size))
            return false;
    }
    int subject = model->may_be_other ? 1 : subject_blocks(copy, model);
    size_t busy = busy_blocks(copy);
    if (subject < 0 || busy < count + (size_t)subject)
        return false;
    shared->extra += busy - count - (size_t)subject;
    return busy - count - (size_t)subject <= 1;
}

static bool check_root(HANDLE copy)
{
    uint64_t root = barrow_heap_offset(copy, barrow_heap_root(copy, "first"));
    return root != 0 && (root == shared->model.blocks[0].offset || root == shared->model.root);
}

static bool check_copy(void)
{
    int fd = open(copy_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0 && write(fd, shared->copy, shared->copy_size) == (ssize_t)shared->copy_size);
    close(fd);
    HANDLE copy = barrow_heap_open_file(copy_path, 0, 0, BARROW_HEAP_MUST_EXIST);
    if (copy == NULL)
        return false;
    bool sound = HeapValidate(copy, 0, NULL) && check_root(copy) && check_blocks(copy);
    void *block = HeapAlloc(copy, 0, 100);
    sound = sound && block != NULL && HeapFree(copy, 0, block) && HeapValidate(copy, 0, NULL);
    return barrow_heap_close(copy) && sound;
}

/* Without the lock, which the call may have. */
static bool check_live(void)
{
    const struct model *model = &shared->model;
    HANDLE live = barrow_heap_open_file(heap_path, 0, 0, BARROW_HEAP_READ_ONLY);
    if (live == NULL)
        return false;
    bool sound = check_root(live);
    for (size_t i = 0; i < MOST_BLOCKS; i++) {
        const struct block *block = &model->blocks[i];
        if (i != model->subject && block->offset != 0)
            sound = sound && has_pattern(live, block, block->size);
    }
    return barrow_heap_close(live) && sound;
}

static _Noreturn void check_copies(void)
{
    char byte;
    while (read(to_checker[0], &byte, 1) == 1) {
        byte = check_live() && check_copy() ? 'y' : 'n';
        REQUIRE(write(from_checker[1], &byte, 1) == 1);
    }
    _exit(0);
}

/* ---- this process --------------------------------------------------------------------------- */

static volatile size_t step, failures, first_failure;
static size_t stride;

static void send_copy(void)
{
    const char *base = (const char *)barrow_heap_pointer(heap, (uint64_t)128 << 10) - (128 << 10);
    struct barrow_mapped_heap_info info = { .size = sizeof info };
    char byte = 'c';
    (void)info;
    shared->copy_size = FILE_MOST;
    int fd = open(heap_path, O_RDONLY | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    close(fd);
    REQUIRE(size > 0 && size <= FILE_MOST);
    shared->copy_size = (size_t)size;
    memcpy(shared->copy, base, (size_t)size);
    REQUIRE(write(to_checker[1], &byte, 1) == 1 && read(from_checker[0], &byte, 1) == 1);
    if (byte != 'y' && failures++ == 0)
        first_failure = step;
}

static void at_step(void)
{
    if (step++ < EVERY_STEP || step % stride == 0)
        send_copy();
}

static size_t asked;
static void *got;

static void call_alloc(void)
{
    got = HeapAlloc(heap, 0, asked);
}

static void call_alloc_zero(void)
{
    got = HeapAlloc(heap, HEAP_ZERO_MEMORY, asked);
}

static void call_free(void)
{
    REQUIRE(HeapFree(heap, 0, got));
}

static void call_realloc(void)
{
    got = HeapReAlloc(heap, 0, got, asked);
}

static void call_root(void)
{
    REQUIRE(barrow_heap_set_root(heap, "first", got));
}

static void call_compact(void)
{
    HeapCompact(heap, 0);
}

static void call_collect(void)
{
    REQUIRE(barrow_heap_set_type(heap, "steps", asked));
}

static struct block *unused_block(void)
{
    for (size_t i = 1; i < MOST_BLOCKS; i++)
        if (shared->model.blocks[i].offset == 0)
            return &shared->model.blocks[i];
    abort();
}

static void begin_model(const struct block *subject)
{
    struct model *model = &shared->model;
    model->subject = subject == NULL ? MOST_BLOCKS : (size_t)(subject - model->blocks);
    model->changed = (struct block){ 0 };
    model->may_be_other = false;
    model->root = 0;
    shared->extra = 0;
    step = 0;
}

static void add(size_t size)
{
    struct block *block = unused_block();
    void *memory = HeapAlloc(heap, 0, size);
    REQUIRE(memory != NULL);
    *block = (struct block){ barrow_heap_offset(heap, memory), size, (unsigned)(size + 3) };
    fill(block);
}

/* A block that a killed process had not got yet is none; but for the way back from the call. */
static void alloc_in_steps(size_t size, void call(void))
{
    struct block *block = unused_block();
    begin_model(block);
    asked = size;
    single_step(call, at_step);
    REQUIRE(got != NULL);
    assert_int_equal(failures, 0);
    assert_true(shared->extra <= RETURNING);
    *block = (struct block){ barrow_heap_offset(heap, got), size, (unsigned)(size + 3) };
    fill(block);
}

static void free_in_steps(struct block *block)
{
    begin_model(block);
    got = barrow_heap_pointer(heap, block->offset);
    single_step(call_free, at_step);
    assert_int_equal(failures, 0);
    assert_int_equal(shared->extra, 0);
    *block = (struct block){ 0 };
}

/* Where the block will be is not known before, so a rehearsal in the checker's place tells: here the
 * copies are only asked for soundness and all other blocks. */
static void realloc_in_steps(struct block *block, size_t size)
{
    begin_model(block);
    shared->model.may_be_other = true;
    asked = size;
    got = barrow_heap_pointer(heap, block->offset);
    single_step(call_realloc, at_step);
    REQUIRE(got != NULL);
    assert_int_equal(failures, 0);
    assert_int_equal(shared->extra, 0);
    *block = (struct block){ barrow_heap_offset(heap, got), size, block->seed };
    fill(block);
}

static struct block *block_of_size(size_t size)
{
    for (size_t i = 1; i < MOST_BLOCKS; i++)
        if (shared->model.blocks[i].offset != 0 && shared->model.blocks[i].size == size)
            return &shared->model.blocks[i];
    abort();
}

static void small_blocks(void **state)
{
    (void)state;
    alloc_in_steps(40, call_alloc); /* the cache has none: a batch */
    alloc_in_steps(40, call_alloc); /* from the cache */
    alloc_in_steps(40, call_alloc_zero);
    free_in_steps(block_of_size(40)); /* into the cache */
    free_in_steps(block_of_size(40));
    alloc_in_steps(41, call_alloc);
    alloc_in_steps(0, call_alloc);
    free_in_steps(block_of_size(0));
}

static void large_blocks(void **state)
{
    (void)state;
    add(3000);
    add(3001);
    add(3002);
    alloc_in_steps(5000, call_alloc);
    alloc_in_steps(5000, call_alloc_zero);
    free_in_steps(block_of_size(3001)); /* between two in use */
    free_in_steps(block_of_size(3000)); /* before a free one */
    free_in_steps(block_of_size(3002)); /* after a free one */
    free_in_steps(block_of_size(5000));
}

static void growth(void **state)
{
    (void)state;
    alloc_in_steps(90000, call_alloc);
    alloc_in_steps(100000, call_alloc);
    free_in_steps(block_of_size(90000));
}

static void resized_blocks(void **state)
{
    (void)state;
    add(2000);
    add(2001);
    realloc_in_steps(block_of_size(2000), 1990); /* the same units */
    realloc_in_steps(block_of_size(1990), 1500); /* shorter */
    realloc_in_steps(block_of_size(1500), 1800); /* longer in place */
    realloc_in_steps(block_of_size(1800), 6000); /* moves */
    realloc_in_steps(block_of_size(6000), 6);
}

/* A cache that is full gives half of its lists to the engine. */
static void full_caches(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++)
        add(200);
    for (int i = 0; i < 299; i++) {
        struct block *block = block_of_size(200);

        if (i % 16 == 15) {
            free_in_steps(block);
        } else {
            REQUIRE(HeapFree(heap, 0, barrow_heap_pointer(heap, block->offset)));
            *block = (struct block){ 0 };
        }
    }
}

static void roots(void **state)
{
    (void)state;
    struct block *block = block_of_size(200);
    begin_model(NULL);
    shared->model.root = block->offset;
    got = barrow_heap_pointer(heap, block->offset);
    single_step(call_root, at_step);
    assert_int_equal(failures, 0);
    got = barrow_heap_pointer(heap, shared->model.blocks[0].offset);
    single_step(call_root, at_step);
    assert_int_equal(failures, 0);
    single_step(call_collect, at_step);
    assert_int_equal(failures, 0);
}

static void compaction(void **state)
{
    (void)state;
    begin_model(NULL);
    single_step(call_compact, at_step);
    assert_int_equal(failures, 0);
    alloc_in_steps(20000, call_alloc); /* where holes are */
    add(60000);
}

/* The first block of all has the root's name. */
static int set_up(void **state)
{
    (void)state;
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(heap_path, sizeof heap_path, "%s/barrow-steps-%d", folder, getpid());
    snprintf(copy_path, sizeof copy_path, "%s/barrow-steps-%d-copy", folder, getpid());
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    stride = 100 / scaled(25) * 7 + 1;
    if (shared == MAP_FAILED || pipe(to_checker) != 0 || pipe(from_checker) != 0)
        return -1;
    if (fork() == 0) {
        close(to_checker[1]);
        check_copies();
    }
    close(to_checker[0]);
    heap = barrow_heap_open_file(heap_path, 0, ROOM, BARROW_HEAP_MUST_BE_NEW);
    if (heap == NULL || single_step_prepare() != 0)
        return -1;
    void *first = HeapAlloc(heap, 0, 24);
    shared->model.blocks[0] = (struct block){ barrow_heap_offset(heap, first), 24, 9 };
    fill(&shared->model.blocks[0]);
    return barrow_heap_set_root(heap, "first", first) ? 0 : -1;
}

static int tear_down(void **state)
{
    int status;
    (void)state;
    close(to_checker[1]);
    wait(&status);
    remove(copy_path);
    BOOL closed = barrow_heap_close(heap);
    remove(heap_path);
    return closed && status == 0 ? 0 : -1;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_blocks),   cmocka_unit_test(large_blocks), cmocka_unit_test(growth),
        cmocka_unit_test(resized_blocks), cmocka_unit_test(full_caches),  cmocka_unit_test(roots),
        cmocka_unit_test(compaction),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
