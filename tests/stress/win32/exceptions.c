/* SPDX-License-Identifier: MIT */
/* exceptions.c: several threads at once that raise, fault, commit on fault and go on, inside blocks
 * of their own, while others add and remove vectored handlers. Argument: rounds for each thread. A
 * sanitizer's record of calls is not unwound by jumps, so rounds are few. */
#include <windows.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define THREADS 6
#define PAGE    4096u
#define OURS    0xE0BA0001u

static int rounds = 400;
static _Atomic int seen, running;

static LONG CALLBACK looks(EXCEPTION_POINTERS *pointers)
{
    (void)pointers;
    seen++;
    return EXCEPTION_CONTINUE_SEARCH;
}

static __attribute__((noinline)) void raise_own(ULONG_PTR value)
{
    RaiseException(OURS, 0, 1, &value);
}

static __attribute__((noinline)) void store(volatile char *to, char value)
{
    *to = value;
}

static ULONG_PTR parameter(const EXCEPTION_POINTERS *pointers, int i)
{
    return pointers->ExceptionRecord->ExceptionInformation[i];
}

static LONG commit(const EXCEPTION_POINTERS *pointers)
{
    void *address = (void *)parameter(pointers, 1);
    return VirtualAlloc(address, 1, MEM_COMMIT, PAGE_READWRITE) != NULL
               ? EXCEPTION_CONTINUE_EXECUTION
               : EXCEPTION_EXECUTE_HANDLER;
}

/* Each round adds four: one raised and handled, one gone on after, one page, one final block. */
static __attribute__((noinline)) int one_round(ULONG_PTR own)
{
    volatile int good = 0;
    char *p = VirtualAlloc(NULL, PAGE, MEM_RESERVE, PAGE_READWRITE);
    __try {
        __try {
            raise_own(own);
        } __finally {
            good++;
        }
    } __except (parameter(GetExceptionInformation(), 0) == own) {
        good++;
    }
    __try {
        raise_own(own);
        good++;
        store(p, 1);
        good += *p;
    } __except (GetExceptionCode() == OURS ? EXCEPTION_CONTINUE_EXECUTION
                                           : commit(GetExceptionInformation())) {
        good = -100;
    }
    VirtualFree(p, 0, MEM_RELEASE);
    return good;
}

static void *raise_often(void *result)
{
    int good = 0;
    for (int i = 0; i < rounds; i++)
        good += one_round((ULONG_PTR)result + (unsigned)i);
    *(int *)result = good;
    running--;
    return NULL;
}

static void *change_often(void *unused)
{
    while (running > 0) {
        PVOID first = AddVectoredExceptionHandler(1, looks);
        PVOID last = AddVectoredExceptionHandler(0, looks);
        RemoveVectoredExceptionHandler(first);
        RemoveVectoredExceptionHandler(last);
    }
    return unused;
}

static void threads_raise_while_handlers_change(void **state)
{
    (void)state;
    pthread_t threads[THREADS], changer;
    int good[THREADS] = { 0 };
    running = THREADS;
    PVOID handle = AddVectoredExceptionHandler(0, looks);
    assert_int_equal(pthread_create(&changer, NULL, change_often, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, raise_often, &good[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_join(changer, NULL);
    assert_int_equal(RemoveVectoredExceptionHandler(handle), 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(good[i], 4 * rounds);
    assert_true(seen >= 3 * THREADS * rounds);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_raise_while_handlers_change),
    };
    if (argc > 1)
        rounds = atoi(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
