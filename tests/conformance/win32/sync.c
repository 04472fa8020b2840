/* SPDX-License-Identifier: MIT */
/* sync.c: what threads of one process use to wait for each other: critical sections, slim locks,
 * condition variables, one-time initialisation, atomic operations, lists, and values of threads. */
#include "win32_test.h"

#define THREADS 4
#define ROUNDS  20000

/* Runs the body in several threads and waits for them. */
static void run_threads(void (*body)(void *), void *argument)
{
    thread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(body, argument);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
}

/* --- critical sections ----------------------------------------------------------------------- */

struct counted {
    CRITICAL_SECTION section;
    SRWLOCK lock;
    LONG value, readers, overlaps;
};

static void count_in_section(void *argument)
{
    struct counted *c = argument;
    for (int i = 0; i < ROUNDS; i++) {
        EnterCriticalSection(&c->section);
        if (i % 3 == 0)
            EnterCriticalSection(&c->section);
        LONG seen = c->value;
        if (i % 64 == 0)
            Sleep(0);
        c->value = seen + 1;
        if (i % 3 == 0)
            LeaveCriticalSection(&c->section);
        LeaveCriticalSection(&c->section);
    }
}

static void critical_section_excludes(void **state)
{
    struct counted c = { .value = 0 };
    (void)state;
    for (DWORD spin = 0; spin <= 4000; spin += 4000) {
        c.value = 0;
        assert_true(InitializeCriticalSectionAndSpinCount(&c.section, spin));
        run_threads(count_in_section, &c);
        assert_int_equal(c.value, THREADS * ROUNDS);
        DeleteCriticalSection(&c.section);
    }
}

static void critical_section_is_recursive_and_tells_its_owner(void **state)
{
    CRITICAL_SECTION s;
    (void)state;
    InitializeCriticalSection(&s);
    assert_int_equal(s.LockCount, -1);
    assert_int_equal(s.RecursionCount, 0);
    SetLastError(0xDEADBEEF);
    EnterCriticalSection(&s);
    assert_true(TryEnterCriticalSection(&s));
    assert_int_equal(s.RecursionCount, 2);
    assert_true(s.OwningThread == (HANDLE)(ULONG_PTR)GetCurrentThreadId());
    LeaveCriticalSection(&s);
    LeaveCriticalSection(&s);
    assert_int_equal(s.LockCount, -1);
    assert_int_equal(s.RecursionCount, 0);
    assert_null(s.OwningThread);
    assert_int_equal(GetLastError(), 0xDEADBEEF);
    DeleteCriticalSection(&s);
}

struct try_enter {
    CRITICAL_SECTION section;
    BOOL entered;
};

static void try_to_enter(void *argument)
{
    struct try_enter *t = argument;
    t->entered = TryEnterCriticalSection(&t->section);
    if (t->entered)
        LeaveCriticalSection(&t->section);
}

static void try_enter_of_another_threads_section_is_false(void **state)
{
    struct try_enter t;
    (void)state;
    InitializeCriticalSection(&t.section);
    EnterCriticalSection(&t.section);
    thread_join(thread_start(try_to_enter, &t));
    assert_false(t.entered);
    LeaveCriticalSection(&t.section);
    thread_join(thread_start(try_to_enter, &t));
    assert_true(t.entered);
    DeleteCriticalSection(&t.section);
}

static void spin_count_returns_the_one_before(void **state)
{
    CRITICAL_SECTION s;
    (void)state;
    assert_true(InitializeCriticalSectionEx(&s, 4000, 0));
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    DWORD kept = info.dwNumberOfProcessors > 1 ? 4000 : 0;
    assert_int_equal(SetCriticalSectionSpinCount(&s, 7), kept);
    DeleteCriticalSection(&s);
}

/* --- slim locks ------------------------------------------------------------------------------ */

