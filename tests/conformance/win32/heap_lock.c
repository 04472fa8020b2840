/* SPDX-License-Identifier: MIT */
/* heap_lock.c: section 1: HeapLock and HeapUnlock. */
#include "heap_fixture.h"

#define LONG_ENOUGH 100 /* ms in which what is not held off would be done */

/* A call that another thread makes. */
struct call {
    HANDLE heap;
    DWORD flags;
    void *block;
    SIZE_T size;
    BOOL (*make)(struct call *call);
    LONG started, done, succeeded;
    thread_t thread;
};

static BOOL call_alloc(struct call *call)
{
    call->block = HeapAlloc(call->heap, call->flags, call->size);
    return call->block != NULL;
}

static BOOL call_realloc(struct call *call)
{
    call->block = HeapReAlloc(call->heap, call->flags, call->block, call->size);
    return call->block != NULL;
}

static BOOL call_free(struct call *call)
{
    return HeapFree(call->heap, call->flags, call->block);
}

static BOOL call_lock(struct call *call)
{
    return HeapLock(call->heap) && HeapUnlock(call->heap);
}

static BOOL call_unlock(struct call *call)
{
    return HeapUnlock(call->heap);
}

static BOOL call_validate(struct call *call)
{
    return HeapValidate(call->heap, call->flags, NULL);
}

static void call_body(void *argument)
{
    struct call *call = argument;
    __atomic_store_n(&call->started, 1, __ATOMIC_RELEASE);
    call->succeeded = call->make(call);
    __atomic_store_n(&call->done, 1, __ATOMIC_RELEASE);
}

static void begin(struct call *call)
{
    call->started = call->done = call->succeeded = 0;
    call->thread = thread_start(call_body, call);
    assert_true(wait_until_nonzero(&call->started));
}

static BOOL is_done(struct call *call)
{
    return __atomic_load_n(&call->done, __ATOMIC_ACQUIRE) != 0;
}

static void end(struct call *call)
{
    assert_true(wait_until_nonzero(&call->done));
    thread_join(call->thread);
    assert_true(call->succeeded);
}

/* The call waits as long as this thread holds the heap's lock. */
static void assert_held_off(struct call *call)
{
    assert_true(HeapLock(call->heap));
    begin(call);
    Sleep(LONG_ENOUGH);
    BOOL passed = is_done(call);
    assert_true(HeapUnlock(call->heap));
    end(call);
    assert_false(passed);
}

/* The call is done although this thread holds the heap's lock. */
static void assert_not_held_off(struct call *call)
{
    assert_true(HeapLock(call->heap));
    begin(call);
    BOOL passed = wait_until_nonzero(&call->done);
    assert_true(HeapUnlock(call->heap));
    end(call);
    assert_true(passed);
}

static void s1_lock_success_keeps_the_last_error(void **state)
{
    (void)state;
    assert_kept(HeapLock(heap));
    assert_kept(HeapUnlock(heap));
}

static void s1_lock_owner_goes_on(void **state)
{
    (void)state;
    assert_true(HeapLock(heap));
    for (SIZE_T size = 0; size < 3 * MIB; size += size / 2 + 10) {
        char *p = taken(heap, size);
        p = HeapReAlloc(heap, 0, p, size + 100);
        assert_non_null(p);
        assert_int_equal(HeapSize(heap, 0, p), size + 100);
        assert_true(HeapValidate(heap, 0, p));
        assert_true(HeapFree(heap, 0, p));
    }
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(HeapUnlock(heap));
}

static void s1_lock_holds_off_alloc(void **state)
{
    (void)state;
    const SIZE_T sizes[] = { 0, 100, 5000, 100000, 3 * MIB };
    for (size_t i = 0; i < 5; i++) {
        struct call call = { .heap = heap, .make = call_alloc, .size = sizes[i] };
        assert_held_off(&call);
        assert_int_equal(HeapSize(heap, 0, call.block), sizes[i]);
    }
}

static void s1_lock_holds_off_free(void **state)
{
    (void)state;
    const SIZE_T sizes[] = { 0, 100, 5000, 100000, 3 * MIB };
    for (size_t i = 0; i < 5; i++) {
        struct call call = { .heap = heap, .make = call_free, .block = taken(heap, sizes[i]) };
        assert_held_off(&call);
    }
}

static void s1_lock_holds_off_realloc(void **state)
{
    (void)state;
    const SIZE_T sizes[] = { 100, 200, 5000, 100000 };
    for (size_t i = 0; i < 4; i++) {
        struct call call = { heap, 0, taken(heap, 100), sizes[i], call_realloc, 0, 0, 0, NULL };
        assert_held_off(&call);
        assert_int_equal(HeapSize(heap, 0, call.block), sizes[i]);
    }
}

static void s1_lock_holds_off_validate_and_lock(void **state)
{
    (void)state;
    struct call validate = { .heap = heap, .make = call_validate };
    struct call lock = { .heap = heap, .make = call_lock };
    assert_held_off(&validate);
    assert_held_off(&lock);
}

static void s1_lock_of_a_bounded_heap_holds_off(void **state)
{
    (void)state;
    HANDLE bounded = heap_made(0, MIB);
    struct call call = { .heap = bounded, .make = call_alloc, .size = 100 };
    assert_held_off(&call);
    call.make = call_free;
    assert_held_off(&call);
    heap_gone(bounded);
}

static void s1_lock_does_not_touch_other_heaps(void **state)
{
    (void)state;
    HANDLE other = heap_made(0, 0);
    struct call call = { .heap = other, .make = call_alloc, .size = 100 };
    assert_true(HeapLock(heap));
    begin(&call);
    BOOL passed = wait_until_nonzero(&call.done);
    assert_true(HeapUnlock(heap));
    end(&call);
    assert_true(passed);
    heap_gone(other);
}

