/* SPDX-License-Identifier: MIT */
/* The free blocks of private heaps that grow: a mark vouches for each link. A free block that was written to is found
 * before its link is followed, wherever it is listed, and neither a block that is handed out nor memory that goes back
 * holds an address of the heap. */
#include "heap/heap.h"
#include "private/nursery.h"
#include "private/private_heap.h"
#include "private/walk.h"
#include "test.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FOUND = 7, MISSED = 8 };

_Noreturn void __wrap_freed_is_bad(const struct freed *block);

/* The children that damage lists end here. */
_Noreturn void __wrap_freed_is_bad(const struct freed *block)
{
    (void)block;
    _exit(FOUND);
}

static struct private_heap *make(bool owned)
{
    struct private_heap *heap = private_create(&(struct private_wish){ .owned = owned });
    assert_non_null(heap);
    return heap;
}

/* ---- secrets ------------------------------------------------------------------------------- */

/* The key is forgotten here in between, as if processes drew it. */
static void keys_differ(void **state)
{
    (void)state;
    enum { PROCESSES = 100 };
    static uintptr_t drawn[PROCESSES];
    uintptr_t own = freed_key, none = ~(uintptr_t)0 << FREED_KEY_BITS;
    assert_true(own != none);
    freed_draw_key();
    assert_true(freed_key == own);
    for (int i = 0; i < PROCESSES; i++) {
        freed_key = none;
        freed_draw_key();
        drawn[i] = freed_key;
        assert_true((drawn[i] & none) == none);
        for (int j = 0; j < i; j++)
            assert_true(drawn[j] != drawn[i]);
    }
    freed_key = own;
}

/* ---- damage -------------------------------------------------------------------------------- */

/* Listed as they were cut, as they came back to the slab in use, to one that is not, to the nursery, from another
 * thread. */
enum where { CUT, BACK, RESTING, YOUNG, POSTED, PLACES };
enum { MANY = 6000 }; /* more than two slabs */

static char *blocks[MANY];
static size_t size;
static struct private_heap *heap;

static void take(size_t count)
{
    for (size_t i = 0; i < count; i++)
        blocks[i] = private_alloc(heap, 1, size, 0);
}

static void give(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (!private_free(heap, blocks[i], 0))
            _exit(MISSED);
}

static void *give_ten(void *none)
{
    give(MANY - 10, MANY);
    return none;
}

static char *post(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, give_ten, NULL) != 0 || pthread_join(thread, NULL) != 0)
        _exit(MISSED);
    return blocks[MANY - 5];
}

/* The second one of those that were cut last. */
static char *next_cut(void)
{
    struct freed **list = &span_pool(private_span_of(blocks[MANY - 1]))->lists[pool_class(size)];
    while (*list == NULL || (*list)->next == NULL)
        private_alloc(heap, 1, size, 0);
    return (char *)(*list)->next;
}

/* Brings free blocks there; one of them. */
static char *bring(enum where where)
{
    if (where == YOUNG) {
        take(4);
        give(0, 4);
        return blocks[2];
    }
    take(MANY);
    if (where == CUT)
        return next_cut();
    if (where == POSTED)
        return post();
    if (where == BACK)
        give(MANY - 10, MANY);
    for (size_t i = 1000; where == RESTING && i < 3000; i += 2)
        give(i, i + 1);
    return blocks[where == BACK ? MANY - 5 : 2000];
}

/* Has all free blocks pass by, or gives the heap up. */
static void use_up(bool at_once)
{
    if (at_once)
        private_destroy(heap);
    for (size_t i = 0; !at_once && i < 2 * MANY; i++)
        private_alloc(heap, 1, size, 0);
}

