/* SPDX-License-Identifier: MIT */
/* Every call that takes a pointer refuses every address of a slab or medium span but those of blocks in use: blocks
 * that were never cut, that are free in a cache, in a spare list, in the slab's own list, in another
 * thread's batch, in an inbox or in a hole, what is inside blocks, and the unused end of the slab.
 * bad_pointer() is replaced, so that one process can make thousands of such mistakes. */
#include "test.h"

#include "heap/bad_pointer.h"
#include "heap/heap.h"
#include "heap/purge.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "invariants.h"
#include "private/private_heap.h"

#include <pthread.h>
#include <setjmp.h>

enum { SLABS_MOST = 8, BLOCKS_MOST = SLABS_MOST * GRANULE_SIZE / 16 };

/* The kinds of blocks: size classes, and behind them a few lengths of medium ones. */
static const size_t medium_sizes[] = { 4097, 10000, 40000, 100000 };
enum { KINDS = SIZE_CLASSES + COUNT(medium_sizes) };

static size_t bytes_of(unsigned kind)
{
    return kind < SIZE_CLASSES ? size_class_bytes(kind) : medium_sizes[kind - SIZE_CLASSES];
}

static size_t capacity_of(unsigned kind)
{
    return kind < SIZE_CLASSES ? size_class_capacity(kind) : 40;
}

static bool is_of(const struct span *span, unsigned kind)
{
    return kind < SIZE_CLASSES ? span_kind(span) == SPAN_SLAB && span->size_class == kind
                               : span_kind(span) == SPAN_MEDIUM;
}

/* ---- refusals ------------------------------------------------------------------------------ */

static __thread jmp_buf *refused; /* NULL: nothing should be */

/* Windows' longjmp unwinds the stack by tables, which costs too much for millions of jumps; without a frame
 * it only loads the registers. */
#ifdef _WIN32
#define set_jump(place) _setjmp(place, NULL)
#else
#define set_jump(place) setjmp(place)
#endif

_Noreturn void __wrap_bad_pointer(const char *call, const void *address);

_Noreturn void __wrap_bad_pointer(const char *call, const void *address)
{
    if (refused == NULL) {
        fprintf(stderr, "%s(%p) was refused\n", call, address);
        abort();
    }
    longjmp(*refused, 1);
}

enum call { FREE, SIZE, RESIZE, RESIZE_IN_PLACE, CALLS };

static void make_call(enum call call, void *address)
{
    switch (call) {
    case FREE:
        heap_free(address, "free");
        break;
    case SIZE:
        heap_usable_size(address, "malloc_usable_size");
        break;
    case RESIZE:
        heap_realloc(address, 100, "realloc");
        break;
    default:
        heap_resize_in_place(address, 1, "resize");
    }
}

static bool is_refused(enum call call, void *address)
{
    jmp_buf place;
    bool was = true;
    refused = &place;
    if (set_jump(place) == 0) {
        make_call(call, address);
        was = false;
    }
    refused = NULL;
    return was;
}

/* ---- blocks -------------------------------------------------------------------------------- */

struct blocks {
    char *at[BLOCKS_MOST];
    size_t count;
};

static struct blocks live;

static int by_address(const void *a, const void *b)
{
    const char *const *one = a, *const *two = b;
    return (*one > *two) - (*one < *two);
}

static void fill(unsigned kind, size_t count)
{
    for (; count > 0; count--) {
        assert_true(live.count < BLOCKS_MOST);
        char *block = heap_alloc(bytes_of(kind));
        assert_non_null(block);
        memset(block, 0x5A, bytes_of(kind));
        live.at[live.count++] = block;
    }
}

/* Takes every `step`-th block off the list of those in use. */
static struct blocks remove_some(size_t step)
{
    static struct blocks gone;
    size_t kept = 0;
    gone.count = 0;
    for (size_t i = 0; i < live.count; i++) {
        if (i % step == 0)
            gone.at[gone.count++] = live.at[i];
        else
            live.at[kept++] = live.at[i];
    }
    live.count = kept;
    return gone;
}

static void free_blocks(const struct blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++)
        heap_free(blocks->at[i], "free");
}

/* ---- the look at all addresses ------------------------------------------------------------- */

static void check_address(char *address, bool in_use)
{
    if (heap_is_block(address) != in_use)
        fail_msg("%p, a class of %zu bytes: in use: %d", (void *)address,
                 size_class_bytes(span_at(span_at(granule_of(address))->head)->size_class), in_use);
    if (in_use) {
        assert_false(is_refused(SIZE, address));
        return;
    }
    for (enum call call = 0; call < CALLS; call++)
        if (!is_refused(call, address))
            fail_msg("%p: accepted by call %d", (void *)address, call);
}

