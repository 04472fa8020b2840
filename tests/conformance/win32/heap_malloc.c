/* SPDX-License-Identifier: MIT */
/* heap_malloc.c: malloc's blocks are blocks of GetProcessHeap(), and the other way round. Linux
 * only: elsewhere the C library has a heap of its own. */
#include "heap_test.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face.h"

static const SIZE_T sizes[] = { 0,    1,     16,    17,    100,   1000,   1024,     1025,
                                5000, 16384, 32769, 65534, 65536, 100000, 0x100000, 5000000 };
#define COUNT (sizeof(sizes) / sizeof(sizes[0]))

static void heapsize_of_mallocs_block_is_its_usable_size(void **state)
{
    (void)state;
    HANDLE heap = GetProcessHeap();
    for (size_t i = 0; i < COUNT; i++) {
        void *blocks[] = { malloc(sizes[i]), calloc(1, sizes[i]), aligned_alloc(64, sizes[i]),
                           memalign(4096, sizes[i]), realloc(malloc(10), sizes[i] + 1) };
        for (int k = 0; k < 5; k++) {
            assert_non_null(blocks[k]);
            assert_kept(HeapValidate(heap, 0, blocks[k]));
            assert_int_equal(HeapSize(heap, 0, blocks[k]), malloc_usable_size(blocks[k]));
            free(blocks[k]);
        }
    }
}

static void heapfree_frees_mallocs_blocks(void **state)
{
    (void)state;
    HANDLE heap = GetProcessHeap();
    for (size_t i = 0; i < COUNT; i++) {
        void *p = malloc(sizes[i]), *q = memalign(1024, sizes[i]);
        assert_kept(HeapFree(heap, 0, p));
        assert_kept(HeapFree(heap, 0, q));
        assert_error(HeapFree(heap, 0, q), FALSE, ERROR_INVALID_PARAMETER);
        assert_error(HeapFree(heap, 0, p), FALSE, ERROR_INVALID_PARAMETER);
    }
}

static void heaprealloc_takes_mallocs_blocks(void **state)
{
    (void)state;
    HANDLE heap = GetProcessHeap();
    for (size_t from = 0; from < COUNT; from++) {
        for (size_t to = 0; to < COUNT; to++) {
            SIZE_T less = sizes[from] < sizes[to] ? sizes[from] : sizes[to];
            char *p = from % 2 ? malloc(sizes[from]) : memalign(256, sizes[from]);
            memset(p, 0x42, sizes[from]);
            p = HeapReAlloc(heap, 0, p, sizes[to]);
            assert_non_null(p);
            assert_true(HeapSize(heap, 0, p) >= sizes[to]); /* it is malloc's block still */
            assert_true(all_bytes(p, 0x42, less));
            free(p);
        }
    }
}

static void heaprealloc_zeroes_behind_mallocs_usable_size(void **state)
{
    (void)state;
    for (size_t from = 0; from + 1 < COUNT; from++) {
        char *p = malloc(sizes[from]);
        size_t usable = malloc_usable_size(p);
        memset(p, 0x42, usable);
        p = HeapReAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, p, usable + 30000);
        assert_non_null(p);
        assert_true(all_bytes(p, 0x42, usable));
        assert_true(all_bytes(p + usable, 0, 30000));
        assert_true(HeapFree(GetProcessHeap(), 0, p));
    }
}

static void malloc_takes_heapallocs_blocks(void **state)
{
    (void)state;
    HANDLE heap = GetProcessHeap();
    for (size_t i = 0; i < COUNT; i++) {
        char *p = HeapAlloc(heap, 0, sizes[i]);
        assert_int_equal(HeapSize(heap, 0, p), sizes[i]);
        assert_true(malloc_usable_size(p) >= sizes[i]);
        memset(p, 0x24, sizes[i]);
        free(p);
        for (size_t to = 0; to < COUNT; to++) {
            SIZE_T less = sizes[i] < sizes[to] ? sizes[i] : sizes[to];
            p = HeapAlloc(heap, HEAP_ZERO_MEMORY, sizes[i]);
            memset(p, 0x24, sizes[i]);
            p = realloc(p, sizes[to] + 1);
            assert_non_null(p);
            assert_true(all_bytes(p, 0x24, less));
            assert_true(malloc_usable_size(p) >= sizes[to] + 1);
            assert_int_equal(HeapSize(heap, 0, p), malloc_usable_size(p));
            assert_true(HeapFree(heap, 0, p));
        }
    }
}

