/* SPDX-License-Identifier: MIT */
/* Every system call that the heap makes fails, at every one of its occurrences, once and from then
 * on: from the first moment of a process, in all threads, the background one too. The program gets
 * NULL now and then, and loses nothing; when the system is willing again everything goes on, and
 * all records agree. */
#include "test.h"

#include "heap/heap.h"
#include "heap/purge.h"
#include "invariants.h"
#include "refuse.h"
#include "region/region.h"
#include "win32/host/host_process.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>

/* ---- the work ------------------------------------------------------------------------------ */

enum { BLOCKS = 64, THREADS = 2 };

struct table {
    unsigned char *blocks[BLOCKS];
    size_t sizes[BLOCKS];
    size_t refusals;
    struct random random;
};

/* The first and last byte of each page say whose it is. */
static unsigned char stamp(size_t i)
{
    return (unsigned char)(i * 7 + 3);
}

static void mark(struct table *table, size_t i, size_t from)
{
    for (size_t at = from; at < table->sizes[i]; at += 4096)
        table->blocks[i][at] = stamp(i);
    table->blocks[i][table->sizes[i] - 1] = stamp(i);
}

static void check_marks(const struct table *table, size_t i, size_t size)
{
    for (size_t at = 0; at < size; at += 4096)
        if (table->blocks[i][at] != stamp(i))
            abort();
    if (size == table->sizes[i] && table->blocks[i][size - 1] != stamp(i))
        abort();
}

static void put(struct table *table, size_t i, size_t size)
{
    table->blocks[i] = i % 5 == 0   ? heap_alloc_zero(size)
                       : i % 7 == 0 ? heap_alloc_aligned(4096, size)
                                    : heap_alloc(size);
    table->sizes[i] = size;
    if (table->blocks[i] == NULL)
        table->refusals++;
    else
        mark(table, i, 0);
}

static void drop(struct table *table, size_t i)
{
    if (table->blocks[i] == NULL)
        return;
    check_marks(table, i, table->sizes[i]);
    heap_free(table->blocks[i], "test");
    table->blocks[i] = NULL;
}

static void resize(struct table *table, size_t i, size_t size)
{
    if (table->blocks[i] == NULL)
        return put(table, i, size);
    size_t old = table->sizes[i];
    unsigned char *block = heap_realloc(table->blocks[i], size, "test");
    if (block == NULL) {
        table->refusals++;
        check_marks(table, i, old);
        return;
    }
    table->blocks[i] = block;
    check_marks(table, i, old < size ? old : size);
    table->sizes[i] = size;
    mark(table, i, 0);
}

/* Blocks of all kinds, and one that grows until its pages are moved, again and again. */
static void churn(struct table *table, size_t steps)
{
    static const size_t sizes[] = { 1, 40, 500, 3000, 20000, 60000, 200000, 1500000 };
    for (size_t step = 0; step < steps; step++) {
        size_t i = 1 + random_below(&table->random, BLOCKS - 1);
        if (table->blocks[i] != NULL)
            drop(table, i);
        else
            put(table, i, sizes[random_below(&table->random, COUNT(sizes))]);
        if (step % 16 == 0)
            resize(table, 0, table->sizes[0] < 4500000 ? table->sizes[0] * 2 + 700000 : 600000);
    }
}

static void drop_all(struct table *table)
{
    for (size_t i = 0; i < BLOCKS; i++)
        drop(table, i);
}

/* Both sides of a hand-over: what the other thread made is freed here and the other way round. */
static _Atomic(void *) handed_over[16];

static void hand_over(struct random *random)
{
    for (int i = 0; i < 200; i++) {
        void *block = heap_alloc(1 + random_below(random, i % 8 == 0 ? 50000 : 3000));
        heap_free(atomic_exchange(&handed_over[random_below(random, 16)], block), "test");
    }
}

static void *thread_body(void *table)
{
    hand_over(&((struct table *)table)->random);
    churn(table, 30);
    drop_all(table);
    return NULL;
}

static size_t work_once(void)
{
    static struct table own = { .random = { 1 } }, others[THREADS];
    pthread_t threads[THREADS];
    bool runs[THREADS];
    size_t refusals = own.refusals = 0;
    churn(&own, 100);
    for (size_t t = 0; t < THREADS; t++) {
        others[t] = (struct table){ .random = { t + 2 } };
        runs[t] = pthread_create(&threads[t], NULL, thread_body, &others[t]) == 0;
    }
    hand_over(&own.random);
    for (size_t t = 0; t < THREADS; t++) {
        if (runs[t])
            pthread_join(threads[t], NULL);
        refusals += others[t].refusals;
    }
    purge_all();
    churn(&own, 30);
    if (region_settings.purge_delay > 0)
        host_sleep((uint32_t)(7 * region_settings.purge_delay));
    churn(&own, 30);
    return refusals + own.refusals;
}