static int in_child(enum where where, void (*damage)(struct freed *block, unsigned how),
                    unsigned how, bool at_once)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_return_code(child, 0);
    if (child == 0) {
        heap = make(how % 2 != 0 && where != POSTED);
        struct freed *block = (struct freed *)(void *)bring(where);
        damage(block, how);
        if (private_validate(heap) && where != POSTED)
            _exit(MISSED);
        use_up(at_once);
        _exit(MISSED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Not those of the size word of a block of 16 bytes, which says that the block is free: it is written anew. */
static void flip_bit(struct freed *block, unsigned bit)
{
    ((unsigned char *)block)[bit / 8] ^= (unsigned char)(1 << bit % 8);
}

static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    static const size_t sizes[] = { 14, 30, 100, 1000 };
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (enum where where = 0; where < PLACES; where++)
            for (unsigned bit = 0; bit < 8 * sizeof(struct freed); bit += 7) {
                size = sizes[i];
                if (in_child(where, flip_bit, bit, false) != FOUND)
                    fail_msg("bit %u of a block of %zu bytes in place %u was missed", bit, size,
                             where);
            }
}

static uintptr_t target[8]; /* where an attacker wants HeapAlloc to lead */
static struct freed other;  /* the words of another free block */

/* What a program can write without the secret. */
static void forge(struct freed *block, unsigned how)
{
    switch (how) {
    case 0:
        block->next = (struct freed *)target;
        break;
    case 1:
        *block = (struct freed){ (struct freed *)target, (uintptr_t)target };
        break;
    case 2:
        *block = (struct freed){ 0 };
        break;
    case 3:
        memset(block, 0xFF, size);
        break;
    case 4: /* the free block before is the next one, if there is any: its words, which are good ones there */
        other = block->next != NULL ? *block->next : *(struct freed *)target;
        *block = other;
        break;
    default:
        *block = (struct freed){ block, ~(uintptr_t)0 << FREED_KEY_BITS | (uintptr_t)block };
    }
}

static void every_forged_link_is_found(void **state)
{
    (void)state;
    size = 100;
    for (enum where where = 0; where < PLACES; where++)
        for (unsigned how = 0; how < 6; how++) {
            if (in_child(where, forge, how, false) != FOUND)
                fail_msg("forgery %u in place %u was missed", how, where);
            /* a nursery goes back without a look at its lists */
            if (where != YOUNG && in_child(where, forge, how, true) != FOUND)
                fail_msg("forgery %u in place %u was missed at the heap's end", how, where);
        }
}

/* ---- what is handed out --------------------------------------------------------------------- */

static bool is_link(uintptr_t word)
{
    return granule_is_ours(granule_of((void *)word));
}

/* The second word of a free block, whatever the first one was. */
static bool is_mark(const uintptr_t *word)
{
    uintptr_t link = *word ^ freed_mark((const struct freed *)(const void *)(word - 1), NULL);
    return link == 0 || is_link(link);
}

static bool holds_ours(const void *block, size_t bytes)
{
    for (const uintptr_t *word = block, *end = word + bytes / sizeof *word; word < end; word++)
        if (is_link(*word) || is_mark(word))
            return true;
    return false;
}

static void check_handed_out(const void *block, size_t bytes)
{
    if (holds_ours(block, bytes))
        fail_msg("a block of %zu bytes holds an address or a mark", bytes);
}

/* From the memory that has just gone back. */
static void check_memory(void)
{
    enum { LARGE = 40 };
    void *large[LARGE];
    for (size_t i = 0; i < LARGE; i++) {
        large[i] = heap_alloc((i + 1) * 30000);
        check_handed_out(large[i], (i + 1) * 30000);
    }
    for (size_t i = 0; i < LARGE; i++)
        heap_free(large[i], "free");
}

static void waves(size_t bytes, size_t count)
{
    for (int wave = 0; wave < 3; wave++) {
        for (size_t i = 0; i < count; i++) {
            blocks[i] = private_alloc(heap, i % 5 == 4 && bytes < 4096 ? 64 : 1, bytes, 0);
            check_handed_out(blocks[i], bytes);
            memset(blocks[i], 0xEE, bytes);
        }
        for (size_t i = 0; i < count; i++)
            if (wave < 2 || i % 3 != 0)
                assert_true(private_free(heap, blocks[i * 4801 % count], 0));
        if (wave == 1)
            private_compact(heap);
    }
}

/* 4801 is prime and has no factor with the counts. */
static void no_link_is_handed_out(void **state)
{
    (void)state;
    for (size_t bytes = 14; bytes <= POOL_SIZE_MAX; bytes += bytes / 3 + 3)
        for (int kind = 0; kind < 2; kind++) {
            heap = make(kind != 0);
            waves(bytes, bytes < 1000 ? 2000 : 100);
            private_destroy(heap);
            check_memory();
        }
}

static void *post_some(void *none)
{
    give(0, 30);
    return none;
}

/* Some of each size, as the nursery has; some in the inbox. */
static void no_link_of_a_young_heap_goes_back(void **state)
{
    pthread_t thread;
    for (int round = 0; round < 50; round++) {
        heap = make(false);
        for (size_t i = 0; i < 300; i++)
            blocks[i] = private_alloc(heap, i % 50 == 49 ? 32 : 1, i * 37 % 1000 + 16, 0);
        give(30, 150);
        assert_int_equal(pthread_create(&thread, NULL, post_some, *state), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        private_destroy(heap);
        check_memory();
    }
}

/* Blocks that the nursery takes back and lists no more, for the class has a slab or is closed, are free all the same:
 * those of 16 bytes have their size word in the mark. */
static void blocks_that_are_not_listed_stay_free(void **state)
{
    (void)state;
    for (size = 14; size <= 30; size += 16) {
        heap = make(true);
        take(200);
        give(0, 4);
        private_alloc(heap, 32, size, 0); /* closes the class */
        give(4, 200);
        for (size_t i = 0; i < 200; i++)
            assert_int_equal(private_size(heap, blocks[i]), PRIVATE_NO_BLOCK);
        assert_true(private_validate(heap));
        private_destroy(heap);
    }
}

/* ---- starts of blocks ------------------------------------------------------------------------ */

/* The test by one product, for every distance and several lengths of what is cut. */
static void a_product_tells_where_blocks_start(void **state)
{
    (void)state;
    for (unsigned size_class = 1; size_class < POOL_CLASSES; size_class++) {
        uint32_t magic = pool_class_magic(size_class),
                 bytes = (uint32_t)pool_class_bytes(size_class);
        if (magic == 0)
            continue;
        uint32_t capacity = pool_class_capacity(size_class);
        for (uint32_t cut = 1; cut <= capacity; cut += (capacity - cut) / 2 + 1)
            for (uint32_t distance = 0; distance < GRANULE_SIZE; distance++) {
                bool starts = distance % bytes == 0 && distance < cut * bytes;
                if (starts != (((cut - 1) * bytes - distance) * magic < POOL_STARTS))
                    fail_msg("class %u, %u cut, distance %u", size_class, cut, distance);
            }
    }
}

/* A granule that was a pool's is nobody's, or another pool's, as soon as it is not. */
static void a_slab_that_went_back_is_no_pools(void **state)
{
    (void)state;
    heap = make(true);
    size = 100;
    take(MANY);
    give(0, MANY);
    private_compact(heap);
    for (size_t i = 0; i < MANY; i++)
        assert_null(pool_mark_free(&heap->pool, blocks[i]));
    private_destroy(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_differ),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(every_forged_link_is_found),
        cmocka_unit_test(no_link_is_handed_out),
        cmocka_unit_test(no_link_of_a_young_heap_goes_back),
        cmocka_unit_test(blocks_that_are_not_listed_stay_free),
        cmocka_unit_test(a_product_tells_where_blocks_start),
        cmocka_unit_test(a_slab_that_went_back_is_no_pools),
    };
    private_process_heap();
    return cmocka_run_group_tests_name("private_marks", tests, NULL, NULL);
}
