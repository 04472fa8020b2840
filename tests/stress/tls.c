/* SPDX-License-Identifier: MIT */
/* malloc and free while a thread ends: in destructors of pthread keys, early and late, in several
 * rounds, and in those that C++ registers for thread_local. The library's own end of the thread may
 * come before, between or after them. */
#include <pthread.h>
#include <string.h>

#include "crew.h"
#include "support/block.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

enum { KEYS = 100, ROUNDS = 3 };

static pthread_key_t keys[KEYS];

/* What a thread keeps under a key: a block, and how often its destructor is to run. */
struct keep {
    struct block block;
    pthread_key_t key;
    int rounds;
    uint64_t random;
};

static struct keep *keep_make(pthread_key_t key, uint64_t seed)
{
    struct keep *keep = malloc(sizeof(*keep));

    REQUIRE(keep != NULL);
    *keep = (struct keep){ .key = key, .rounds = ROUNDS, .random = seed };
    block_make(&keep->block, rng_size(&keep->random, 14), &keep->random);
    return keep;
}

/* Frees what it finds; while rounds are left it allocates anew, and asks to be called again. */
static void keep_end(void *value)
{
    struct keep *keep = value;

    block_resize(&keep->block, rng_size(&keep->random, 14), &keep->random);
    block_drop(&keep->block);
    if (--keep->rounds > 0) {
        struct keep *next = keep_make(keep->key, keep->random);
        next->rounds = keep->rounds;
        REQUIRE(pthread_setspecific(keep->key, next) == 0);
    }
    free(keep);
}

static void *uses_all_keys(void *number)
{
    for (size_t i = 0; i < KEYS; i++)
        REQUIRE(pthread_setspecific(keys[i], keep_make(keys[i], i + (uint64_t)number)) == 0);
    return NULL;
}

/* What the rounds free is 70 MiB and more, or a tenth of that. It depends on how many threads run
 * at once how many of them have room for their blocks. */
static void must_not_grow(size_t rounds, size_t threads, void *body(void *))
{
    size_t before = 0;

    for (size_t i = 0; i < 2 * rounds; i++) {
        if (i == rounds)
            before = memory_used();
        crew_run(threads, body);
    }
    assert_in_range(memory_used(), 0, before + 5 * MIB + scaled(12 * MIB));
}

static void keys_with_values(void **state)
{
    (void)state;
    must_not_grow(scaled(300), 1, uses_all_keys);
    must_not_grow(scaled(50), 8, uses_all_keys);
}

/* The destructor makes the thread's very first call to the heap. */
static void first_call_end(void *value)
{
    void *block = malloc(1000);

    REQUIRE(block != NULL);
    memset(block, 1, 1000);
    free(block);
    free(opaque(malloc(100000)));
    (void)value;
}

static pthread_key_t first_call_key;

static void *leaves_it_to_the_destructor(void *number)
{
    (void)number;
    REQUIRE(pthread_setspecific(first_call_key, "") == 0);
    return NULL;
}

static void first_call_in_a_destructor(void **state)
{
    (void)state;
    assert_int_equal(pthread_key_create(&first_call_key, first_call_end), 0);
    must_not_grow(scaled(1000), 1, leaves_it_to_the_destructor);
    pthread_key_delete(first_call_key);
}

/* Blocks made in destructors outlive the thread: the next thread frees them. */
static void *shelf[200];
static pthread_key_t shelf_key;

static void shelf_fill(void *value)
{
    (void)value;
    for (size_t i = 0; i < 200; i++) {
        shelf[i] = malloc(i * 30 + 8);
        REQUIRE(shelf[i] != NULL);
        memset(shelf[i], (int)i, i * 30 + 8);
    }
}

static void *shelf_clear(void *number)
{
    (void)number;
    for (size_t i = 0; i < 200; i++) {
        const unsigned char *bytes = shelf[i];
        REQUIRE(bytes == NULL || (bytes[0] == i && bytes[i * 30 + 7] == i));
        free(shelf[i]);
        shelf[i] = NULL;
    }
    REQUIRE(pthread_setspecific(shelf_key, "") == 0);
    return NULL;
}

static void blocks_made_in_destructors_live_on(void **state)
{
    (void)state;
    assert_int_equal(pthread_key_create(&shelf_key, shelf_fill), 0);
    must_not_grow(scaled(1000), 1, shelf_clear);
    pthread_key_delete(shelf_key);
}

#ifdef __GLIBC__
/* By this C++ registers the destructors of thread_local objects; they run before those of keys. */
int __cxa_thread_atexit_impl(void (*function)(void *), void *object, void *library);

static void object_end(void *value)
{
    struct block *block = value;
    uint64_t random = block->seed;

    block_resize(block, 5000, &random);
    block_drop(block);
    free(block);
}

static void *registers_objects(void *number)
{
    extern char __dso_handle[];
    uint64_t random = (uint64_t)number;

    for (size_t i = 0; i < 50; i++) {
        struct block *block = malloc(sizeof(*block));
        REQUIRE(block != NULL);
        block_make(block, rng_size(&random, 12), &random);
        REQUIRE(__cxa_thread_atexit_impl(object_end, block, __dso_handle) == 0);
    }
    return uses_all_keys(number);
}

static void objects_and_keys(void **state)
{
    (void)state;
    must_not_grow(scaled(300), 1, registers_objects);
    must_not_grow(scaled(50), 8, registers_objects);
}
#endif

/* A block in a thread's own storage: the memory of __thread variables comes and goes with it. */
static __thread struct block mine[20];

static void *uses_thread_variables(void *number)
{
    uint64_t random = (uint64_t)number;

    for (size_t i = 0; i < 20; i++) {
        REQUIRE(mine[i].bytes == NULL);
        block_make(&mine[i], rng_size(&random, 16), &random);
    }
    for (size_t i = 0; i < 20; i++)
        block_drop(&mine[i]);
    return NULL;
}

static void thread_variables(void **state)
{
    (void)state;
    must_not_grow(scaled(500), 2, uses_thread_variables);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_with_values),
        cmocka_unit_test(first_call_in_a_destructor),
        cmocka_unit_test(blocks_made_in_destructors_live_on),
#ifdef __GLIBC__
        cmocka_unit_test(objects_and_keys),
#endif
        cmocka_unit_test(thread_variables),
    };

    for (size_t i = 0; i < KEYS; i++)
        REQUIRE(pthread_key_create(&keys[i], keep_end) == 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
