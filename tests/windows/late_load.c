/* SPDX-License-Identifier: MIT */
/* The DLL is loaded by a program that has threads already, and has taken all the thread-local slots
 * whose place is fixed. It is named on the command line. */
#include "support/suite.h"

#include <stdbool.h>
#include <string.h>

#include <barrow/barrow.h>
#include <windows.h>

enum { SLOTS = 70, THREADS = 4, ROUNDS = 200, BLOCKS = 100 };

static const char *library;
static HANDLE go, threads[THREADS];
static __typeof__(&barrow_malloc) allocate;
static __typeof__(&barrow_free) release;
static __typeof__(&barrow_stats_get) figures;

static void work(void)
{
    static __thread void *blocks[BLOCKS];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++)
            memset(blocks[i] = allocate((size_t)i * 37), i, (size_t)i * 37);
        for (int i = 0; i < BLOCKS; i++)
            release(blocks[i]);
    }
}

static DWORD WINAPI waits_and_works(void *result)
{
    WaitForSingleObject(go, INFINITE);
    work();
    *(bool *)result = true;
    return 0;
}

static struct barrow_stats stats(void)
{
    struct barrow_stats stats = { .size = sizeof stats };
    assert_int_equal(figures(&stats), 0);
    return stats;
}

static void threads_of_before_can_use_it(void **state)
{
    static bool done[THREADS];
    (void)state;
    go = CreateEventW(NULL, TRUE, FALSE, NULL);
    for (int i = 0; i < THREADS; i++)
        threads[i] = CreateThread(NULL, 0, waits_and_works, &done[i], 0, NULL);
    DWORD last = 0;
    for (int i = 0; i < SLOTS; i++)
        last = TlsAlloc();
    assert_true(last >= 64 && last != TLS_OUT_OF_INDEXES);

    HMODULE module = LoadLibraryA(library);
    assert_non_null(module);
    allocate = (__typeof__(allocate))(void *)GetProcAddress(module, "barrow_malloc");
    release = (__typeof__(release))(void *)GetProcAddress(module, "barrow_free");
    figures = (__typeof__(figures))(void *)GetProcAddress(module, "barrow_stats_get");
    assert_true(allocate != NULL && release != NULL && figures != NULL);
    SetEvent(go);
    work();
    WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE);
    for (int i = 0; i < THREADS; i++)
        assert_true(done[i]);
}

/* Each has given its theap back, which the next one takes. */
static void their_ends_are_seen(void **state)
{
    static bool done;
    (void)state;
    assert_int_equal(stats().threads, 1);
    assert_true(stats().theaps <= THREADS + 1);
    for (int i = 0; i < 100; i++) {
        HANDLE thread = CreateThread(NULL, 0, waits_and_works, &done, 0, NULL);
        WaitForSingleObject(thread, INFINITE);
        CloseHandle(thread);
    }
    assert_int_equal(stats().threads, 1);
    assert_true(stats().theaps <= THREADS + 1);
}

static void last_errors_stay(void **state)
{
    (void)state;
    SetLastError(4711);
    void *block = allocate(100);
    assert_int_equal(GetLastError(), 4711);
    release(block);
    block = allocate(100 << 20);
    release(block);
    assert_int_equal(GetLastError(), 4711);
}

static void it_is_never_unloaded(void **state)
{
    (void)state;
    void *block = allocate(100);
    HMODULE module = GetModuleHandleA(library);
    for (int i = 0; i < 5; i++)
        FreeLibrary(module);
    assert_ptr_equal(GetModuleHandleA(library), module);
    release(block);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_of_before_can_use_it),
        cmocka_unit_test(their_ends_are_seen),
        cmocka_unit_test(last_errors_stay),
        cmocka_unit_test(it_is_never_unloaded),
    };
    library = argc > 1 ? argv[1] : "";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
