/* SPDX-License-Identifier: MIT */
/* scope.c: a thread's plain malloc, sent to a heap for a while. */
#include "support/suite.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/pattern.h"
#include "words.h"

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER
#endif
#endif

static const char text[] =
    "the quick brown fox jumps over the lazy dog while the cat sleeps and the "
    "dog dreams of the fox that 7 dogs never caught in the long grass";

/* Runs the test once for a heap of each kind. */
static void for_each_kind(void (*test)(HANDLE heap))
{
    for (size_t i = 0; i < KINDS; i++) {
        HANDLE heap = kind_make(&kinds[i]);
        assert_non_null(heap);
        test(heap);
        assert_true(HeapDestroy(heap));
        assert_null(barrow_scope_heap());
    }
}

static struct barrow_scope entered(void *heap)
{
    struct barrow_scope scope;
    assert_int_equal(barrow_scope_enter(&scope, heap), 0);
    return scope;
}

static void left(struct barrow_scope scope)
{
    assert_int_equal(barrow_scope_leave(&scope), 0);
}

static int is_in(HANDLE heap, void *block)
{
    return HeapValidate(heap, 0, block);
}

/* ---- whose blocks -------------------------------------------------------------------------- */

static void check_family(HANDLE heap)
{
    void *out = NULL;
    struct barrow_scope scope = entered(heap);
    void *blocks[] = { malloc(100),
                       calloc(10, 10),
                       realloc(NULL, 100),
                       reallocarray(NULL, 10, 10),
                       aligned_alloc(4096, 100),
                       memalign(64, 100),
                       valloc(100),
                       malloc(0),
                       malloc(300000) };
    assert_int_equal(posix_memalign(&out, 256, 100), 0);
    left(scope);
    assert_true(is_in(heap, out) && (uintptr_t)out % 256 == 0);
    assert_true((uintptr_t)blocks[4] % 4096 == 0 && (uintptr_t)blocks[5] % 64 == 0);
    assert_true(bytes_are_zero(blocks[1], 100));
    assert_int_equal(malloc_usable_size(blocks[0]), 100);
    assert_int_equal(stats_of(heap).live_blocks, 10);
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        assert_true(is_in(heap, blocks[i]));
        free(blocks[i]);
    }
    free(out);
    assert_int_equal(stats_of(heap).live_blocks, 0);
}

static void the_family_is_served_by_the_heap(void **state)
{
    (void)state;
    for_each_kind(check_family);
}

static void check_others(HANDLE heap)
{
    char *before = malloc(100), *large = malloc(500000);
    strcpy(before, "before");
    struct barrow_scope scope = entered(heap);
    char *inside = malloc(100);
    /* a block stays in its heap, wherever it is resized */
    before = realloc(before, 60000);
    large = realloc(large, 900000);
    assert_false(is_in(heap, before));
    assert_false(is_in(heap, large));
    assert_string_equal(before, "before");
    free(malloc(3000));
    free(large);
    left(scope);
    strcpy(inside, "inside");
    inside = realloc(inside, 70000);
    assert_true(is_in(heap, inside));
    assert_string_equal(inside, "inside");
    assert_int_equal(malloc_usable_size(inside), 70000);
    free(inside);
    free(before);
    char *after = malloc(100);
    assert_false(is_in(heap, after));
    free(after);
    assert_int_equal(stats_of(heap).live_blocks, 0);
}

static void a_block_stays_in_its_heap(void **state)
{
    (void)state;
    for_each_kind(check_others);
}

static void contents_are_kept_through_resizing(void **state)
{
    (void)state;
    HANDLE heap = HeapCreate(0, 0, 0);
    struct barrow_scope scope = entered(heap);
    unsigned char *block = NULL;
    for (size_t size = 1, old = 0; size < 3 * MIB; old = size, size = size * 3 / 2 + 1) {
        block = realloc(block, size);
        assert_non_null(block);
        assert_true(pattern_holds(block, old, old, 1));
        pattern_fill(block, size, 1);
        assert_true(is_in(heap, block));
    }
    free(block);
    left(scope);
    assert_int_equal(stats_of(heap).live_blocks, 0);
    assert_true(HeapDestroy(heap));
}

/* ---- nesting ------------------------------------------------------------------------------- */

