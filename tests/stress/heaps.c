/* SPDX-License-Identifier: MIT */
/* heaps.c: threads that create, share, walk, validate, lock, compact and destroy heaps at random,
 * and free each other's blocks. A shadow model knows each block, its size and its contents. */
#include <windows.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "crew.h"
#include "support/check.h"
#include "support/pattern.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

enum { THREADS = 6, SLOTS = 8, BLOCKS = 96 };

/* A block as it should be. The thread that holds claimed may change and check it. */
struct shadow {
    atomic_bool claimed;
    void *p; /* NULL: none */
    size_t size;
    uint64_t seed;
};

/* A heap and its blocks. Who uses the heap holds life shared, who replaces it exclusively; a heap
 * that is not serialized is held exclusively by every user. */
struct slot {
    pthread_rwlock_t life;
    HANDLE heap;
    atomic_bool exclusive; /* made with HEAP_NO_SERIALIZE */
    bool bounded;
    struct shadow blocks[BLOCKS];
};

static struct slot slots[SLOTS];
static size_t rounds;
static atomic_size_t created, walked, passed_on;

static const struct {
    DWORD options;
    SIZE_T maximum;
} kinds[] = {
    { 0, 0 },
    { HEAP_NO_SERIALIZE, 0 },
    { 0, 1 << 20 },
    { 0, (SIZE_T)1 << 30 },
    { HEAP_NO_SERIALIZE, 1 << 20 },
    { HEAP_CREATE_ENABLE_EXECUTE, 0 },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void slot_create(struct slot *slot, uint64_t *random)
{
    size_t kind = rng_below(random, KINDS);
    slot->heap = HeapCreate(kinds[kind].options, rng_below(random, 3) * 4096, kinds[kind].maximum);
    REQUIRE(slot->heap != NULL);
    atomic_store(&slot->exclusive, (kinds[kind].options & HEAP_NO_SERIALIZE) != 0);
    slot->bounded = kinds[kind].maximum != 0;
    atomic_fetch_add(&created, 1);
}

/* The kind may have changed until the lock is had: then another try. */
static void slot_enter(struct slot *slot)
{
    for (;;) {
        bool exclusive = atomic_load(&slot->exclusive);
        if (exclusive)
            pthread_rwlock_wrlock(&slot->life);
        else
            pthread_rwlock_rdlock(&slot->life);
        if (exclusive == atomic_load(&slot->exclusive))
            return;
        pthread_rwlock_unlock(&slot->life);
    }
}

static void slot_leave(struct slot *slot)
{
    pthread_rwlock_unlock(&slot->life);
}

static bool shadow_claim(struct shadow *shadow)
{
    return !atomic_exchange(&shadow->claimed, true);
}

static void shadow_release(struct shadow *shadow)
{
    atomic_store(&shadow->claimed, false);
}

static void shadow_check(const struct slot *slot, const struct shadow *shadow)
{
    REQUIRE(HeapSize(slot->heap, 0, shadow->p) == shadow->size);
    REQUIRE(pattern_holds(shadow->p, shadow->size, shadow->size, shadow->seed));
}

static void shadow_fill(struct shadow *shadow, uint64_t *random)
{
    shadow->seed = rng_next(random);
    pattern_fill(shadow->p, shadow->size, shadow->seed);
}

/* Mostly small; now and then a size of every kind of block. */
static size_t some_size(uint64_t *random)
{
    uint64_t die = rng_below(random, 100);
    if (die < 80)
        return rng_below(random, 400);
    if (die < 98)
        return rng_size(random, 17);
    return rng_size(random, 21);
}

static void block_make(struct slot *slot, struct shadow *shadow, uint64_t *random)
{
    DWORD flags = rng_below(random, 2) ? HEAP_ZERO_MEMORY : 0;
    shadow->size = some_size(random);
    shadow->p = HeapAlloc(slot->heap, flags, shadow->size);
    if (shadow->p == NULL) {
        REQUIRE(slot->bounded && GetLastError() == ERROR_NOT_ENOUGH_MEMORY);
        return;
    }
    REQUIRE((uintptr_t)shadow->p % MEMORY_ALLOCATION_ALIGNMENT == 0);
    REQUIRE(flags == 0 || bytes_are_zero(shadow->p, shadow->size));
    shadow_fill(shadow, random);
}

static void block_resize(struct slot *slot, struct shadow *shadow, uint64_t *random)
{
    DWORD flags = rng_below(random, 3) ? 0 : HEAP_REALLOC_IN_PLACE_ONLY;
    size_t size = some_size(random), kept = size < shadow->size ? size : shadow->size;
    shadow_check(slot, shadow);
    void *p = HeapReAlloc(slot->heap, flags, shadow->p, size);
    if (p == NULL) {
        REQUIRE(slot->bounded || flags != 0);
        REQUIRE(GetLastError() == ERROR_NOT_ENOUGH_MEMORY);
        shadow_check(slot, shadow);
        return;
    }
    REQUIRE(flags == 0 || p == shadow->p);
    REQUIRE(pattern_holds(p, kept, shadow->size, shadow->seed));
    shadow->p = p;
    shadow->size = size;
    shadow_fill(shadow, random);
}

static void block_drop(struct slot *slot, struct shadow *shadow)
{
    shadow_check(slot, shadow);
    REQUIRE(HeapFree(slot->heap, 0, shadow->p));
    shadow->p = NULL;
}

/* Whatever suits the block at a random place of the table. */
static void block_step(struct slot *slot, uint64_t *random)
{
    struct shadow *shadow = &slot->blocks[rng_below(random, BLOCKS)];
    if (!shadow_claim(shadow))
        return;
    uint64_t die = rng_below(random, 8);
    if (shadow->p == NULL)
        block_make(slot, shadow, random);
    else if (die < 3)
        block_resize(slot, shadow, random);
    else if (die < 7)
        block_drop(slot, shadow);
    else
        REQUIRE(HeapValidate(slot->heap, 0, shadow->p));
    shadow_release(shadow);
}

/* A thread that frees what others made: a run of the table. */
static void free_a_run(struct slot *slot, uint64_t *random)
{
    size_t at = rng_below(random, BLOCKS);
    for (size_t i = 0; i < BLOCKS / 4; i++) {
        struct shadow *shadow = &slot->blocks[(at + i) % BLOCKS];
        if (!shadow_claim(shadow))
            continue;
        if (shadow->p != NULL) {
            block_drop(slot, shadow);
            atomic_fetch_add(&passed_on, 1);
        }
        shadow_release(shadow);
    }
}

/* The walk lists each block that nobody else has claimed once, with its size. */
static void walk_locked(struct slot *slot)
{
    bool mine[BLOCKS];
    unsigned seen[BLOCKS] = { 0 };
    size_t busy = 0, others = 0;
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    for (size_t i = 0; i < BLOCKS; i++) {
        mine[i] = shadow_claim(&slot->blocks[i]);
        others += !mine[i];
    }
    REQUIRE(HeapLock(slot->heap));
    while (HeapWalk(slot->heap, &entry)) {
        if (!(entry.wFlags & PROCESS_HEAP_ENTRY_BUSY))
            continue;
        busy++;
        for (size_t i = 0; i < BLOCKS; i++) {
            if (mine[i] && slot->blocks[i].p == entry.lpData) {
                REQUIRE(entry.cbData == slot->blocks[i].size);
                seen[i]++;
            }
        }
    }
    REQUIRE(GetLastError() == ERROR_NO_MORE_ITEMS);
    REQUIRE(HeapUnlock(slot->heap));
    size_t expected = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        if (!mine[i])
            continue;
        REQUIRE(seen[i] == (slot->blocks[i].p != NULL));
        expected += seen[i];
        shadow_release(&slot->blocks[i]);
    }
    /* A block that others are moving may be there twice, as the old and as the new one. */
    REQUIRE(busy >= expected && busy <= expected + 2 * others);
    atomic_fetch_add(&walked, 1);
}