static void read_and_write(void *argument)
{
    struct counted *c = argument;
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 4 == 0) {
            AcquireSRWLockExclusive(&c->lock);
            if (__atomic_load_n(&c->readers, __ATOMIC_RELAXED) != 0)
                __atomic_fetch_add(&c->overlaps, 1, __ATOMIC_RELAXED);
            c->value++;
            ReleaseSRWLockExclusive(&c->lock);
        } else {
            AcquireSRWLockShared(&c->lock);
            __atomic_fetch_add(&c->readers, 1, __ATOMIC_RELAXED);
            LONG seen = c->value;
            if (i % 50 == 1)
                Sleep(0);
            if (c->value != seen)
                __atomic_fetch_add(&c->overlaps, 1, __ATOMIC_RELAXED);
            __atomic_fetch_sub(&c->readers, 1, __ATOMIC_RELAXED);
            ReleaseSRWLockShared(&c->lock);
        }
    }
}

static void srwlock_keeps_writers_alone(void **state)
{
    struct counted c = { .lock = SRWLOCK_INIT };
    (void)state;
    run_threads(read_and_write, &c);
    assert_int_equal(c.value, THREADS * ROUNDS / 4);
    assert_int_equal(c.overlaps, 0);
    assert_true(TryAcquireSRWLockExclusive(&c.lock));
    ReleaseSRWLockExclusive(&c.lock);
}

static void srwlock_try_forms(void **state)
{
    SRWLOCK lock;
    (void)state;
    InitializeSRWLock(&lock);
    assert_true(TryAcquireSRWLockShared(&lock));
    assert_true(TryAcquireSRWLockShared(&lock));
    assert_false(TryAcquireSRWLockExclusive(&lock));
    ReleaseSRWLockShared(&lock);
    assert_false(TryAcquireSRWLockExclusive(&lock));
    ReleaseSRWLockShared(&lock);
    assert_true(TryAcquireSRWLockExclusive(&lock));
    assert_false(TryAcquireSRWLockShared(&lock));
    assert_false(TryAcquireSRWLockExclusive(&lock));
    ReleaseSRWLockExclusive(&lock);
    assert_null(lock.Ptr);
}

struct two_readers {
    SRWLOCK lock;
    LONG second_is_in;
};

static void second_reader(void *argument)
{
    struct two_readers *t = argument;
    AcquireSRWLockShared(&t->lock);
    __atomic_store_n(&t->second_is_in, 1, __ATOMIC_RELEASE);
    ReleaseSRWLockShared(&t->lock);
}

static void srwlock_readers_do_not_wait_for_each_other(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct two_readers t = { .lock = SRWLOCK_INIT };
        AcquireSRWLockExclusive(&t.lock);
        thread_t reader = thread_start(second_reader, &t);
        ReleaseSRWLockExclusive(&t.lock);
        AcquireSRWLockShared(&t.lock); /* beside the other, or before or after it */
        assert_true(wait_until_nonzero(&t.second_is_in));
        ReleaseSRWLockShared(&t.lock);
        thread_join(reader);
    }
}

/* --- condition variables --------------------------------------------------------------------- */

struct queue {
    CRITICAL_SECTION section;
    SRWLOCK lock;
    CONDITION_VARIABLE filled, emptied;
    LONG items, taken;
    LONG closed;
};

static void take_items(void *argument)
{
    struct queue *q = argument;
    EnterCriticalSection(&q->section);
    for (;;) {
        while (q->items == 0 && !q->closed)
            SleepConditionVariableCS(&q->filled, &q->section, INFINITE);
        if (q->items == 0)
            break;
        q->items--;
        q->taken++;
        WakeConditionVariable(&q->emptied);
    }
    LeaveCriticalSection(&q->section);
}

static void condition_variable_wakes_waiters(void **state)
{
    struct queue q = { .filled = CONDITION_VARIABLE_INIT, .emptied = CONDITION_VARIABLE_INIT };
    thread_t threads[THREADS];
    (void)state;
    InitializeCriticalSection(&q.section);
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(take_items, &q);
    EnterCriticalSection(&q.section);
    for (int i = 0; i < ROUNDS; i++) {
        while (q.items == 4)
            assert_true(SleepConditionVariableCS(&q.emptied, &q.section, INFINITE));
        q.items++;
        WakeConditionVariable(&q.filled);
    }
    q.closed = 1;
    LeaveCriticalSection(&q.section);
    WakeAllConditionVariable(&q.filled);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_int_equal(q.taken, ROUNDS);
    DeleteCriticalSection(&q.section);
}

