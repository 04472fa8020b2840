/* SPDX-License-Identifier: MIT */
/* The marks of free blocks: secret, different in each process, and vouching for the links. What a
 * program stores is never taken for a mark; a free block that was written to is found before its
 * link is followed; and no block that is handed out holds an address of the heap. */
#include "test.h"

#include "heap/bad_pointer.h"
#include "heap/heap.h"
#include "heap/purge.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "invariants.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FOUND = 7, MISSED = 8 };

_Noreturn void __wrap_bad_list(const void *block);

/* The children that damage lists end here. */
_Noreturn void __wrap_bad_list(const void *block)
{
    (void)block;
    _exit(FOUND);
}

/* ---- secrets ------------------------------------------------------------------------------- */

static void the_key_is_drawn_once(void **state)
{
    (void)state;
    uintptr_t before = block_key;
    assert_int_equal(before >> BLOCK_FREE_SHIFT, BLOCK_FREE);
    assert_true(before << (64 - BLOCK_FREE_SHIFT) != 0);
    block_draw_key();
    assert_true(before == block_key);
}

/* What other processes draw: the key is forgotten here in between. */
static void keys_differ(void **state)
{
    (void)state;
    enum { PROCESSES = 100 };
    static uintptr_t drawn[PROCESSES];
    uintptr_t own = block_key;
    for (int i = 0; i < PROCESSES; i++) {
        block_key = (uintptr_t)BLOCK_FREE << BLOCK_FREE_SHIFT;
        block_draw_key();
        drawn[i] = block_key;
        assert_int_equal(block_key >> BLOCK_FREE_SHIFT, BLOCK_FREE);
        for (int j = 0; j < i; j++)
            assert_true(drawn[j] != drawn[i]);
    }
    block_key = own;
}

/* ---- data that looks like a mark ------------------------------------------------------------ */

static void free_with(struct block data)
{
    struct block *block = heap_alloc(64);
    *block = data;
    assert_true(heap_is_block(block));
    assert_int_equal(heap_usable_size(block, "size"), 64);
    heap_free(block, "free");
    assert_false(heap_is_block(block));
}

/* All pairs of words that a program can have. */
static void data_is_no_mark(void **state)
{
    (void)state;
    struct block *one = heap_alloc(64), *two = heap_alloc(64);
    struct random random = { 7 };
    for (int i = 0; i < 100000; i++) {
        uintptr_t word = random_next(&random);
        free_with((struct block){ (struct block *)random_next(&random), word });
        free_with((struct block){ NULL, (word >> 8) | (uintptr_t)BLOCK_FREE << BLOCK_FREE_SHIFT });
        free_with((struct block){ one, (uintptr_t)BLOCK_FREE << BLOCK_FREE_SHIFT });
    }
    free_with((struct block){ NULL, (uintptr_t)(intptr_t)(int32_t)0x9ad3b5c1 });
    free_with((struct block){ (struct block *)(intptr_t)(int32_t)0x9ad3b5c1, 0 });
    heap_free(one, "free");
    heap_free(two, "free");
    check_heap();
}

/* ---- damage -------------------------------------------------------------------------------- */

enum { LISTED = 12, SIZE = 64 };
enum where { IN_CACHE, IN_SLAB, IN_SPARE, IN_OPEN_SLAB, IN_BATCH, PLACES };

enum { MANY = 8 * 1024 }; /* more than a bin and its spare list hold */

static struct block *blocks[MANY];

static void *allocate_all(void *none)
{
    for (size_t i = 0; i < LISTED; i++)
        blocks[i] = heap_alloc(SIZE);
    return none;
}

/* Blocks of a thread that has ended, in this thread's batch for its theap. */
static struct block *gather_blocks(void)
{
    pthread_t thread;
    heap_alloc(SIZE); /* has a theap of its own */
    if (pthread_create(&thread, NULL, allocate_all, NULL) != 0 || pthread_join(thread, NULL) != 0)
        _exit(MISSED);
    for (size_t i = 0; i < LISTED; i++)
        heap_free(blocks[i], "free");
    return blocks[LISTED / 2];
}

/* Brings free blocks there, and says which of them the program writes to. */
static struct block *bring_blocks(enum where where)
{
    if (where == IN_BATCH)
        return gather_blocks();
    struct theap *theap = threads_current();
    size_t count = where == IN_OPEN_SLAB ? MANY
                   : where == IN_SPARE   ? (size_t)theap->bins[size_class_of(SIZE)].most + 8
                                         : LISTED;
    for (size_t i = 0; i < count; i++)
        blocks[i] = heap_alloc(SIZE);
    for (size_t i = 0; i < count; i++)
        if (where != IN_OPEN_SLAB || i % 5 != 0) /* a slab that is empty is given back */
            heap_free(blocks[i], "free");
    if (where == IN_SLAB)
        theap_flush(theap);
    if (where == IN_OPEN_SLAB && theap->open[size_class_of(SIZE)] == NULL)
        _exit(MISSED);
    return blocks[where == IN_OPEN_SLAB ? MANY - 6 : where == IN_SPARE ? 4 : LISTED / 2];
}