/* Without the lock a walk may miss blocks, but it ends and does no harm. */
static void walk_unlocked(struct slot *slot)
{
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    size_t steps = 0;
    while (HeapWalk(slot->heap, &entry) && steps < 1000000)
        steps++;
    REQUIRE(steps < 1000000);
    REQUIRE(GetLastError() == ERROR_NO_MORE_ITEMS || GetLastError() == ERROR_INVALID_PARAMETER);
}

static void use_under_lock(struct slot *slot, uint64_t *random)
{
    size_t times = 1 + rng_below(random, 3);
    for (size_t i = 0; i < times; i++)
        REQUIRE(HeapLock(slot->heap));
    for (size_t i = 0; i < 10; i++)
        block_step(slot, random);
    REQUIRE(HeapValidate(slot->heap, 0, NULL));
    for (size_t i = 0; i < times; i++)
        REQUIRE(HeapUnlock(slot->heap));
}

static void ask_and_trim(struct slot *slot, uint64_t *random)
{
    HEAP_SUMMARY summary = { .cb = sizeof(summary) };
    HEAP_OPTIMIZE_RESOURCES_INFORMATION optimize = { HEAP_OPTIMIZE_RESOURCES_CURRENT_VERSION, 0 };
    switch (rng_below(random, 5)) {
    case 0:
        HeapCompact(slot->heap, 0);
        break;
    case 1:
        REQUIRE(HeapSummary(slot->heap, 0, &summary));
        REQUIRE(summary.cbCommitted <= summary.cbReserved);
        break;
    case 2:
        REQUIRE(HeapSetInformation(slot->heap, HeapOptimizeResources, &optimize, sizeof optimize));
        break;
    case 3:
        REQUIRE(HeapValidate(GetProcessHeap(), 0, NULL));
        break;
    default:
        REQUIRE(HeapValidate(slot->heap, 0, NULL));
    }
}