static void a_reused_block_forgets_its_exact_size(void **state)
{
    (void)state;
    HANDLE heap = GetProcessHeap();
    for (SIZE_T size = 1; size < 3000; size += 7) {
        free(taken(heap, size)); /* the same memory comes back from malloc, most likely */
        char *p = malloc(size);
        assert_int_equal(HeapSize(heap, 0, p), malloc_usable_size(p));
        memset(p, 0xFF, malloc_usable_size(p));
        assert_true(HeapFree(heap, 0, p));
        p = taken(heap, size);
        assert_int_equal(HeapSize(heap, 0, p), size);
        memset(p, 0, size);
        assert_int_equal(HeapSize(heap, 0, p), size);
        free(p);
    }
}

static void global_and_local_blocks_are_of_the_process_heap(void **state)
{
    (void)state;
    HANDLE heap = GetProcessHeap();
    char *p = GlobalAlloc(GMEM_FIXED, 100), *q = LocalAlloc(LMEM_FIXED, 200);
    char *r = taken(heap, 300);
    assert_true(HeapValidate(heap, 0, p));
    assert_true(HeapValidate(heap, 0, q));
    assert_int_equal(HeapSize(heap, 0, p), 100);
    assert_int_equal(HeapSize(heap, 0, q), 200);
    assert_ptr_equal(GlobalHandle(r), r);
    assert_int_equal(GlobalSize(r), 300);
    assert_true(HeapFree(heap, 0, p));
    assert_null(LocalFree(q));
    assert_null(GlobalFree(r));
}

static void walk_lists_mallocs_blocks_once(void **state)
{
    (void)state;
    enum { BLOCKS = 500 };
    static void *blocks[BLOCKS];
    static int seen[BLOCKS];
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = i % 2 ? malloc(i * 13) : HeapAlloc(GetProcessHeap(), 0, i * 13);
    memset(seen, 0, sizeof(seen));
    assert_true(HeapLock(GetProcessHeap()));
    while (HeapWalk(GetProcessHeap(), &entry)) {
        for (size_t i = 0; i < BLOCKS; i++) {
            if (entry.lpData != blocks[i] || (entry.wFlags & PROCESS_HEAP_REGION))
                continue;
            seen[i] += entry.wFlags == PROCESS_HEAP_ENTRY_BUSY &&
                               entry.cbData == HeapSize(GetProcessHeap(), 0, blocks[i])
                           ? 1
                           : 1000;
        }
    }
    DWORD error = GetLastError();
    assert_true(HeapUnlock(GetProcessHeap()));
    assert_int_equal(error, ERROR_NO_MORE_ITEMS);
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_int_equal(seen[i], 1);
        free(blocks[i]);
    }
}

static void walk_shows_cached_blocks_as_free(void **state)
{
    (void)state;
    void *blocks[300];
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    for (size_t i = 0; i < 300; i++)
        blocks[i] = malloc(777);
    for (size_t i = 0; i < 300; i++)
        free(blocks[i]);
    size_t busy = 0;
    assert_true(HeapLock(GetProcessHeap()));
    while (HeapWalk(GetProcessHeap(), &entry)) {
        for (size_t i = 0; i < 300; i++)
            busy += entry.lpData == blocks[i] && (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY);
    }
    assert_true(HeapUnlock(GetProcessHeap()));
    assert_int_equal(busy, 0);
}

/* Another thread that lives on malloc while the process heap is locked, walked and validated. */
static LONG stop, rounds;