/* All addresses, for some classes; of the others' slabs multiples of 16, in some of the long ones of
 * 128, and another address between each. All blocks start at such multiples. */
static void check_span(const struct span *span)
{
    char *start = span_start(span), *end = start + span_bytes(span);
    bool slab = span_kind(span) == SPAN_SLAB, closely = slab && span->size_class % 9 == 2;
    size_t size = slab ? size_class_bytes(span->size_class) : CELL_SIZE, common = size & -size;
    size_t widest = common < 128 ? common : 128;
    size_t step = span->granules == 1 ? closely ? 1 : 16 : closely ? 16 : widest;
    size_t next = 0;
    while (next < live.count && live.at[next] < start)
        next++;
    for (char *at = start; at < end; at += step) {
        bool in_use = next < live.count && live.at[next] == at;
        next += in_use;
        check_address(at, in_use);
        if (step != 1)
            check_address(at + 1 + (uintptr_t)at / 16 % 15, false);
    }
}

static void check_all(unsigned kind)
{
    qsort(live.at, live.count, sizeof live.at[0], by_address);
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i))
        if (is_of(span_at(i), kind))
            check_span(span_at(i));
}

static void *check_elsewhere(void *kind)
{
    heap_free(heap_alloc(16), "free"); /* has a theap of its own */
    check_all(*(unsigned *)kind);
    return NULL;
}

/* By the owner, without its cache, and by another thread. */
static void check_by_all(unsigned kind)
{
    pthread_t thread;
    check_all(kind);
    threads_use_fast_paths(false);
    check_all(kind);
    threads_use_fast_paths(true);
    assert_int_equal(pthread_create(&thread, NULL, check_elsewhere, &kind), 0);
    pthread_join(thread, NULL);
    /* nothing came of it */
    for (size_t i = 0; i < live.count; i++)
        assert_int_equal(live.at[i][bytes_of(kind) - 1], 0x5A);
}

/* ---- another thread, which frees and then waits --------------------------------------------- */

static struct blocks others;
static pthread_barrier_t freed, over;
static bool flushes;

static void *free_and_wait(void *none)
{
    free_blocks(&others);
    if (flushes)
        theap_flush(threads_current());
    pthread_barrier_wait(&freed);
    pthread_barrier_wait(&over);
    return none;
}

/* Checks while `others` are in another thread's batches or, with `post`, in the inbox. */
static void check_while_others_have_some(unsigned kind, bool post)
{
    pthread_t thread;
    struct theap *theap = threads_current();
    others = remove_some(3);
    if (others.count > 20)
        others.count = 20; /* the rest is lost to the test */
    flushes = post;
    pthread_barrier_init(&freed, NULL, 2);
    pthread_barrier_init(&over, NULL, 2);
    if (post)
        os_lock(&theap->lock);
    assert_int_equal(pthread_create(&thread, NULL, free_and_wait, NULL), 0);
    pthread_barrier_wait(&freed);
    if (post) {
        assert_non_null(atomic_load(&theap->inbox));
        os_unlock(&theap->lock);
    }
    for (size_t i = 0; i < others.count; i++)
        for (enum call call = 0; call < CALLS; call++)
            assert_true(is_refused(call, others.at[i]));
    pthread_barrier_wait(&over);
    pthread_join(thread, NULL);
    (void)kind;
}

/* ---- tests --------------------------------------------------------------------------------- */

static size_t some_of(unsigned kind)
{
    size_t capacity = capacity_of(kind);
    return capacity > 100 ? capacity / 3 : capacity / 2 + 1;
}

static void give_back(void)
{
    struct blocks all = remove_some(1);
    free_blocks(&all);
    purge_all();
    check_heap();
}

/* A slab of which a part is cut, with blocks in use and in the cache. */
static void young_slabs(unsigned kind)
{
    fill(kind, 1);
    check_all(kind);
    fill(kind, some_of(kind));
    check_all(kind);
    struct blocks gone = remove_some(3);
    free_blocks(&gone);
    check_by_all(kind);
    give_back();
}

/* Full ones; then blocks on their own lists; then holes, and some of these cut again. */
static void old_slabs(unsigned kind)
{
    size_t capacity = capacity_of(kind);
    fill(kind, capacity + 1);
    check_all(kind);
    struct blocks gone = remove_some(2);
    free_blocks(&gone);
    theap_flush(threads_current());
    check_all(kind);
    qsort(live.at, live.count, sizeof live.at[0], by_address);
    gone.count = 0;
    while (live.count > capacity / 4 + 1)
        gone.at[gone.count++] = live.at[--live.count];
    for (size_t i = 1; i < live.count; i += 2, live.count--) {
        gone.at[gone.count++] = live.at[i];
        live.at[i] = live.at[live.count - 1];
    }
    free_blocks(&gone);
    purge_all();
    check_by_all(kind);
    fill(kind, 2);
    check_all(kind);
    give_back();
}