/* All blocks are checked; some are freed, the rest dies with the heap. */
static void replace(struct slot *slot, uint64_t *random)
{
    HANDLE old, all[64];
    pthread_rwlock_wrlock(&slot->life);
    for (size_t i = 0; i < BLOCKS; i++) {
        struct shadow *shadow = &slot->blocks[i];
        REQUIRE(!atomic_load(&shadow->claimed));
        if (shadow->p != NULL)
            shadow_check(slot, shadow);
        if (shadow->p != NULL && rng_below(random, 4) == 0)
            REQUIRE(HeapFree(slot->heap, 0, shadow->p));
        shadow->p = NULL;
    }
    REQUIRE(HeapValidate(slot->heap, 0, NULL));
    old = slot->heap;
    REQUIRE(HeapDestroy(old));
    REQUIRE(GetProcessHeaps(64, all) <= SLOTS + THREADS + 1);
    slot_create(slot, random);
    pthread_rwlock_unlock(&slot->life);
}

/* A heap that lives for a moment, in one thread. */
static void own_heap(uint64_t *random)
{
    void *p[50];
    size_t size[50], count = 1 + rng_below(random, 50);
    HANDLE heap = HeapCreate(rng_below(random, 2) ? HEAP_NO_SERIALIZE : 0, 0, 0);
    REQUIRE(heap != NULL);
    for (size_t i = 0; i < count; i++) {
        size[i] = some_size(random);
        p[i] = HeapAlloc(heap, 0, size[i]);
        REQUIRE(p[i] != NULL);
        pattern_fill(p[i], size[i], i);
    }
    for (size_t i = 0; i < count; i++) {
        REQUIRE(pattern_holds(p[i], size[i], size[i], i));
        REQUIRE(i % 3 != 0 || HeapFree(heap, 0, p[i]));
    }
    REQUIRE(HeapDestroy(heap));
    atomic_fetch_add(&created, 1);
}

static void step(uint64_t *random)
{
    struct slot *slot = &slots[rng_below(random, SLOTS)];
    uint64_t die = rng_below(random, 1000);
    if (die < 5) {
        replace(slot, random);
        return;
    }
    if (die < 15) {
        own_heap(random);
        return;
    }
    slot_enter(slot);
    if (die < 30)
        walk_locked(slot);
    else if (die < 35)
        walk_unlocked(slot);
    else if (die < 50)
        use_under_lock(slot, random);
    else if (die < 70)
        ask_and_trim(slot, random);
    else if (die < 90)
        free_a_run(slot, random);
    else
        for (size_t i = 0; i < 4; i++)
            block_step(slot, random);
    slot_leave(slot);
}

static void *body(void *number)
{
    uint64_t random = (uintptr_t)number * 7919 + 1;
    for (size_t i = 0; i < rounds; i++)
        step(&random);
    return NULL;
}

