/* SPDX-License-Identifier: MIT */
/* aligned.c: every pair of an alignment and a size within three bytes of a size class's end, in
 * every kind of heap: the block holds the size, all of it, and its neighbours keep theirs. */
#include "support/suite.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"
#include "support/check.h"

enum { MARGIN = 3, LIVE = 16, ALIGN_MAX = 128 * 1024, SIZE_MAX_TESTED = 70 * 1024 };

/* How blocks are made, measured and freed. */
struct face {
    void *(*make)(void *heap, size_t align, size_t size);
    bool (*holds)(void *heap, void *block, size_t size);
    bool (*drop)(void *heap, void *block);
};

struct live {
    unsigned char *block;
    size_t size;
    unsigned char stamp;
};

static struct live all[LIVE];

static void drop(const struct face *face, void *heap, struct live *live)
{
    if (live->block == NULL)
        return;
    for (size_t i = 0; i < live->size; i++)
        if (live->block[i] != live->stamp)
            fail_msg("byte %zu of %zu was written over", i, live->size);
    assert_true(face->holds(heap, live->block, live->size));
    assert_true(face->drop(heap, live->block));
    live->block = NULL;
}

static void try_pair(const struct face *face, void *heap, size_t align, size_t size)
{
    static unsigned turn;
    struct live *live = &all[turn++ % LIVE];
    drop(face, heap, live);
    live->block = face->make(heap, align, size);
    live->size = size;
    live->stamp = (unsigned char)(turn * 37 + 1);
    if (live->block == NULL || (uintptr_t)live->block % align != 0 ||
        !face->holds(heap, live->block, size))
        fail_msg("alignment %zu, size %zu: %p", align, size, (void *)live->block);
    memset(live->block, live->stamp, size);
    assert_true(face->holds(heap, live->block, size));
}

static void try_around(const struct face *face, void *heap, size_t align, size_t size)
{
    for (size_t i = 0; i <= 2 * MARGIN; i++)
        if (size + i > MARGIN)
            try_pair(face, heap, align, size + i - MARGIN);
}

/* The ends of all classes, of both engines, are among these sizes; so is the alignment itself. */
static void every_pair(const struct face *face, void *heap)
{
    for (size_t align = 1; align <= ALIGN_MAX; align *= 2) {
        for (size_t size = 16; size <= SIZE_MAX_TESTED;) {
            try_around(face, heap, align, size);
            size_t step =
                16; /* eight classes a doubling from 1 KiB on, steps of 16 or more before */
            while (size >= 1024 && step * 16 <= size)
                step *= 2;
            size += step;
        }
        try_around(face, heap, align, align);
        try_around(face, heap, align, 2 * align);
    }
    for (int i = 0; i < LIVE; i++)
        drop(face, heap, &all[i]);
}

static void *heap_make(void *heap, size_t align, size_t size)
{
    return barrow_heap_aligned_alloc(heap, align, size);
}

static bool heap_holds(void *heap, void *block, size_t size)
{
    return HeapSize(heap, 0, block) == size && HeapValidate(heap, 0, block);
}

static bool heap_drop(void *heap, void *block)
{
    return HeapFree(heap, 0, block);
}

static void in_heaps(void **state)
{
    const struct face face = { heap_make, heap_holds, heap_drop };
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        HANDLE heap = kind_make(&kinds[k]);
        assert_non_null(heap);
        every_pair(&face, heap);
        assert_true(HeapValidate(heap, 0, NULL));
        assert_true(HeapDestroy(heap));
    }
    every_pair(&face, GetProcessHeap());
}

/* What was small or large in place is small or large at an alignment too. */
static void resized(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        HANDLE heap = kind_make(&kinds[k]);
        for (size_t align = 32; align <= 65536; align *= 2) {
            unsigned char *block = barrow_heap_aligned_alloc(heap, align, align - 1);
            memset(block, 7, align - 1);
            block = HeapReAlloc(heap, 0, block, align + 1);
            assert_non_null(block);
            for (size_t i = 0; i < align - 1; i++)
                assert_int_equal(block[i], 7);
            assert_int_equal(HeapSize(heap, 0, block), align + 1);
            assert_true(HeapFree(heap, 0, block));
        }
        assert_true(HeapDestroy(heap));
    }
}

static void *plain_make(void *heap, size_t align, size_t size)
{
    (void)heap;
    return barrow_aligned_alloc(align, size);
}

static bool plain_holds(void *heap, void *block, size_t size)
{
    (void)heap;
    return barrow_malloc_usable_size(block) >= size;
}

static bool plain_drop(void *heap, void *block)
{
    (void)heap;
    barrow_free(block);
    return true;
}

static void by_plain_calls(void **state)
{
    const struct face face = { plain_make, plain_holds, plain_drop };
    (void)state;
    every_pair(&face, NULL);
}

/* Frees of a scope's blocks find the heap by themselves. */
static void in_scopes(void **state)
{
    const struct face face = { plain_make, plain_holds, plain_drop };
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        struct barrow_scope scope;
        HANDLE heap = kind_make(&kinds[k]);
        assert_int_equal(barrow_scope_enter(&scope, heap), 0);
        every_pair(&face, NULL);
        assert_int_equal(barrow_scope_leave(&scope), 0);
        assert_true(HeapDestroy(heap));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_heaps),
        cmocka_unit_test(resized),
        cmocka_unit_test(by_plain_calls),
        cmocka_unit_test(in_scopes),
    };
    return cmocka_run_group_tests_name("aligned blocks of every size", tests, NULL, NULL);
}