/* Has all free blocks pass by. */
static void use_up(enum where where)
{
    struct theap *theap = threads_current();
    if (where == IN_BATCH) {
        theap_flush(theap);
        return;
    }
    uint32_t enough = MANY + 3 * size_class_capacity(size_class_of(SIZE));
    for (uint32_t i = 0; i < enough; i++)
        heap_alloc(SIZE);
}

static int in_child(enum where where, void (*damage)(struct block *block, unsigned how),
                    unsigned how)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_return_code(child, 0);
    if (child == 0) {
        damage(bring_blocks(where), how);
        use_up(where);
        _exit(MISSED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void flip_bit(struct block *block, unsigned bit)
{
    ((unsigned char *)block)[bit / 8] ^= (unsigned char)(1 << bit % 8);
}

static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    for (enum where where = 0; where < PLACES; where++)
        for (unsigned bit = 0; bit < 8 * sizeof(struct block); bit += where == IN_CACHE ? 1 : 5)
            if (in_child(where, flip_bit, bit) != FOUND)
                fail_msg("bit %u in place %u was missed", bit, where);
}

static uintptr_t target[8]; /* where an attacker wants malloc to lead */

/* What a program can write without the secret, and in the last case with another block's words. */
static void forge(struct block *block, unsigned how)
{
    switch (how) {
    case 0:
        block->next = (struct block *)target;
        break;
    case 1:
        *block = (struct block){ (struct block *)target, (uintptr_t)target };
        break;
    case 2:
        *block = (struct block){ (struct block *)target, 0 };
        break;
    case 3:
        memset(block, 0, sizeof *block);
        break;
    case 4:
        memset(block, 0xFF, SIZE);
        break;
    default:
        *block = (struct block){ (struct block *)target,
                                 (uintptr_t)target | (uintptr_t)BLOCK_FREE << BLOCK_FREE_SHIFT };
    }
}

static void every_forged_link_is_found(void **state)
{
    (void)state;
    for (enum where where = 0; where < PLACES; where++)
        for (unsigned how = 0; how < 6; how++)
            if (in_child(where, forge, how) != FOUND)
                fail_msg("forgery %u in place %u was missed", how, where);
}

/* ---- what is handed out --------------------------------------------------------------------- */

static bool holds_address(const void *block, size_t size)
{
    for (const uintptr_t *word = block, *end = word + size / sizeof *word; word < end; word++)
        if (granule_is_ours(granule_of((void *)*word)) || *word == (uintptr_t)BLOCK_END)
            return true;
    return false;
}

/* The mark of a block, whatever its link, has the key's highest byte, and the program wrote none. */
static bool holds_mark(const void *block, size_t size)
{
    for (const uintptr_t *word = block, *end = word + size / sizeof *word; word < end; word++)
        if (*word >> BLOCK_FREE_SHIFT == BLOCK_FREE)
            return true;
    return false;
}

/* Waves of a class's blocks; then blocks of all classes, and large ones, from the same memory. */
static void no_link_is_handed_out(void **state)
{
    enum { BLOCKS = 30000 };
    static void *all[BLOCKS];
    (void)state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class += 3) {
        size_t size = size_class_bytes(size_class);
        size_t count = (4u << 20) / size < BLOCKS ? (4u << 20) / size : BLOCKS;
        for (int wave = 0; wave < 3; wave++) {
            for (size_t i = 0; i < count; i++) {
                all[i] = heap_alloc(size);
                if (holds_address(all[i], size) || holds_mark(all[i], size))
                    fail_msg("a block of %zu bytes holds an address or a mark", size);
            }
            for (size_t i = 0; i < count; i++)
                heap_free(all[(i * 7919) % count], "free");
        }
        theap_flush(threads_current());
        for (int i = 0; i < 20; i++) {
            size_t large = (size_t)(i + 1) * 100000;
            all[i] = heap_alloc(large);
            assert_false(holds_address(all[i], large) || holds_mark(all[i], large));
        }
        for (int i = 0; i < 20; i++)
            heap_free(all[i], "free");
    }
}

/* The first theap draws the keys. */
static int start(void **state)
{
    (void)state;
    heap_free(heap_alloc(SIZE), "free");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_is_drawn_once),
        cmocka_unit_test(keys_differ),
        cmocka_unit_test(data_is_no_mark),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(every_forged_link_is_found),
        cmocka_unit_test(no_link_is_handed_out),
    };
    return cmocka_run_group_tests_name("marks", tests, start, NULL);
}
