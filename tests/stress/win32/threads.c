/* SPDX-License-Identifier: MIT */
/* threads.c: several threads at once in every group of the Win32 face: virtual memory, handles,
 * views of shared sections, Global memory. What a thread finds in its own
 * memory must be what it put there. Argument: rounds for each thread. */
#include <windows.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 6
#define PAGE    4096u
#define RW      PAGE_READWRITE

static unsigned rounds = 2000;
static HANDLE shared; /* a section with a page for each thread */
static HANDLE reserved;
static const char *failure; /* the first check that failed, in any thread */

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            __atomic_store_n(&failure, #condition, __ATOMIC_RELAXED);                              \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void virtual_round(uint32_t *seed)
{
    MEMORY_BASIC_INFORMATION info;
    DWORD old;
    SIZE_T pages = next(seed) % 60 + 4;
    unsigned char mark = (unsigned char)next(seed);
    unsigned char *p = VirtualAlloc(NULL, pages * PAGE, MEM_RESERVE, RW);
    check(p != NULL);
    check(VirtualAlloc(p + PAGE, 2 * PAGE, MEM_COMMIT, RW) == p + PAGE);
    memset(p + PAGE, mark, 2 * PAGE);
    check(VirtualProtect(p + PAGE, PAGE, PAGE_READONLY, &old) && old == RW);
    check(VirtualQuery(p + PAGE, &info, sizeof(info)) && info.RegionSize == PAGE);
    check(info.AllocationBase == p && p[PAGE] == mark && p[3 * PAGE - 1] == mark);
    check(VirtualFree(p + PAGE, PAGE, MEM_DECOMMIT));
    check(VirtualQuery(p, &info, sizeof(info)) && info.RegionSize == 2 * PAGE);
    check(VirtualFree(p, 0, MEM_RELEASE));
}

static void handle_round(uint32_t *seed)
{
    HANDLE self = GetCurrentProcess(), copy = NULL;
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, RW, 0, next(seed) % 20000 + 1, NULL);
    check(m != NULL && DuplicateHandle(self, m, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    check(CloseHandle(m) && !CloseHandle(m) && GetLastError() == ERROR_INVALID_HANDLE);
    unsigned char *v = MapViewOfFile(copy, FILE_MAP_WRITE, 0, 0, 0);
    check(v != NULL && v[0] == 0);
    v[0] = 1;
    check(CloseHandle(copy) && v[0] == 1 && UnmapViewOfFile(v));
}

static void view_round(unsigned number, uint32_t *seed)
{
    unsigned char mark = (unsigned char)next(seed);
    unsigned char *v = MapViewOfFile(shared, FILE_MAP_WRITE, 0, 0, 0),
                  *w = MapViewOfFile(shared, FILE_MAP_READ, 0, 0, 0);
    check(v != NULL && w != NULL);
    v[number * PAGE] = mark;
    check(w[number * PAGE] == mark);
    check(UnmapViewOfFile(v) && UnmapViewOfFile(w));
    v = MapViewOfFile(reserved, FILE_MAP_WRITE, 0, 0, 0);
    check(v != NULL);
    check(VirtualAlloc(v + number * PAGE, PAGE, MEM_COMMIT, RW) == v + number * PAGE);
    v[number * PAGE] = mark;
    check(v[number * PAGE] == mark && UnmapViewOfFile(v));
}

static void global_round(uint32_t *seed)
{
    SIZE_T size = next(seed) % 3000 + 1;
    HGLOBAL h = GlobalAlloc(GHND, size);
    unsigned char *p = h != NULL ? GlobalLock(h) : NULL;
    check(p != NULL && p[size - 1] == 0 && GlobalHandle(p) == h && GlobalSize(h) == size);
    p[0] = 7;
    GlobalUnlock(h);
    check(GlobalReAlloc(h, 2 * size, GMEM_MOVEABLE) == h);
    p = GlobalLock(h);
    check(p != NULL && p[0] == 7 && GlobalFlags(h) == 1);
    check(GlobalFree(h) == NULL); /* another thread may have the handle by now */
}

static void *work(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    uint32_t seed = number + 1;
    for (unsigned i = 0; i < rounds; i++) {
        switch (next(&seed) % 4) {
        case 0:
            virtual_round(&seed);
            break;
        case 1:
            handle_round(&seed);
            break;
        case 2:
            view_round(number, &seed);
            break;
        default:
            global_round(&seed);
            break;
        }
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    shared = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, RW, 0, THREADS * PAGE, NULL);
    reserved =
        CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, RW | SEC_RESERVE, 0, THREADS * PAGE, NULL);
    assert_non_null(shared);
    assert_non_null(reserved);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (failure != NULL)
        fail_msg("%s", failure);
    CloseHandle(shared);
    CloseHandle(reserved);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(threads_do_not_disturb_each_other) };
    if (argc > 1)
        rounds = (unsigned)strtoul(argv[1], NULL, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