static void wait_shared(void *argument)
{
    struct queue *q = argument;
    AcquireSRWLockShared(&q->lock);
    while (!q->closed)
        SleepConditionVariableSRW(&q->filled, &q->lock, INFINITE,
                                  CONDITION_VARIABLE_LOCKMODE_SHARED);
    __atomic_fetch_add(&q->taken, 1, __ATOMIC_RELAXED);
    ReleaseSRWLockShared(&q->lock);
}

static void condition_variable_with_a_shared_slim_lock(void **state)
{
    struct queue q = { .lock = SRWLOCK_INIT, .filled = CONDITION_VARIABLE_INIT };
    thread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(wait_shared, &q);
    Sleep(20);
    AcquireSRWLockExclusive(&q.lock);
    q.closed = 1;
    ReleaseSRWLockExclusive(&q.lock);
    WakeAllConditionVariable(&q.filled);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_int_equal(q.taken, THREADS);
}

static void condition_variable_times_out_with_1460(void **state)
{
    CRITICAL_SECTION s;
    SRWLOCK lock = SRWLOCK_INIT;
    CONDITION_VARIABLE v;
    (void)state;
    InitializeConditionVariable(&v);
    InitializeCriticalSection(&s);
    EnterCriticalSection(&s);
    ULONGLONG before = GetTickCount64();
    assert_error(SleepConditionVariableCS(&v, &s, 50), FALSE, ERROR_TIMEOUT);
    assert_true(GetTickCount64() - before >= 30);
    assert_int_equal(s.RecursionCount, 1); /* it holds the section again */
    LeaveCriticalSection(&s);
    AcquireSRWLockExclusive(&lock);
    assert_error(SleepConditionVariableSRW(&v, &lock, 10, 0), FALSE, ERROR_TIMEOUT);
    assert_false(TryAcquireSRWLockShared(&lock));
    ReleaseSRWLockExclusive(&lock);
    DeleteCriticalSection(&s);
}

/* --- one-time initialisation ----------------------------------------------------------------- */

struct initialised {
    INIT_ONCE once;
    LONG calls, wrong;
};

static BOOL CALLBACK initialise(PINIT_ONCE once, PVOID parameter, PVOID *context)
{
    struct initialised *i = parameter;
    (void)once;
    Sleep(10);
    i->calls++;
    *context = &i->calls;
    return TRUE;
}

static void use_initialised(void *argument)
{
    struct initialised *i = argument;
    PVOID context = NULL;
    if (!InitOnceExecuteOnce(&i->once, initialise, i, &context) || context != &i->calls)
        InterlockedIncrement(&i->wrong);
}

static void init_once_calls_once_and_others_wait(void **state)
{
    struct initialised i = { .once = INIT_ONCE_STATIC_INIT };
    (void)state;
    run_threads(use_initialised, &i);
    assert_int_equal(i.calls, 1);
    assert_int_equal(i.wrong, 0);
}

static BOOL CALLBACK refuse(PINIT_ONCE once, PVOID parameter, PVOID *context)
{
    (void)once, (void)parameter, (void)context;
    SetLastError(77);
    return FALSE;
}

static void init_once_tries_again_after_a_failure(void **state)
{
    struct initialised i = { .calls = 0 };
    PVOID context = NULL;
    (void)state;
    InitOnceInitialize(&i.once);
    SetLastError(0);
    assert_false(InitOnceExecuteOnce(&i.once, refuse, NULL, NULL));
    assert_int_equal(GetLastError(), 77);
    assert_kept(InitOnceExecuteOnce(&i.once, initialise, &i, &context));
    assert_int_equal(i.calls, 1);
}

