/* SPDX-License-Identifier: MIT */
/* heap_lock.c: a program locks the process heap, suspends all its other threads, and allocates, as
 * samplers and stack walkers do. The others allocate, free, start and end meanwhile, and the
 * library's own thread gives memory back. A hang ends the process with a status of its own.
 *
 * Run by barrow run: the heap functions are the system's names. With TEST_LIBRARY defined it is
 * linked with the library instead, and other heaps are at work too. */
#if defined(TEST_LIBRARY)
#define BARROW_USE_HEAPS
#endif
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#include <tlhelp32.h>

#include <barrow/heapapi.h>
#if defined(TEST_LIBRARY)
#define malloc barrow_malloc
#define free   barrow_free
#endif

enum { THREADS = 6, ROUNDS = 25, HUNG = 86, SECONDS = 30, OTHERS_MAX = 64 };

static volatile LONG over, progress;

static DWORD WINAPI watch(void *unused)
{
    (void)unused;
    for (LONG seen = -1; !over; Sleep(SECONDS * 1000)) {
        if (seen == progress) {
            fprintf(stderr, "no progress in round %ld\n", seen);
            TerminateProcess(GetCurrentProcess(), HUNG);
        }
        seen = progress;
    }
    return 0;
}

/* ---- what the other threads do ------------------------------------------------------------ */

static DWORD WINAPI uses_process_heap(void *unused)
{
    (void)unused;
    HANDLE heap = GetProcessHeap();
    for (SIZE_T i = 0; !over; i++) {
        void *large = HeapAlloc(heap, 0, 100000 + i % 7 * 100000);
        void *medium = HeapAlloc(heap, 0, i % 3000);
        large = HeapReAlloc(heap, 0, large, 50000);
        HeapFree(heap, 0, large);
        HeapFree(heap, 0, medium);
    }
    return 0;
}

static DWORD WINAPI uses_malloc(void *unused)
{
    void *blocks[100] = { NULL };
    (void)unused;
    for (size_t i = 0; !over; i++) {
        free(blocks[i % 100]);
        blocks[i % 100] = malloc(i * 7919 % 30000);
    }
    for (size_t i = 0; i < 100; i++)
        free(blocks[i]);
    return 0;
}

/* A heap of its own is none of the locked heap's business, but its spans come from one place. */
static DWORD WINAPI uses_other_heaps(void *unused)
{
    (void)unused;
    while (!over) {
        HANDLE heap = HeapCreate(0, 0, 0);
        for (SIZE_T i = 0; i < 200; i++)
            HeapFree(heap, 0, HeapAlloc(heap, 0, i * 500));
        HeapDestroy(heap);
    }
    return 0;
}

static DWORD WINAPI is_short(void *unused)
{
    (void)unused;
    free(malloc(100000));
    return 0;
}

static DWORD WINAPI starts_threads(void *unused)
{
    (void)unused;
    while (!over) {
        HANDLE thread = CreateThread(NULL, 0, is_short, NULL, 0, NULL);
        WaitForSingleObject(thread, INFINITE);
        CloseHandle(thread);
    }
    return 0;
}

/* ---- the one that locks ------------------------------------------------------------------- */

static HANDLE others[OTHERS_MAX];
static size_t other_count;

/* Every thread that the system knows of but this one and the watch. */
static void suspend_others(DWORD watcher)
{
    THREADENTRY32 entry = { .dwSize = sizeof entry };
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    other_count = 0;
    for (BOOL more = Thread32First(all, &entry); more; more = Thread32Next(all, &entry)) {
        if (entry.th32OwnerProcessID != GetCurrentProcessId() || other_count == OTHERS_MAX ||
            entry.th32ThreadID == GetCurrentThreadId() || entry.th32ThreadID == watcher)
            continue;
        HANDLE thread = OpenThread(THREAD_ALL_ACCESS, FALSE, entry.th32ThreadID);
        CONTEXT context = { .ContextFlags = CONTEXT_CONTROL };
        if (!thread)
            continue;
        SuspendThread(thread);
        GetThreadContext(thread, &context); /* waits until it really stands still */
        others[other_count++] = thread;
    }
    CloseHandle(all);
}

static void resume_others(void)
{
    for (size_t i = 0; i < other_count; i++) {
        ResumeThread(others[i]);
        CloseHandle(others[i]);
    }
}