static void every_class(void (*test)(unsigned kind), unsigned step)
{
    for (unsigned kind = 0; kind < KINDS; kind += step)
        test(kind);
}

static void in_young_slabs(void **state)
{
    (void)state;
    every_class(young_slabs, 1);
}

static void in_old_slabs(void **state)
{
    (void)state;
    every_class(old_slabs, 1);
}

/* Slabs that take their blocks back themselves, past a full bin. */
static void open_slabs(unsigned kind)
{
    struct theap *theap = threads_current();
    if (bytes_of(kind) > 1024)
        return;
    fill(kind, 2 * capacity_of(kind));
    theap_flush(theap); /* the bin is narrow again */
    struct blocks gone = remove_some(2);
    free_blocks(&gone);
    assert_non_null(theap->open[kind]);
    check_heap();
    check_by_all(kind);
    give_back();
}

static void in_open_slabs(void **state)
{
    (void)state;
    every_class(open_slabs, 11);
}

static void batched(unsigned kind)
{
    fill(kind, some_of(kind));
    check_while_others_have_some(kind, false);
    fill(kind, 9);
    check_while_others_have_some(kind, true);
    struct blocks all = remove_some(1);
    free_blocks(&all);
}

static void in_other_threads_batches(void **state)
{
    (void)state;
    every_class(batched, 7);
}

/* Private heaps answer, and go on. */
static void check_heap_block(struct private_heap *heap, char *address, bool in_use)
{
    bool valid = true;
    if (private_has(heap, address) != in_use)
        fail_msg("%p: in use: %d", (void *)address, in_use);
    if (in_use)
        return;
    assert_true(private_size(heap, address) == PRIVATE_NO_BLOCK);
    assert_false(private_free(heap, address, 0));
    assert_null(private_realloc(heap, address, 10, 0, &valid));
    assert_false(valid);
    for (enum call call = 0; call < CALLS; call++)
        if (call != RESIZE_IN_PLACE)
            assert_true(is_refused(call, address));
}

/* All addresses from a bit before the first block to a bit behind the last one, but not those that are far
 * from any: the heap's slabs may be apart. */
static void check_heaps_blocks(struct private_heap *heap)
{
    enum { FAR = 32 * 1024 };
    qsort(live.at, live.count, sizeof live.at[0], by_address);
    size_t next = 0;
    char *end = live.at[live.count - 1] + 4096;
    for (char *at = live.at[0] - 16; at < end; at++) {
        bool in_use = next < live.count && live.at[next] == at;
        next += in_use;
        if (tag_at(at) == 0) /* a slab of malloc's may be next to the heap's memory */
            check_heap_block(heap, at, in_use);
        if (next > 0 && next < live.count && at - live.at[next - 1] > FAR &&
            live.at[next] - at > FAR)
            at = live.at[next] - FAR;
    }
    assert_int_equal(next, live.count);
}

static void in_private_heaps(void **state)
{
    const struct private_wish wishes[] = { { .owned = true },
                                           { .owned = false },
                                           { .owned = true, .maximum = 1 << 20 },
                                           { .owned = false, .maximum = 1 << 20 } };
    const size_t sizes[] = { 1, 14, 30, 46, 100, 300, 1000, 2500, 5000 };
    (void)state;
    for (size_t w = 0; w < COUNT(wishes); w++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            struct private_heap *heap = private_create(&wishes[w]);
            for (size_t i = 0; i < 60; i++)
                live.at[live.count++] = private_alloc(heap, 1, sizes[s], 0);
            check_heaps_blocks(heap);
            struct blocks gone = remove_some(3);
            for (size_t i = 0; i < gone.count; i++)
                assert_true(private_free(heap, gone.at[i], 0));
            check_heaps_blocks(heap);
            private_compact(heap);
            check_heaps_blocks(heap);
            live.count = 0;
            private_destroy(heap);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_young_slabs),   cmocka_unit_test(in_old_slabs),
        cmocka_unit_test(in_open_slabs),    cmocka_unit_test(in_other_threads_batches),
        cmocka_unit_test(in_private_heaps),
    };
    return cmocka_run_group_tests_name("every address", tests, NULL, NULL);
}
