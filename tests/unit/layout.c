/* SPDX-License-Identifier: MIT */
/* What heap_layout says to a reader agrees with what the library goes by. */
#include "test.h"

#include <barrow/barrow.h>

#include "diag/layout.h"
#include "heap/size_class.h"
#include "heap/threads.h"
#include "medium/medium.h"
#include "region/layout.h"

extern const struct heap_layout heap_layout;

static void block_sizes_agree(void **state)
{
    (void)state;
    assert_string_equal(heap_layout.magic, LAYOUT_MAGIC);
    assert_int_equal(heap_layout.size, sizeof heap_layout);
    assert_int_equal(heap_layout.classes, SIZE_CLASSES);
    for (unsigned i = 0; i < SIZE_CLASSES; i++)
        assert_int_equal(heap_layout.block_bytes[i], size_class_bytes(i));
}

/* The way that a reader goes to a span's descriptor leads to the library's own. */
static void descriptors_are_found(void **state)
{
    (void)state;
    const struct region_layout *layout = heap_layout.region;
    char *block = barrow_malloc(100);
    uintptr_t address = (uintptr_t)block;
    uintptr_t tags = (uintptr_t)layout->no_tags +
                     ((const uintptr_t *)layout->root)[address >> layout->root_shift];
    size_t granule = address >> layout->granule_shift &
                     (((size_t)1 << (layout->root_shift - layout->granule_shift)) - 1);
    const char *descriptor =
        (const char *)(tags - layout->spans_before + granule * layout->span_size);
    assert_ptr_equal(descriptor, span_at(granule_of(block)));
    assert_int_equal(layout->kinds[(uint8_t)descriptor[layout->kind]], LAYOUT_SLAB);
    assert_int_equal(heap_layout.block_bytes[(uint8_t)descriptor[layout->size_class]], 112);
    barrow_free(block);
}

/* The way that a reader goes to a medium span's map, and what it finds there. */
static void maps_are_found(void **state)
{
    (void)state;
    const struct medium_layout *layout = heap_layout.medium;
    char *block = barrow_malloc(20000);
    uint32_t number = map_number_of(granule_of(block)), most = 1U << layout->leaf_shift;
    const char *const *leaf = ((const char *const *const *)layout->leaves)[number / most];
    const char *map = leaf[number % most];
    uintptr_t start;
    uint32_t cells;
    uint16_t length;
    memcpy(&start, map + layout->start, sizeof start);
    memcpy(&cells, map + layout->cells, sizeof cells);
    size_t cell = ((uintptr_t)block - start) >> layout->cell_shift;
    assert_true(cell < cells && cells <= layout->most);
    memcpy(&length, map + layout->records + cell * layout->record_size + layout->length,
           sizeof length);
    assert_int_equal(length, medium_cells(20000));
    assert_int_equal(map[layout->states + cell], layout->live);
    barrow_free(block); /* into the cache */
    assert_int_equal(map[layout->states + cell], layout->passed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_sizes_agree),
        cmocka_unit_test(descriptors_are_found),
        cmocka_unit_test(maps_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