static void init_once_in_two_steps(void **state)
{
    INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    static LONG64 object;
    BOOL pending = 7;
    PVOID context = NULL;
    (void)state;
    assert_error(InitOnceBeginInitialize(&once, INIT_ONCE_CHECK_ONLY, &pending, &context), FALSE,
                 ERROR_GEN_FAILURE);
    assert_error(
        InitOnceBeginInitialize(&once, INIT_ONCE_CHECK_ONLY | INIT_ONCE_ASYNC, &pending, &context),
        FALSE, ERROR_INVALID_PARAMETER);
    assert_error(InitOnceComplete(&once, INIT_ONCE_ASYNC, NULL), FALSE, ERROR_GEN_FAILURE);
    assert_kept(InitOnceBeginInitialize(&once, 0, &pending, &context));
    assert_true(pending);
    assert_error(InitOnceComplete(&once, 0, (PVOID)3), FALSE, ERROR_INVALID_PARAMETER);
    assert_error(InitOnceComplete(&once, INIT_ONCE_INIT_FAILED, &object), FALSE,
                 ERROR_INVALID_PARAMETER);
    assert_kept(InitOnceComplete(&once, INIT_ONCE_INIT_FAILED, NULL));
    assert_kept(InitOnceBeginInitialize(&once, 0, &pending, &context));
    assert_true(pending);
    assert_kept(InitOnceComplete(&once, 0, &object));
    assert_kept(InitOnceBeginInitialize(&once, 0, &pending, &context));
    assert_false(pending);
    assert_ptr_equal(context, &object);
    assert_error(InitOnceComplete(&once, 0, NULL), FALSE, ERROR_GEN_FAILURE);
}

static void init_once_asynchronous_the_first_wins(void **state)
{
    INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    static LONG64 first, second;
    BOOL pending;
    PVOID context;
    (void)state;
    assert_true(InitOnceBeginInitialize(&once, INIT_ONCE_ASYNC, &pending, &context));
    assert_true(pending);
    assert_true(InitOnceBeginInitialize(&once, INIT_ONCE_ASYNC, &pending, &context));
    assert_true(pending);
    assert_error(InitOnceBeginInitialize(&once, 0, &pending, &context), FALSE,
                 ERROR_INVALID_PARAMETER);
    assert_error(InitOnceComplete(&once, INIT_ONCE_INIT_FAILED | INIT_ONCE_ASYNC, NULL), FALSE,
                 ERROR_INVALID_PARAMETER);
    assert_true(InitOnceComplete(&once, INIT_ONCE_ASYNC, &first));
    assert_error(InitOnceComplete(&once, INIT_ONCE_ASYNC, &second), FALSE, ERROR_GEN_FAILURE);
    assert_true(InitOnceBeginInitialize(&once, INIT_ONCE_CHECK_ONLY, &pending, &context));
    assert_ptr_equal(context, &first);
}

/* --- atomic operations ----------------------------------------------------------------------- */

static void interlocked_results(void **state)
{
    LONG volatile n = 5;
    LONG64 volatile wide = (LONG64)1 << 40;
    SHORT volatile small = 7;
    int target;
    PVOID volatile p = NULL;
    (void)state;
    assert_int_equal(InterlockedIncrement(&n), 6);
    assert_int_equal(InterlockedDecrement(&n), 5);
    assert_int_equal(InterlockedExchangeAdd(&n, 10), 5);
    assert_int_equal(InterlockedExchange(&n, 3), 15);
    assert_int_equal(InterlockedCompareExchange(&n, 9, 4), 3);
    assert_int_equal(InterlockedCompareExchange(&n, 12, 3), 3);
    assert_int_equal(InterlockedAnd(&n, 8), 12);
    assert_int_equal(InterlockedOr(&n, 1), 8);
    assert_int_equal(InterlockedXor(&n, 3), 9);
    assert_int_equal(n, 10);
    assert_true(InterlockedIncrement64(&wide) == ((LONG64)1 << 40) + 1);
    assert_true(InterlockedExchangeAdd64(&wide, -1) == ((LONG64)1 << 40) + 1);
    assert_true(InterlockedCompareExchange64(&wide, 2, (LONG64)1 << 40) == (LONG64)1 << 40);
    assert_int_equal(InterlockedIncrement16(&small), 8);
    assert_null(InterlockedCompareExchangePointer(&p, &target, NULL));
    assert_ptr_equal(InterlockedExchangePointer(&p, NULL), &target);
    assert_int_equal(InterlockedBitTestAndSet(&n, 0), 0);
    assert_int_equal(InterlockedBitTestAndReset(&n, 3), 1);
    assert_int_equal(n, 3);
}