static void allocate_alone(void)
{
    HANDLE heap = GetProcessHeap();
    void *blocks[20];
    for (size_t i = 0; i < 20; i++) {
        blocks[i] = HeapAlloc(heap, 0, i % 2 ? i * 100 : 300000 + i * 70000);
        assert_non_null(blocks[i]);
    }
    for (size_t i = 0; i < 20; i++)
        HeapFree(heap, 0, blocks[i]);
    for (size_t i = 1; i < 64; i++)
        free(malloc(i * 1000));
}

static void run(LPTHREAD_START_ROUTINE body, BOOL(WINAPI *lock)(HANDLE),
                BOOL(WINAPI *unlock)(HANDLE))
{
    HANDLE threads[THREADS], heap = GetProcessHeap();
    DWORD watcher;
    over = 0;
    HANDLE watching = CreateThread(NULL, 0, watch, NULL, 0, &watcher);
    for (int i = 0; i < THREADS; i++)
        threads[i] = CreateThread(NULL, 0, body, NULL, 0, NULL);
    for (int round = 0; round < ROUNDS; round++, progress++) {
        if (round % 8 == 0)
            Sleep(1);
        assert_true(lock(heap));
        assert_true(lock(heap)); /* it is recursive */
        suspend_others(watcher);
        allocate_alone();
        resume_others();
        assert_true(unlock(heap));
        assert_true(unlock(heap));
    }
    over = 1;
    WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE);
    for (int i = 0; i < THREADS; i++)
        CloseHandle(threads[i]);
    TerminateThread(watching, 0);
    CloseHandle(watching);
}

static void others_use_the_process_heap(void **state)
{
    (void)state;
    run(uses_process_heap, HeapLock, HeapUnlock);
}

static void others_use_malloc(void **state)
{
    (void)state;
    run(uses_malloc, HeapLock, HeapUnlock);
}

static void others_use_other_heaps(void **state)
{
    (void)state;
    run(uses_other_heaps, HeapLock, HeapUnlock);
}

static void others_start_and_end(void **state)
{
    (void)state;
    run(starts_threads, HeapLock, HeapUnlock);
}

#if !defined(TEST_LIBRARY)
static void ntdlls_names(void **state)
{
    (void)state;
    HMODULE ntdll = GetModuleHandleA("ntdll.dll");
    run(uses_process_heap, (BOOL(WINAPI *)(HANDLE))(void *)GetProcAddress(ntdll, "RtlLockHeap"),
        (BOOL(WINAPI *)(HANDLE))(void *)GetProcAddress(ntdll, "RtlUnlockHeap"));
}

/* kernelbase locks the heap for each of these. */
static DWORD WINAPI uses_local_memory(void *unused)
{
    (void)unused;
    while (!over) {
        HLOCAL moveable = LocalAlloc(LMEM_MOVEABLE, 100);
        LocalLock(moveable);
        LocalUnlock(moveable);
        LocalFree(HeapAlloc(GetProcessHeap(), 0, 200000));
        LocalFree(moveable);
    }
    return 0;
}

static void others_use_local_memory(void **state)
{
    (void)state;
    run(uses_local_memory, HeapLock, HeapUnlock);
}
#endif

/* ---- the lock itself ---------------------------------------------------------------------- */

static volatile LONG reached;

static DWORD WINAPI allocates_once(void *begin)
{
    WaitForSingleObject(begin, INFINITE);
    reached = 1;
    HeapFree(GetProcessHeap(), 0, HeapAlloc(GetProcessHeap(), 0, 10 << 20));
    reached = 2;
    return 0;
}

static void holds_others_off(void **state)
{
    (void)state;
    HANDLE begin = CreateEventA(NULL, TRUE, FALSE, NULL);
    HANDLE thread = CreateThread(NULL, 0, allocates_once, begin, 0, NULL);
    Sleep(100); /* a thread that starts needs the heap, too */
    assert_true(HeapLock(GetProcessHeap()));
    SetEvent(begin);
    while (reached == 0)
        Sleep(1);
    Sleep(100);
    assert_int_equal(reached, 1);
    assert_true(HeapUnlock(GetProcessHeap()));
    WaitForSingleObject(thread, INFINITE);
    assert_int_equal(reached, 2);
    CloseHandle(thread);
    CloseHandle(begin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_others_off),
        cmocka_unit_test(others_use_the_process_heap),
        cmocka_unit_test(others_use_malloc),
        cmocka_unit_test(others_use_other_heaps),
        cmocka_unit_test(others_start_and_end),
#if !defined(TEST_LIBRARY)
        cmocka_unit_test(ntdlls_names),
        cmocka_unit_test(others_use_local_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