static void churn(void *argument)
{
    enum { HELD = 64 };
    void *held[HELD] = { NULL };
    unsigned seed = (unsigned)(uintptr_t)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        seed = seed * 1664525u + 1013904223u;
        void **slot = &held[(seed >> 8) % HELD];
        size_t size = (seed >> 14) % (seed >> 30 == 0 ? 300000 : 600);
        if (seed & 0x80) {
            free(*slot);
            *slot = malloc(size);
        } else {
            HeapFree(GetProcessHeap(), 0, *slot);
            *slot = HeapAlloc(GetProcessHeap(), 0, size);
        }
        __atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
    }
    for (int i = 0; i < HELD; i++)
        free(held[i]);
}

static void process_heap_is_walked_safely_amid_threads(void **state)
{
    (void)state;
    thread_t threads[3];
    stop = rounds = 0;
    for (uintptr_t i = 0; i < 3; i++)
        threads[i] = thread_start(churn, (void *)(i + 1));
    BOOL good = TRUE;
    void *p = malloc(1234);
    for (int i = 0; i < 30 || __atomic_load_n(&rounds, __ATOMIC_RELAXED) < 3000; i++) {
        HEAP_SUMMARY summary = { .cb = sizeof(summary) };
        PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
        size_t found = 0;
        good = good && HeapLock(GetProcessHeap());
        while (HeapWalk(GetProcessHeap(), &entry))
            found += entry.lpData == p;
        good = good && GetLastError() == ERROR_NO_MORE_ITEMS && found == 1;
        good = good && HeapValidate(GetProcessHeap(), 0, NULL);
        good = good && HeapSummary(GetProcessHeap(), 0, &summary) && summary.cbAllocated >= 1234;
        good = good && HeapUnlock(GetProcessHeap());
        good = good && HeapValidate(GetProcessHeap(), 0, p);
        HeapCompact(GetProcessHeap(), 0);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    free(p);
    assert_true(good);
}

/* A lock of the process heap: what a thread's cache serves passes, all else waits. */
static LONG cached_done, large_done;

static void allocate_under_lock(void *argument)
{
    LONG *locked = argument;
    for (int i = 0; i < 10; i++)
        free(malloc(100));
    __atomic_store_n(&cached_done, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(locked, __ATOMIC_ACQUIRE))
        Sleep(1);
    free(malloc(100));
    __atomic_store_n(&cached_done, 2, __ATOMIC_RELEASE);
    void *p = HeapAlloc(GetProcessHeap(), 0, 10 * MIB);
    __atomic_store_n(&large_done, 1, __ATOMIC_RELEASE);
    free(p);
}

static void lock_of_the_process_heap_holds_all_but_the_caches(void **state)
{
    (void)state;
    LONG locked = 0;
    cached_done = large_done = 0;
    thread_t thread = thread_start(allocate_under_lock, &locked);
    assert_true(wait_until_nonzero(&cached_done));
    assert_true(HeapLock(GetProcessHeap()));
    __atomic_store_n(&locked, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 60000 && __atomic_load_n(&cached_done, __ATOMIC_ACQUIRE) != 2; i++)
        usleep(1000);
    BOOL passed = __atomic_load_n(&cached_done, __ATOMIC_ACQUIRE) == 2;
    usleep(100 * 1000);
    BOOL waited = __atomic_load_n(&large_done, __ATOMIC_ACQUIRE) == 0;
    assert_true(HeapUnlock(GetProcessHeap()));
    assert_true(wait_until_nonzero(&large_done));
    thread_join(thread);
    assert_true(passed);
    assert_true(waited);
}

static void private_heaps_and_malloc_do_not_disturb_each_other(void **state)
{
    (void)state;
    void *plain[200];
    HANDLE heap = heap_made(0, 0);
    for (size_t i = 0; i < 200; i++) {
        plain[i] = malloc(i * 5);
        memset(plain[i], 0x11, i * 5);
        memset(taken(heap, i * 5), 0x22, i * 5);
    }
    heap_gone(heap);
    for (size_t i = 0; i < 200; i++) {
        assert_true(all_bytes(plain[i], 0x11, i * 5));
        free(plain[i]);
    }
}

/* The child of a fork has the same heaps, whatever other threads were about. */
static HANDLE forked;

static void use_forked(void *argument)
{
    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        void *p = HeapAlloc(forked, 0, 300);
        HeapLock(forked);
        HeapFree(forked, 0, p);
        HeapUnlock(forked);
        HANDLE other = HeapCreate(0, 0, 0);
        HeapAlloc(other, 0, 100);
        HeapDestroy(other);
    }
}