/* In several generations, so that heaps and blocks outlive threads that made them. */
static void threads_share_heaps(void **state)
{
    (void)state;
    uint64_t random = 42;
    size_t before = GetProcessHeaps(0, NULL);
    rounds = scaled(12000);
    for (size_t i = 0; i < SLOTS; i++) {
        pthread_rwlock_init(&slots[i].life, NULL);
        slot_create(&slots[i], &random);
    }
    for (int generation = 0; generation < 3; generation++)
        crew_run(THREADS, body);
    for (size_t i = 0; i < SLOTS; i++) {
        walk_locked(&slots[i]);
        replace(&slots[i], &random);
        REQUIRE(HeapDestroy(slots[i].heap));
        pthread_rwlock_destroy(&slots[i].life);
    }
    assert_int_equal(GetProcessHeaps(0, NULL), before);
    assert_true(HeapValidate(GetProcessHeap(), 0, NULL));
    printf("%zu heaps created, %zu walks, %zu blocks freed in runs\n", atomic_load(&created),
           atomic_load(&walked), atomic_load(&passed_on));
}

/* Every block once: the busy entries are as many as the blocks, and so is the sum of their order
 * numbers, which stand in them. */
static void walk_a_million(DWORD options, SIZE_T maximum, size_t count)
{
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    size_t busy = 0;
    uint64_t sum = 0;
    HANDLE heap = HeapCreate(options, 0, maximum);
    assert_non_null(heap);
    for (size_t i = 0; i < count; i++) {
        size_t *p = HeapAlloc(heap, 0, 48);
        assert_non_null(p);
        *p = i;
    }
    assert_true(HeapLock(heap));
    while (HeapWalk(heap, &entry)) {
        if (!(entry.wFlags & PROCESS_HEAP_ENTRY_BUSY))
            continue;
        REQUIRE(entry.cbData == 48);
        busy++;
        sum += *(size_t *)entry.lpData;
    }
    assert_int_equal(GetLastError(), ERROR_NO_MORE_ITEMS);
    assert_true(HeapUnlock(heap));
    assert_int_equal(busy, count);
    assert_true(sum == (uint64_t)count * (count - 1) / 2);
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(HeapDestroy(heap));
}

static void a_million_blocks_are_walked(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].maximum != 1 << 20)
            walk_a_million(kinds[i].options, kinds[i].maximum, scaled(1000000));
    }
}

/* Blocks made by threads that are gone, freed by one that made none. */
static HANDLE inherited;
enum { LEFT = 2000 };
static void *left[THREADS][LEFT];

static void *leave_blocks(void *number)
{
    size_t thread = (size_t)number;
    for (size_t i = 0; i < LEFT; i++) {
        left[thread][i] = HeapAlloc(inherited, 0, 16 + i % 700);
        pattern_fill(left[thread][i], 16 + i % 700, i);
    }
    return NULL;
}

static void *take_up_blocks(void *number)
{
    size_t thread = ((size_t)number + 1) % THREADS;
    for (size_t i = 0; i < LEFT; i++) {
        REQUIRE(pattern_holds(left[thread][i], 16 + i % 700, 16 + i % 700, i));
        REQUIRE(HeapFree(inherited, 0, left[thread][i]));
    }
    return NULL;
}

static void heaps_outlive_their_threads(void **state)
{
    (void)state;
    inherited = HeapCreate(0, 0, 0);
    assert_non_null(inherited);
    for (size_t round = 0; round < scaled(100) + 1; round++) {
        crew_run(THREADS, leave_blocks);
        assert_true(HeapValidate(inherited, 0, NULL));
        crew_run(THREADS, take_up_blocks);
    }
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    while (HeapWalk(inherited, &entry))
        assert_false(entry.wFlags & PROCESS_HEAP_ENTRY_BUSY);
    assert_true(HeapDestroy(inherited));
}

/* Memory stays bounded: what threads and heaps leave behind is used again. */
static void many_heaps_come_and_go(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (size_t i = 0; i < scaled(100000); i++) {
        HANDLE heap = HeapCreate(i % 2 ? HEAP_NO_SERIALIZE : 0, 0, i % 7 == 0 ? 1 << 20 : 0);
        REQUIRE(heap != NULL);
        for (size_t k = 0; k < 3; k++)
            REQUIRE(HeapAlloc(heap, 0, rng_below(&random, 5000)) != NULL);
        REQUIRE(HeapDestroy(heap));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_heaps),
        cmocka_unit_test(a_million_blocks_are_walked),
        cmocka_unit_test(heaps_outlive_their_threads),
        cmocka_unit_test(many_heaps_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
