/* SPDX-License-Identifier: MIT */
/* Every entry point as the very first call of a process, granted requests this time: whatever the
 * library sets up late must be set up by any of them. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "support/calls.h"
#include "support/child.h"
#include "support/suite.h"

static bool usable(void *block, size_t size, size_t alignment)
{
    if (block == NULL || (uintptr_t)block % alignment != 0)
        return false;
    memset(block, 1, size);
    return malloc_usable_size(block) >= size;
}

static bool first_malloc(void)
{
    return usable(malloc(100), 100, 16);
}

static bool first_malloc_large(void)
{
    return usable(malloc(100 << 20), 100, 16);
}

static bool first_calloc(void)
{
    unsigned char *block = calloc(10, 1000);

    return block != NULL && block[0] == 0 && block[9999] == 0 && usable(block, 10000, 16);
}

static bool first_realloc(void)
{
    return usable(realloc(opaque(NULL), 100), 100, 16);
}

static bool first_realloc_zero(void)
{
    return usable(realloc(opaque(NULL), opaque_size(0)), 0, 1);
}

static bool first_reallocarray(void)
{
    return usable(reallocarray(opaque(NULL), 10, 10), 100, 16);
}

static bool first_free(void)
{
    free(opaque(NULL));
    return true;
}

static bool first_free_sized(void)
{
    free_sized(opaque(NULL), 0);
    return true;
}

static bool first_free_aligned_sized(void)
{
    free_aligned_sized(opaque(NULL), 0, 0);
    return true;
}

static bool first_cfree(void)
{
    cfree(opaque(NULL));
    return true;
}

static bool first_posix_memalign(void)
{
    void *block = NULL;

    return posix_memalign(&block, 4096, 100) == 0 && usable(block, 100, 4096);
}

static bool first_aligned_alloc(void)
{
    return usable(aligned_alloc(128, 100), 100, 128);
}

static bool first_memalign(void)
{
    return usable(memalign(1 << 20, 100), 100, 1 << 20);
}

static bool first_memalignment(void)
{
    return memalignment((void *)48) == 16;
}

static bool first_valloc(void)
{
    return usable(valloc(100), 100, 4096);
}

static bool first_pvalloc(void)
{
    return usable(pvalloc(100), 4096, 4096);
}

static bool first_usable_size(void)
{
    return malloc_usable_size(opaque(NULL)) == 0;
}

static bool first_trim(void)
{
    int result = malloc_trim(0);

    return result == 0 || result == 1;
}

static const struct {
    const char *name;
    bool (*call)(void);
} entries[] = {
    { "malloc", first_malloc },
    { "malloc_large", first_malloc_large },
    { "calloc", first_calloc },
    { "realloc", first_realloc },
    { "realloc_zero", first_realloc_zero },
    { "reallocarray", first_reallocarray },
    { "free", first_free },
    { "free_sized", first_free_sized },
    { "free_aligned_sized", first_free_aligned_sized },
    { "cfree", first_cfree },
    { "posix_memalign", first_posix_memalign },
    { "aligned_alloc", first_aligned_alloc },
    { "memalign", first_memalign },
    { "memalignment", first_memalignment },
    { "valloc", first_valloc },
    { "pvalloc", first_pvalloc },
    { "malloc_usable_size", first_usable_size },
    { "malloc_trim", first_trim },
};

enum { ENTRIES = sizeof(entries) / sizeof(entries[0]) };

static bool entry_run(const char *name)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (strcmp(entries[i].name, name) == 0)
            return entries[i].call();
    return false;
}

/* The heap must be whole after the first call, too. */
static bool heap_works(void)
{
    void *blocks[100];

    for (size_t i = 0; i < 100; i++)
        if (!usable(blocks[i] = malloc(i * i), i * i, 1))
            return false;
    for (size_t i = 0; i < 100; i++)
        free(blocks[i]);
    return true;
}

static int in_main(const char *name)
{
    return entry_run(name) && heap_works() ? 0 : 1;
}

static void *thread_body(void *name)
{
    return (void *)(intptr_t)in_main(name);
}

/* The process's first call comes from a thread that is not its first. (pthread_create itself may
 * have allocated; it is the thread's own first call in any case.) */
static int in_thread(const char *name)
{
    pthread_t thread;
    void *result;

    if (pthread_create(&thread, NULL, thread_body, (void *)name) != 0)
        return 2;
    pthread_join(thread, &result);
    return (int)(intptr_t)result;
}

static void check_all(const char *where)
{
    static struct child_result result;
    size_t faults = 0;

    for (size_t i = 0; i < ENTRIES; i++) {
        child_run_case(where, entries[i].name, &result);
        if (!child_exited(&result, 0) || result.err[0] != '\0') {
            child_show(entries[i].name, &result);
            faults++;
        }
    }
    assert_int_equal(faults, 0);
}

static void first_of_the_process(void **state)
{
    (void)state;
    check_all("main");
}

static void first_of_a_thread(void **state)
{
    (void)state;
    check_all("thread");
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = { { "main", in_main },
                                                   { "thread", in_thread },
                                                   { NULL, NULL } };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_of_the_process),
        cmocka_unit_test(first_of_a_thread),
    };

    child_case(argc, argv, cases);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