static void s1_lock_is_recursive_one_unlock_per_lock(void **state)
{
    (void)state;
    struct call call = { .heap = heap, .make = call_alloc, .size = 100 };
    for (int i = 0; i < 5; i++)
        assert_true(HeapLock(heap));
    begin(&call);
    for (int i = 0; i < 4; i++)
        assert_true(HeapUnlock(heap));
    Sleep(LONG_ENOUGH);
    BOOL passed = is_done(&call);
    assert_true(HeapUnlock(heap));
    end(&call);
    assert_false(passed);
}

static void s1_lock_of_no_serialize_locks_nothing(void **state)
{
    (void)state;
    HANDLE single = heap_made(HEAP_NO_SERIALIZE, 0);
    struct call call = { .heap = single, .make = call_alloc, .size = 100 };
    assert_not_held_off(&call);
    assert_true(HeapFree(single, 0, call.block));
    assert_true(HeapUnlock(single));
    heap_gone(single);
}

static void s1_lock_is_passed_by_no_serialize_of_a_call(void **state)
{
    (void)state;
    struct call call = { .heap = heap, .make = call_alloc, .size = 100 };
    call.flags = HEAP_NO_SERIALIZE;
    assert_not_held_off(&call);
    call.make = call_free;
    assert_not_held_off(&call);
}

/* There the front end passes the lock; here every call waits, but for malloc's (heap_malloc.c). */
static void s1_lock_and_18_blocks_of_one_size(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++)
        taken(heap, 100);
    struct call call = { .heap = heap, .make = call_alloc, .size = 100 };
#if HEAPS_ARE_WINDOWS
    assert_not_held_off(&call);
#else
    assert_held_off(&call);
#endif
    call.make = call_lock;
    assert_held_off(&call);
}

static void s1_unlock_without_the_lock(void **state)
{
    (void)state;
    assert_error(HeapUnlock(heap), FALSE, ERROR_NOT_LOCKED);
    assert_true(HeapLock(heap));
    struct call call = { .heap = heap, .make = call_unlock };
    begin(&call);
    assert_true(wait_until_nonzero(&call.done));
    thread_join(call.thread);
    assert_false(call.succeeded); /* and this thread holds it still */
    call.make = call_alloc;
    begin(&call);
    Sleep(LONG_ENOUGH);
    BOOL passed = is_done(&call);
    assert_true(HeapUnlock(heap));
    end(&call);
    assert_false(passed);
}

/* Many threads in and out of the lock: the counter is guarded by nothing else. */
#define ROUNDS 2000
static LONG guarded;

static void count_under_lock(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        HeapLock(heap);
        guarded++;
        void *p = HeapAlloc(heap, 0, (SIZE_T)(i % 200));
        HeapUnlock(heap);
        HeapFree(heap, 0, p);
    }
}

static void s1_lock_excludes(void **state)
{
    (void)state;
    thread_t threads[4];
    guarded = 0;
    for (int i = 0; i < 4; i++)
        threads[i] = thread_start(count_under_lock, NULL);
    for (int i = 0; i < 4; i++)
        thread_join(threads[i]);
    assert_int_equal(guarded, 4 * ROUNDS);
    assert_int_equal(census_of(heap).busy, 0);
}

/* While the heap is locked, nothing about it changes. */
static LONG stop;

static void churn(void *argument)
{
    void *p[20] = { NULL };
    unsigned i = (unsigned)(uintptr_t)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        i = i * 1664525u + 1013904223u;
        void **slot = &p[(i >> 8) % 20];
        HeapFree(heap, 0, *slot);
        *slot = HeapAlloc(heap, 0, (i >> 16) % 500);
    }
    for (int k = 0; k < 20; k++)
        HeapFree(heap, 0, p[k]);
}

static void s1_lock_makes_walks_repeatable(void **state)
{
    (void)state;
    thread_t threads[3];
    stop = 0;
    for (uintptr_t i = 0; i < 3; i++)
        threads[i] = thread_start(churn, (void *)(i + 1));
    BOOL equal = TRUE;
    for (int i = 0; i < 50; i++) {
        HeapLock(heap);
        struct census first = census_of(heap), second = census_of(heap);
        equal = equal && first.busy == second.busy && first.entries == second.entries &&
                first.busy_bytes == second.busy_bytes && HeapValidate(heap, 0, NULL);
        HeapUnlock(heap);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    assert_true(equal);
    assert_int_equal(census_of(heap).busy, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        with_heap(s1_lock_success_keeps_the_last_error),
        with_heap(s1_lock_owner_goes_on),
        with_heap(s1_lock_holds_off_alloc),
        with_heap(s1_lock_holds_off_free),
        with_heap(s1_lock_holds_off_realloc),
        with_heap(s1_lock_holds_off_validate_and_lock),
        with_heap(s1_lock_of_a_bounded_heap_holds_off),
        with_heap(s1_lock_does_not_touch_other_heaps),
        with_heap(s1_lock_is_recursive_one_unlock_per_lock),
        with_heap(s1_lock_of_no_serialize_locks_nothing),
        with_heap(s1_lock_is_passed_by_no_serialize_of_a_call),
        with_heap_not_on_wine(s1_lock_and_18_blocks_of_one_size),
        with_heap_not_on_wine(s1_unlock_without_the_lock),
        with_heap(s1_lock_excludes),
        with_heap(s1_lock_makes_walks_repeatable),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