static void scopes_nest(void **state)
{
    (void)state;
    HANDLE a = HeapCreate(0, 0, 0), b = HeapCreate(HEAP_NO_SERIALIZE, 0, 0);
    struct barrow_scope first = entered(a);
    assert_ptr_equal(barrow_scope_heap(), a);
    struct barrow_scope second = entered(b);
    assert_true(is_in(b, malloc(10)));
    struct barrow_scope third = entered(NULL);
    void *own = malloc(10);
    assert_null(barrow_scope_heap());
    assert_false(is_in(a, own) || is_in(b, own));
    struct barrow_scope fourth = entered(GetProcessHeap());
    assert_null(barrow_scope_heap());
    left(fourth);
    left(third);
    assert_true(is_in(b, malloc(10)));
    left(second);
    assert_true(is_in(a, malloc(10)));
    /* the outer scope's end ends the inner ones */
    entered(b);
    entered(NULL);
    left(first);
    assert_null(barrow_scope_heap());
    free(own);
    assert_int_equal(stats_of(a).live_blocks, 1);
    assert_int_equal(stats_of(b).live_blocks, 2);
    assert_true(HeapDestroy(a) && HeapDestroy(b));
}

static void *leave_for(void *scope)
{
    errno = 0;
    REQUIRE(barrow_scope_leave(scope) == -1 && errno == EINVAL);
    return NULL;
}

static void bad_calls_change_nothing(void **state)
{
    (void)state;
    pthread_t thread;
    int variable = 0;
    HANDLE heap = HeapCreate(0, 0, 0), gone = HeapCreate(0, 0, 0);
    assert_true(HeapDestroy(gone));
    void *const bad[] = { gone, &variable, (char *)heap + 16, (void *)1, (void *)-1 };
    struct barrow_scope outer = entered(heap), scope;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        errno = 0;
        assert_int_equal(barrow_scope_enter(&scope, bad[i]), -1);
        assert_int_equal(errno, EINVAL);
        assert_ptr_equal(barrow_scope_heap(), heap);
        left(scope);
        assert_ptr_equal(barrow_scope_heap(), heap);
    }
    errno = 0;
    assert_true(barrow_scope_enter(NULL, heap) == -1 && errno == EINVAL);
    errno = 0;
    assert_true(barrow_scope_leave(NULL) == -1 && errno == EINVAL);
    left(outer);
    outer = entered(heap);
    left(outer);
    assert_int_equal(pthread_create(&thread, NULL, leave_for, &outer), 0);
    pthread_join(thread, NULL);
    assert_true(HeapDestroy(heap));
}

static void malloc_serves_when_the_heap_is_gone(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        HANDLE heap = kind_make(&kinds[i]);
        struct barrow_scope scope = entered(heap);
        assert_true(is_in(heap, malloc(100)));
        assert_true(HeapDestroy(heap));
        assert_null(barrow_scope_heap());
        void *block = malloc(100);
        memset(block, 1, 100);
        HANDLE next = kind_make(&kinds[i]); /* in the same place */
        void *other = malloc(100);
        assert_false(is_in(next, other));
        free(block);
        free(other);
        left(scope);
        assert_true(HeapDestroy(next));
    }
}

/* ---- a library that only knows malloc ------------------------------------------------------ */

static void check_library(HANDLE heap)
{
    struct barrow_scope scope = entered(heap);
    struct words *words = words_parse(text);
    left(scope);
    assert_non_null(words);
    assert_int_equal(words_count(words, "the"), 6);
    assert_int_equal(words_count(words, "7"), 1);
    assert_int_equal(words_count(words, "cow"), 0);
    /* a table, its lists, and two blocks for each word */
    struct barrow_heap_stats stats = stats_of(heap);
    assert_int_equal(stats.live_blocks, 2 + 2 * words_different(words));
    assert_in_range(stats.live_bytes, 700, 2000);
}

static void a_library_is_measured_and_thrown_away(void **state)
{
    struct barrow_stats before = { .size = sizeof before }, after = { .size = sizeof after };
    (void)state;
    for_each_kind(check_library);
    assert_int_equal(barrow_stats_get(&before), 0);
    for (int i = 0; i < 50; i++)
        for_each_kind(check_library);
    assert_int_equal(barrow_stats_get(&after), 0);
    assert_in_range(after.live_bytes, 0, before.live_bytes + 10000);
}

