/* SPDX-License-Identifier: MIT */
/* The system refuses a bounded heap what it asks for: each of its calls fails at its n-th time, for
 * every n that there is, once or for ever after. The heap gives NULL then, is sound, holds what it
 * held, and goes on when the system does. */
#include "test.h"

#include "bounded_check.h"
#include "os/vm.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static struct {
    enum call { NONE, RESERVE, COMMIT, COMMIT_EXECUTABLE, PURGE } call;
    size_t nth, count, refused;
    bool for_ever;
} faults;

static bool is_refused(enum call call)
{
    if (call != faults.call)
        return false;
    faults.count++;
    bool refused = faults.count == faults.nth || (faults.for_ever && faults.count > faults.nth);
    faults.refused += refused;
    return refused;
}

void *__real_os_reserve(size_t size);
void *__wrap_os_reserve(size_t size);
bool __real_os_commit(void *address, size_t size);
bool __wrap_os_commit(void *address, size_t size);
bool __real_os_commit_executable(void *address, size_t size);
bool __wrap_os_commit_executable(void *address, size_t size);
bool __real_os_purge(void *address, size_t size);
bool __wrap_os_purge(void *address, size_t size);
#if defined(_WIN32) /* elsewhere it is os_purge under another name */
bool __real_os_discard(void *address, size_t size);
bool __wrap_os_discard(void *address, size_t size);
#endif

void *__wrap_os_reserve(size_t size)
{
    return is_refused(RESERVE) ? NULL : __real_os_reserve(size);
}

bool __wrap_os_commit(void *address, size_t size)
{
    return !is_refused(COMMIT) && __real_os_commit(address, size);
}

bool __wrap_os_commit_executable(void *address, size_t size)
{
    return !is_refused(COMMIT_EXECUTABLE) && __real_os_commit_executable(address, size);
}

bool __wrap_os_purge(void *address, size_t size)
{
    return !is_refused(PURGE) && __real_os_purge(address, size);
}

#if defined(_WIN32)
bool __wrap_os_discard(void *address, size_t size)
{
    return !is_refused(PURGE) && __real_os_discard(address, size);
}
#endif

/* ---- what a program does -------------------------------------------------------------------- */

enum { BLOCKS = 64 };

struct use {
    unsigned char *blocks[BLOCKS];
    size_t sizes[BLOCKS], refused;
};

static void check_contents(const struct use *use)
{
    for (size_t i = 0; i < BLOCKS; i++)
        for (size_t at = 0; use->blocks[i] != NULL && at < use->sizes[i]; at += 97)
            assert_int_equal(use->blocks[i][at], (unsigned char)(i + 1));
}

static void keep(struct use *use, size_t i, void *block, size_t size)
{
    if (block == NULL) {
        use->refused++;
        return;
    }
    use->blocks[i] = block;
    use->sizes[i] = size;
    memset(block, (int)(i + 1), size);
}

static void work(struct bounded *heap, struct use *use)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (use->blocks[i] == NULL)
            keep(use, i, bounded_alloc(heap, 1000 + i * 700), 1000 + i * 700);
    check_bounded(heap);
    check_contents(use);
    for (size_t i = 0; i < BLOCKS; i += 5)
        if (use->blocks[i] != NULL)
            keep(use, i, bounded_realloc(heap, use->blocks[i], use->sizes[i] + 30000, false),
                 use->sizes[i] + 30000);
    check_bounded(heap);
    check_contents(use);
    for (size_t i = 0; i < BLOCKS; i += 3) {
        assert_true(use->blocks[i] == NULL || bounded_free(heap, use->blocks[i]));
        use->blocks[i] = NULL;
    }
    bounded_compact(heap);
    check_bounded(heap);
    check_contents(use);
}

/* True while there was a call to refuse. */
static bool survives(enum call call, size_t nth, bool for_ever)
{
    faults.call = call;
    faults.nth = nth;
    faults.for_ever = for_ever;
    faults.count = faults.refused = 0;
    struct bounded *heap = bounded_create(10 * KIB, 16 * MIB, call == COMMIT_EXECUTABLE);
    struct use use = { 0 };
    if (heap == NULL) {
        assert_true(faults.refused != 0);
        return true;
    }
    work(heap, &use);
    assert_true(use.refused == 0 || (faults.refused != 0 && call != PURGE));
    faults.call = NONE;
    use.refused = 0;
    work(heap, &use);
    assert_int_equal(use.refused, 0);
    bounded_destroy(heap);
    return faults.refused != 0;
}