#ifndef _WIN32 /* MinGW-w64's compiler has it with -mcx16 only */
static void compare_exchange_of_16_bytes(void **state)
{
    LONG64 pair[2] __attribute__((aligned(16))) = { 1, 2 };
    LONG64 expected[2] = { 1, 3 };
    (void)state;
    assert_false(InterlockedCompareExchange128(pair, 6, 5, expected));
    assert_true(expected[0] == 1 && expected[1] == 2);
    assert_true(InterlockedCompareExchange128(pair, 6, 5, expected));
    assert_true(pair[0] == 5 && pair[1] == 6);
}
#endif

static void count_atomically(void *argument)
{
    for (int i = 0; i < ROUNDS; i++)
        InterlockedIncrement(argument);
}

static void interlocked_counts_every_thread(void **state)
{
    LONG volatile n = 0;
    (void)state;
    run_threads(count_atomically, (void *)&n);
    assert_int_equal(n, THREADS * ROUNDS);
}

/* --- lists ----------------------------------------------------------------------------------- */

struct item {
    SLIST_ENTRY entry;
    LONG value;
};

static void list_is_last_in_first_out(void **state)
{
    static SLIST_HEADER list;
    static struct item items[3];
    (void)state;
    InitializeSListHead(&list);
    assert_null(InterlockedPopEntrySList(&list));
    assert_null(InterlockedPushEntrySList(&list, &items[0].entry));
    assert_ptr_equal(InterlockedPushEntrySList(&list, &items[1].entry), &items[0].entry);
    InterlockedPushEntrySList(&list, &items[2].entry);
    assert_int_equal(QueryDepthSList(&list), 3);
    assert_ptr_equal(InterlockedPopEntrySList(&list), &items[2].entry);
    PSLIST_ENTRY rest = InterlockedFlushSList(&list);
    assert_ptr_equal(rest, &items[1].entry);
    assert_ptr_equal(rest->Next, &items[0].entry);
    assert_int_equal(QueryDepthSList(&list), 0);
    assert_null(InterlockedFlushSList(&list));
}

static void push_and_pop(void *argument)
{
    PSLIST_HEADER list = argument;
    for (int i = 0; i < ROUNDS; i++) {
        PSLIST_ENTRY entry = InterlockedPopEntrySList(list);
        if (entry == NULL)
            continue;
        ((struct item *)entry)->value++; /* nobody else has it */
        InterlockedPushEntrySList(list, entry);
    }
}

static void list_keeps_every_entry_among_threads(void **state)
{
    static SLIST_HEADER list;
    static struct item items[THREADS + 1];
    (void)state;
    InitializeSListHead(&list);
    for (int i = 0; i <= THREADS; i++)
        InterlockedPushEntrySList(&list, &items[i].entry);
    run_threads(push_and_pop, &list);
    LONG sum = 0;
    for (int i = 0; i <= THREADS; i++)
        sum += items[i].value;
    assert_int_equal(sum, THREADS * ROUNDS);
    assert_int_equal(QueryDepthSList(&list), THREADS + 1);
}

/* --- values of threads ----------------------------------------------------------------------- */

static void tls_value_is_null_at_first_and_the_error_0(void **state)
{
    (void)state;
    DWORD index = TlsAlloc();
    assert_true(index != TLS_OUT_OF_INDEXES);
    SetLastError(0xDEADBEEF);
    assert_null(TlsGetValue(index));
    assert_int_equal(GetLastError(), ERROR_SUCCESS);
    assert_kept(TlsSetValue(index, &index));
    SetLastError(0xDEADBEEF);
    assert_ptr_equal(TlsGetValue(index), &index);
    assert_int_equal(GetLastError(), ERROR_SUCCESS);
    assert_kept(TlsFree(index));
    assert_error(TlsFree(index), FALSE, ERROR_INVALID_PARAMETER);
}