static void a_library_is_capped(void **state)
{
    (void)state;
    char *long_text = malloc(4 * MIB);
    size_t length = 0;
    for (int i = 0; length < 3 * MIB; i++)
        length += (size_t)sprintf(long_text + length, "word%d ", i);
    HANDLE heap = HeapCreate(0, 0, MIB);
    struct barrow_scope scope = entered(heap);
    errno = 0;
    struct words *words = words_parse(long_text);
    int error = errno;
    left(scope);
    assert_null(words);
    assert_int_equal(error, ENOMEM);
    struct barrow_heap_stats stats = stats_of(heap);
    assert_true(stats.committed <= MIB && stats.live_bytes > MIB / 4 && stats.refused == 1);
    assert_true(HeapDestroy(heap));
    free(long_text);
}

/* Memory is refused at each allocation there is: the library fails, nothing is left. */
static void refuses_at_each_allocation(void **state)
{
    (void)state;
    size_t failures = 0;
    for (size_t room = 0;; room += 16) {
        HANDLE heap = HeapCreate(HEAP_NO_SERIALIZE, 64 * KIB, 64 * KIB);
        size_t most = HeapCompact(heap, 0);
        while (most > 0 && HeapAlloc(heap, 0, most > room + 16 ? most - room - 16 : 0) == NULL)
            most -= 16;
        struct barrow_scope scope = entered(heap);
        errno = 0;
        struct words *words = words_parse(text);
        int error = errno;
        left(scope);
        assert_true(HeapValidate(heap, 0, NULL));
        assert_true(HeapDestroy(heap));
        if (words != NULL)
            break;
        assert_int_equal(error, ENOMEM);
        failures++;
        assert_in_range(room, 0, 32 * KIB);
    }
    assert_in_range(failures, 20, 1000);
}

/* ---- threads ------------------------------------------------------------------------------- */

static void *without_scope(void *heap)
{
    REQUIRE(barrow_scope_heap() == NULL);
    void *block = malloc(100);
    REQUIRE(!HeapValidate(heap, 0, block));
    free(block);
    return NULL;
}

/* Nor does what the C library allocates for a thread come from the heap: it outlives the heap. */
static void threads_do_not_inherit_it(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        HANDLE heap = HeapCreate(0, 0, 0);
        pthread_t threads[4];
        struct barrow_scope scope = entered(heap);
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, without_scope, heap), 0);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        left(scope);
#if BARROW_OVERRIDE_MALLOC && defined(__GLIBC__)
        assert_int_equal(stats_of(heap).live_blocks, 0);
#endif
        assert_true(HeapDestroy(heap));
    }
}

enum { PASSED = 20000 };
static void *passed[PASSED];

static void *free_half(void *argument)
{
    for (size_t i = (size_t)argument; i < PASSED; i += 2)
        free(passed[i]);
    return NULL;
}

static void other_threads_free(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        if (kinds[k].options & HEAP_NO_SERIALIZE)
            continue;
        HANDLE heap = kind_make(&kinds[k]);
        pthread_t threads[2];
        struct barrow_scope scope = entered(heap);
        for (size_t i = 0; i < PASSED; i++)
            assert_non_null(passed[i] = malloc(i % 600));
        left(scope);
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, free_half, (void *)i), 0);
        for (int i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(stats_of(heap).live_blocks, 0);
        assert_true(HeapValidate(heap, 0, NULL));
        assert_true(HeapDestroy(heap));
    }
}

static void *parse_into(void *heap)
{
    for (int i = 0; i < 200; i++) {
        struct barrow_scope scope;
        REQUIRE(barrow_scope_enter(&scope, heap) == 0);
        struct words *words = words_parse(text);
        REQUIRE(words != NULL && words_count(words, "the") == 6);
        REQUIRE(barrow_scope_leave(&scope) == 0);
    }
    return NULL;
}

static void threads_share_a_heap(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        if (kinds[k].options & HEAP_NO_SERIALIZE)
            continue;
        HANDLE heap = kind_make(&kinds[k]);
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, parse_into, heap), 0);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        size_t blocks = stats_of(heap).live_blocks;
        assert_true(blocks > 0 && blocks % 800 == 0);
        assert_true(HeapDestroy(heap));
    }
}

/* ---- fork, signals, libraries -------------------------------------------------------------- */

static int child_uses(HANDLE heap, char *known)
{
    if (barrow_scope_heap() != heap || strcmp(known, "known") != 0)
        return 2;
    for (size_t i = 0; i < 2000; i++) {
        char *block = malloc(i);
        if (block == NULL || !is_in(heap, block))
            return 3;
        if (i % 2)
            free(block);
    }
    free(known);
    return HeapValidate(heap, 0, NULL) ? 0 : 4;
}