static void every_refusal_is_survived(void **state)
{
    enum call call = *(enum call *)*state;
    size_t least = call == RESERVE ? 1 : 3; /* that many calls there are */
    for (int for_ever = 0; for_ever <= 1; for_ever++) {
        size_t nth = 1;
        while (survives(call, nth, for_ever))
            nth++;
        assert_true(nth > least);
    }
}

/* A long step is refused, what is needed is not. */
static void when_a_step_is_refused_what_is_needed_is_tried(void **state)
{
    (void)state;
    struct bounded *heap = bounded_create(2 * MIB, 16 * MIB, false);
    assert_non_null(bounded_alloc(heap, 2 * MIB - 200 * KIB));
    faults.call = COMMIT;
    faults.nth = 1;
    faults.for_ever = false;
    faults.count = faults.refused = 0;
    size_t before = bounded_figures(heap).committed;
    assert_non_null(bounded_alloc(heap, 300 * KIB));
    assert_int_equal(faults.refused, 1);
    assert_in_range(bounded_figures(heap).committed, before + 4 * KIB, before + 316 * KIB);
    faults.call = NONE;
    check_bounded(heap);
    bounded_destroy(heap);
}

/* ---- giving memory back without being told to ----------------------------------------------- */

/* One that is never refused, but counted. */
static void count_purges(void)
{
    faults.call = PURGE;
    faults.nth = SIZE_MAX;
    faults.for_ever = false;
    faults.count = faults.refused = 0;
}

static void memory_that_is_used_again_stays(void **state)
{
    (void)state;
    struct bounded *heap = bounded_create(0, 64 * MIB, false);
    void *blocks[100];
    for (int round = 0; round < 50; round++) {
        if (round == 5) /* what was committed in vain has gone by then */
            count_purges();
        for (size_t i = 0; i < 100; i++)
            assert_non_null(blocks[i] = bounded_alloc(heap, 300 * KIB));
        for (size_t i = 0; i < 100; i++)
            assert_true(bounded_free(heap, blocks[(i * 37 + 11) % 100]));
    }
    assert_int_equal(faults.count, 0);
    check_bounded(heap);
    bounded_destroy(heap);
}

static void memory_that_is_no_longer_used_goes_back(void **state)
{
    (void)state;
    struct bounded *heap = bounded_create(0, 64 * MIB, false);
    static void *blocks[2000];
    count_purges();
    for (size_t i = 0; i < COUNT(blocks); i++)
        memset(blocks[i] = bounded_alloc(heap, 20 * KIB), 1, 20 * KIB);
    size_t most = bounded_figures(heap).committed;
    for (size_t i = 100; i < COUNT(blocks); i++)
        assert_true(bounded_free(heap, blocks[i]));
    for (int i = 0; i < 10000; i++)
        assert_true(bounded_free(heap, bounded_alloc(heap, 20 * KIB)));
    assert_in_range(faults.count, 1, 10);
    assert_in_range(bounded_figures(heap).committed, 0, most / 4);
    check_bounded(heap);
    bounded_destroy(heap);
}

int main(void)
{
    static enum call calls[] = { RESERVE, COMMIT, COMMIT_EXECUTABLE, PURGE };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_refusal_is_survived, &calls[0]),
        cmocka_unit_test_prestate(every_refusal_is_survived, &calls[1]),
        cmocka_unit_test_prestate(every_refusal_is_survived, &calls[2]),
        cmocka_unit_test_prestate(every_refusal_is_survived, &calls[3]),
        cmocka_unit_test(when_a_step_is_refused_what_is_needed_is_tried),
        cmocka_unit_test(memory_that_is_used_again_stays),
        cmocka_unit_test(memory_that_is_no_longer_used_goes_back),
    };
    return cmocka_run_group_tests_name("bounded_fault", tests, NULL, NULL);
}
