/* SPDX-License-Identifier: MIT */
/* handles.c: threads that duplicate a handle while another thread closes it. An object must end once:
 * else its descriptors are closed twice, and are other objects' by then. */
#include <windows.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { COPIERS = 3, CANARIES = 16, SECONDS = 4 };

static _Atomic(HANDLE) shared;
static atomic_int stop;

static char base[64];
static volatile int nameless; /* copies whose object had lost its name */

static void numbered(char *name, size_t room, unsigned number)
{
    snprintf(name, room, "%s-%u", base, number);
}

/* The object holds the number of its name, which is there as long as any handle is. */
static void look_up(HANDLE copy)
{
    char name[96];
    const unsigned *number = MapViewOfFile(copy, FILE_MAP_READ, 0, 0, 0);
    if (number == NULL || *number == 0)
        return;
    numbered(name, sizeof(name), *number);
    HANDLE again = OpenFileMappingA(FILE_MAP_READ, FALSE, name);
    if (again == NULL)
        __atomic_add_fetch(&nameless, 1, __ATOMIC_RELAXED);
    CloseHandle(again);
    UnmapViewOfFile(number);
}

static void *copy_and_close(void *options)
{
    HANDLE self = GetCurrentProcess();
    while (!stop) {
        HANDLE copy;
        if (!DuplicateHandle(self, shared, self, &copy, 0, FALSE, *(DWORD *)options))
            continue;
        look_up(copy);
        CloseHandle(copy);
    }
    return NULL;
}

/* Descriptors that nobody else may close: a second close of one of the library's would hit these. */
static void open_canaries(int *canaries)
{
    for (int i = 0; i < CANARIES; i++)
        assert_true((canaries[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
}

static int close_canaries(const int *canaries)
{
    int missing = 0;
    for (int i = 0; i < CANARIES; i++)
        missing += close(canaries[i]) != 0;
    return missing;
}

static int descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static HANDLE make_named(unsigned number)
{
    char name[96];
    numbered(name, sizeof(name), number);
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, name);
    unsigned *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    assert_non_null(v);
    *v = number;
    UnmapViewOfFile(v);
    return m;
}

static void make_and_close(void)
{
    static unsigned number;
    int canaries[CANARIES], missing = 0;
    for (time_t end = time(NULL) + SECONDS; time(NULL) < end;) {
        HANDLE m = make_named(++number);
        shared = m;
        CloseHandle(m);
        open_canaries(canaries);
        missing += close_canaries(canaries);
    }
    assert_int_equal(missing, 0);
}

static void run(DWORD options)
{
    pthread_t threads[COPIERS];
    CloseHandle(CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, NULL));
    int before = descriptors();
    stop = 0;
    for (int i = 0; i < COPIERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, copy_and_close, &options), 0);
    make_and_close();
    stop = 1;
    for (int i = 0; i < COPIERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(nameless, 0);
    assert_int_equal(descriptors(), before);
}

static void objects_end_once(void **state)
{
    (void)state;
    snprintf(base, sizeof(base), "barrow-%d-ends", (int)getpid());
    run(DUPLICATE_SAME_ACCESS);
    run(DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(objects_end_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