static void check_alone(void)
{
    int64_t before = region_settings.purge_delay;
    region_settings.purge_delay = -1;
    purge_all();
    check_heap();
    assert_int_equal(region_dirty(), 0);
    region_settings.purge_delay = before;
}

static void work(void **state)
{
    (void)state;
    region_settings.purge_delay = 4;
    work_once();
    refuse_say(REFUSE_END);
    check_alone();
    assert_int_equal(work_once(), 0);
    check_alone();
}

/* The account is written at the end, after main: refusals go on until then. */
static void work_and_report(void **state)
{
    (void)state;
    work_once();
}

/* ---- the tests ----------------------------------------------------------------------------- */

enum { ANY = -1, WAIT = 0 /* FUTEX_WAIT */, SUCCESS = 0 };

#define GIB ((size_t)1 << 30)

static const struct trial {
    const char *name;
    struct refusal refusal;
} trials[] = {
    { "mmap", { .call = SYS_mmap, .error = ENOMEM, .operation = ANY } },
    { "mmap in a window",
      { .call = SYS_mmap, .error = ENOMEM, .operation = ANY, .address_space = GIB } },
    { "mmap of taken addresses",
      { .call = SYS_mmap,
        .error = EEXIST,
        .operation = ANY,
        .address_space = GIB,
        .once_only = true } },
    { "mprotect", { .call = SYS_mprotect, .error = ENOMEM, .operation = ANY } },
    { "madvise, once more later", { .call = SYS_madvise, .error = EAGAIN, .operation = ANY } },
    { "madvise of locked memory", { .call = SYS_madvise, .error = EINVAL, .operation = ANY } },
    { "munmap", { .call = SYS_munmap, .error = ENOMEM, .operation = ANY, .address_space = GIB } },
    { "mremap", { .call = SYS_mremap, .error = ENOMEM, .operation = ANY } },
    { "mremap, unknown", { .call = SYS_mremap, .error = EINVAL, .operation = ANY } },
    { "mremap, across mappings", { .call = SYS_mremap, .error = EFAULT, .operation = ANY } },
    { "futex, interrupted", { .call = SYS_futex, .error = EINTR, .operation = WAIT } },
    { "futex, woken for nothing", { .call = SYS_futex, .error = SUCCESS, .operation = WAIT } },
    { "clone", { .call = SYS_clone, .error = EAGAIN, .operation = ANY, .anybody = true } },
    { "clone3", { .call = SYS_clone3, .error = EAGAIN, .operation = ANY, .anybody = true } },
    { "rt_sigprocmask", { .call = SYS_rt_sigprocmask, .error = EFAULT, .operation = ANY } },
    { "openat", { .call = SYS_openat, .error = EMFILE, .operation = ANY } },
    { "read", { .call = SYS_read, .error = EIO, .operation = ANY } },
    { "close", { .call = SYS_close, .error = EIO, .operation = ANY } },
};

static const struct trial reports[] = {
    { "openat", { .call = SYS_openat, .error = ENFILE, .operation = ANY } },
    { "write", { .call = SYS_write, .error = ENOSPC, .operation = ANY } },
};

static void try_all(const char *work, const struct trial *table, size_t count)
{
    size_t all = 0;
    for (const struct trial *trial = table; trial < table + count; trial++) {
        size_t runs = refuse_each(work, trial->refusal);
        print_message("             %s: %zu runs\n", trial->name, runs);
        all += runs;
    }
    print_message("             together %zu runs\n", all);
}

static void the_heap_goes_on(void **state)
{
    (void)state;
    try_all("heap", trials, COUNT(trials));
}

static void an_account_is_lost_and_nothing_else(void **state)
{
    (void)state;
    setenv("BARROW_STATS", "/dev/null", 1);
    try_all("report", reports, COUNT(reports));
}

int main(int argc, char **argv)
{
    const char *name = refuse_work(argc, argv);
    const struct CMUnitTest heap[] = { cmocka_unit_test(work) };
    const struct CMUnitTest report[] = { cmocka_unit_test(work_and_report) };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heap_goes_on),
        cmocka_unit_test(an_account_is_lost_and_nothing_else),
    };
    if (name != NULL && strcmp(name, "heap") == 0)
        return cmocka_run_group_tests_name(name, heap, NULL, NULL);
    if (name != NULL)
        return cmocka_run_group_tests_name(name, report, NULL, NULL);
    return cmocka_run_group_tests_name("every call", tests, NULL, NULL);
}