static void tls_bad_indexes_are_87(void **state)
{
    (void)state;
    assert_error(TlsGetValue(5000), NULL, ERROR_INVALID_PARAMETER);
    assert_error(TlsSetValue(1088, NULL), FALSE, ERROR_INVALID_PARAMETER);
    assert_error(TlsFree(TLS_OUT_OF_INDEXES), FALSE, ERROR_INVALID_PARAMETER);
}

struct tls_check {
    DWORD index;
    LONG wrong;
};

static void check_own_value(void *argument)
{
    struct tls_check *t = argument;
    int own;
    if (TlsGetValue(t->index) != NULL || !TlsSetValue(t->index, &own))
        InterlockedIncrement(&t->wrong);
    Sleep(5);
    if (TlsGetValue(t->index) != &own)
        InterlockedIncrement(&t->wrong);
}

static void tls_values_are_each_threads_own(void **state)
{
    struct tls_check t = { .index = TlsAlloc() };
    (void)state;
    assert_true(TlsSetValue(t.index, &t));
    run_threads(check_own_value, &t);
    assert_int_equal(t.wrong, 0);
    assert_ptr_equal(TlsGetValue(t.index), &t);
    assert_true(TlsFree(t.index));
}

static void tls_index_used_again_is_null_in_every_thread(void **state)
{
    (void)state;
    DWORD index = TlsAlloc();
    assert_true(TlsSetValue(index, &index));
    assert_true(TlsFree(index));
    assert_int_equal(TlsAlloc(), index);
    assert_null(TlsGetValue(index));
    assert_true(TlsFree(index));
}

static void tls_more_than_a_thousand_indexes(void **state)
{
    static DWORD indexes[2000];
    DWORD n = 0;
    (void)state;
    while (n < 2000 && (indexes[n] = TlsAlloc()) != TLS_OUT_OF_INDEXES)
        n++;
    assert_int_equal(GetLastError(), ERROR_NO_MORE_ITEMS);
    assert_true(n >= 1000 && n <= 1088);
    for (DWORD i = 0; i < n; i++)
        assert_true(TlsSetValue(indexes[i], &indexes[i]));
    for (DWORD i = 0; i < n; i++)
        assert_ptr_equal(TlsGetValue(indexes[i]), &indexes[i]);
    for (DWORD i = 0; i < n; i++)
        assert_true(TlsFree(indexes[i]));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(critical_section_excludes),
        cmocka_unit_test(critical_section_is_recursive_and_tells_its_owner),
        cmocka_unit_test(try_enter_of_another_threads_section_is_false),
        cmocka_unit_test(spin_count_returns_the_one_before),
        cmocka_unit_test(srwlock_keeps_writers_alone),
        cmocka_unit_test(srwlock_try_forms),
        cmocka_unit_test(srwlock_readers_do_not_wait_for_each_other),
        cmocka_unit_test(condition_variable_wakes_waiters),
        cmocka_unit_test(condition_variable_with_a_shared_slim_lock),
        cmocka_unit_test(condition_variable_times_out_with_1460),
        cmocka_unit_test(init_once_calls_once_and_others_wait),
        cmocka_unit_test(init_once_tries_again_after_a_failure),
        cmocka_unit_test(init_once_in_two_steps),
        cmocka_unit_test(init_once_asynchronous_the_first_wins),
        cmocka_unit_test(interlocked_results),
#ifndef _WIN32
        cmocka_unit_test(compare_exchange_of_16_bytes),
#endif
        cmocka_unit_test(interlocked_counts_every_thread),
        cmocka_unit_test(list_is_last_in_first_out),
        cmocka_unit_test(list_keeps_every_entry_among_threads),
        cmocka_unit_test(tls_value_is_null_at_first_and_the_error_0),
        cmocka_unit_test(tls_bad_indexes_are_87),
        cmocka_unit_test(tls_values_are_each_threads_own),
        cmocka_unit_test(tls_index_used_again_is_null_in_every_thread),
        cmocka_unit_test(tls_more_than_a_thousand_indexes),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