static int in_child(char *known)
{
    alarm(60);
    if (!HeapValidate(forked, 0, known) || strcmp(known, "known") != 0)
        return 2;
    if (!HeapLock(forked) || !HeapUnlock(forked) || !HeapValidate(forked, 0, NULL))
        return 3;
    for (SIZE_T i = 0; i < 1000; i++) {
        void *p = HeapAlloc(forked, 0, i * 3);
        if (p == NULL || HeapSize(forked, 0, p) != i * 3 || (i % 2 && !HeapFree(forked, 0, p)))
            return 4;
    }
    HANDLE own = HeapCreate(0, 0, 0);
    if (own == NULL || HeapAlloc(own, 0, 50) == NULL || !HeapDestroy(own))
        return 5;
    return HeapFree(forked, 0, known) && HeapDestroy(forked) ? 0 : 6;
}

static void child_of_a_fork_has_the_same_heaps(void **state)
{
    (void)state;
    thread_t threads[2];
    forked = heap_made(0, 0);
    char *known = taken(forked, 100);
    strcpy(known, "known");
    stop = 0;
    for (int i = 0; i < 2; i++)
        threads[i] = thread_start(use_forked, NULL);
    int failures = 0;
    for (int i = 0; i < 30; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0)
            _exit(in_child(known));
        waitpid(child, &status, 0);
        if (status != 0)
            printf("child %d: status 0x%x\n", i, (unsigned)status);
        failures += status != 0;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++)
        thread_join(threads[i]);
    assert_int_equal(failures, 0);
    assert_true(HeapValidate(forked, 0, NULL));
    heap_gone(forked);
}

/* The thread that forks may hold a heap's lock: the child's only thread holds it then. */
static void child_of_a_fork_holds_the_lock_of_its_parent_thread(void **state)
{
    (void)state;
    int status = -1;
    HANDLE heap = heap_made(0, 0);
    assert_true(HeapLock(heap));
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        if (HeapAlloc(heap, 0, 100) == NULL || !HeapUnlock(heap) || HeapUnlock(heap))
            _exit(2);
        _exit(0);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_true(HeapUnlock(heap));
    heap_gone(heap);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heapsize_of_mallocs_block_is_its_usable_size),
        cmocka_unit_test(heapfree_frees_mallocs_blocks),
        cmocka_unit_test(heaprealloc_takes_mallocs_blocks),
        cmocka_unit_test(heaprealloc_zeroes_behind_mallocs_usable_size),
        cmocka_unit_test(malloc_takes_heapallocs_blocks),
        cmocka_unit_test(a_reused_block_forgets_its_exact_size),
        cmocka_unit_test(global_and_local_blocks_are_of_the_process_heap),
        cmocka_unit_test(walk_lists_mallocs_blocks_once),
        cmocka_unit_test(walk_shows_cached_blocks_as_free),
        cmocka_unit_test(process_heap_is_walked_safely_amid_threads),
        cmocka_unit_test(lock_of_the_process_heap_holds_all_but_the_caches),
        cmocka_unit_test(private_heaps_and_malloc_do_not_disturb_each_other),
        cmocka_unit_test(child_of_a_fork_has_the_same_heaps),
        cmocka_unit_test(child_of_a_fork_holds_the_lock_of_its_parent_thread),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
