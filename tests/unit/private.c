/* SPDX-License-Identifier: MIT */
/* What only the inside of private heaps can be asked. */
#include "barrow/barrow.h"
#include "heap/heap.h"
#include "private/private_heap.h"
#include "test.h"

/* A handler that interrupted malloc frees into the inbox: young blocks, those of a slab, long ones
 * of a slab, all are free from then on. */
static void interrupted_frees_are_frees(void **state)
{
    static const size_t sizes[] = { 0, 100, 1022, 1023, 5000, 65000 };
    (void)state;
    struct private_heap *heap = private_create(&(struct private_wish){ 0 });
    assert_non_null(heap);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        void *kept = private_alloc(heap, 1, sizes[i], 0),
             *block = private_alloc(heap, 1, sizes[i], 0);
        private_free_interrupted(heap, block);
        assert_int_equal(private_size(heap, block), PRIVATE_NO_BLOCK);
        assert_int_equal(private_size(heap, kept), sizes[i]);
        assert_false(private_free(heap, block, 0));
    }
    private_destroy(heap);
}

/* What malloc took from a heap in scope is told from its own blocks. */
static void blocks_of_scopes_stay_where_they_are(void **state)
{
    (void)state;
    struct private_heap *heap = private_create(&(struct private_wish){ 0 });
    struct barrow_scope scope;
    barrow_scope_enter(&scope, heap);
    void *block = heap_alloc(100);
    barrow_scope_leave(&scope);
    assert_true(private_has(heap, block));
    assert_false(heap_resize_in_place(block, 90, "test"));
    assert_int_equal(heap_usable_size(block, "test"), 100);
    heap_free(block, "test");
    private_destroy(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupted_frees_are_frees),
        cmocka_unit_test(blocks_of_scopes_stay_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