static void check_fork(HANDLE heap)
{
    int status = -1;
    struct barrow_scope scope = entered(heap);
    char *known = malloc(100);
    strcpy(known, "known");
    pid_t child = fork();
    if (child == 0)
        _exit(child_uses(heap, known));
    left(scope);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    free(known);
    assert_int_equal(stats_of(heap).live_blocks, 0);
}

static void the_child_of_fork_is_in_it(void **state)
{
    (void)state;
    for_each_kind(check_fork);
}

#ifndef THREAD_SANITIZER
static int handled;

/* POSIX forbids it and programs do it. There is no memory while the region is what the handler has
 * interrupted (lib/README.md); only handlers that got all count. */
static void allocate_in_handler(int number)
{
    (void)number;
    for (int i = 0; i < 10; i++) {
        char *block = malloc((size_t)i * 50);
        if (block == NULL)
            return;
        memset(block, 0xAA, (size_t)i * 50);
        free(block);
    }
    __atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);
}

static void *interrupt(void *argument)
{
    pthread_t *thread = argument;
    while (__atomic_load_n(&handled, __ATOMIC_RELAXED) < 200) {
        usleep(100);
        pthread_kill(*thread, SIGUSR1);
    }
    return NULL;
}

static void check_handler(HANDLE heap)
{
    enum { HELD = 200 };
    pthread_t self = pthread_self(), thread;
    unsigned char *held[HELD] = { NULL };
    __atomic_store_n(&handled, 0, __ATOMIC_RELAXED);
    assert_int_equal(pthread_create(&thread, NULL, interrupt, &self), 0);
    struct barrow_scope scope = entered(heap);
    for (unsigned i = 0; __atomic_load_n(&handled, __ATOMIC_RELAXED) < 200; i++) {
        size_t size = i * 7919u % 1500 + 8;
        unsigned char **slot = &held[i * 31u % HELD];
        REQUIRE(*slot == NULL || (*slot)[0] == (*slot)[7]);
        free(*slot);
        *slot = malloc(size);
        memset(*slot, (int)i, size);
        if (i % 5 == 0)
            *slot = realloc(*slot, size * 2);
        if (*slot == NULL)
            *slot = malloc(size); /* a handler made realloc fail */
    }
    pthread_join(thread, NULL);
    for (int i = 0; i < HELD; i++)
        free(held[i]);
    left(scope);
    assert_true(HeapValidate(heap, 0, NULL));
}

static void signal_handlers_allocate(void **state)
{
    (void)state;
    struct sigaction action = { .sa_handler = allocate_in_handler, .sa_flags = SA_RESTART };
    sigaction(SIGUSR1, &action, NULL);
    for_each_kind(check_handler);
}

#endif

#if BARROW_OVERRIDE_MALLOC
/* What a library got from malloc while it was loaded goes with the heap; the loader's own may not.
 */
static void libraries_may_be_loaded_in_it(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        HANDLE heap = HeapCreate(0, 0, 0);
        struct barrow_scope scope = entered(heap);
        void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
        void *twice = dlopen(WORDS_PLUGIN, RTLD_NOW | RTLD_LOCAL);
        left(scope);
        if (twice == NULL)
            fail_msg("%s", dlerror());
        assert_true(HeapDestroy(heap));
        assert_int_equal(dlclose(twice), 0);
        if (library != NULL)
            assert_int_equal(dlclose(library), 0);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_family_is_served_by_the_heap),
        cmocka_unit_test(a_block_stays_in_its_heap),
        cmocka_unit_test(contents_are_kept_through_resizing),
        cmocka_unit_test(scopes_nest),
        cmocka_unit_test(bad_calls_change_nothing),
        cmocka_unit_test(malloc_serves_when_the_heap_is_gone),
        cmocka_unit_test(a_library_is_measured_and_thrown_away),
        cmocka_unit_test(a_library_is_capped),
        cmocka_unit_test(refuses_at_each_allocation),
        cmocka_unit_test(threads_do_not_inherit_it),
        cmocka_unit_test(other_threads_free),
        cmocka_unit_test(threads_share_a_heap),
        cmocka_unit_test(the_child_of_fork_is_in_it),
#ifndef THREAD_SANITIZER /* which reports what POSIX forbids */
        cmocka_unit_test(signal_handlers_allocate),
#endif
#if BARROW_OVERRIDE_MALLOC
        cmocka_unit_test(libraries_may_be_loaded_in_it),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
