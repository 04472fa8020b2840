/* SPDX-License-Identifier: MIT */
/* tables.c: the step map and the tree of ranges against plain arrays, names in UTF-16, and the two ways of reading the
 * kernel's list of mappings against each other. */
#include "win32/host/interval_map.h"
#include "win32/host/range_tree.h"

#include "os/vm.h"
#include "win32/host/host_maps.h"
#include "win32/host/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CELLS 300

static void steps_agree_with_an_array(void **state)
{
    (void)state;
    struct interval_map map = { NULL };
    uint32_t cells[CELLS] = { 0 };
    srand(1);
    for (int round = 0; round < 50000; round++) {
        uintptr_t start = (uintptr_t)(rand() % CELLS);
        uintptr_t end = start + 1 + (uintptr_t)rand() % (CELLS - start);
        uint32_t value = (uint32_t)(rand() % 4);
        assert_true(interval_map_ready());
        interval_map_set(&map, start * os_page_size(), end * os_page_size(), value);
        for (uintptr_t i = start; i < end; i++)
            cells[i] = value;
        uintptr_t at = (uintptr_t)(rand() % CELLS), next = at + 1;
        while (next < CELLS && cells[next] == cells[at])
            next++;
        assert_int_equal(interval_map_get(&map, at * os_page_size() + 5), cells[at]);
        assert_int_equal(interval_map_next(&map, at * os_page_size(), CELLS * os_page_size()),
                         next * os_page_size());
    }
    interval_map_clear(&map);
    assert_int_equal(interval_map_get(&map, 5 * os_page_size()), 0);
}

enum { RANGES = 200 };

static struct range_node ranges[RANGES];
static bool in_tree[RANGES], visited[RANGES];

static void note_visit(struct range_node *node, uint64_t low, uint64_t high)
{
    assert_true(node->low < high && node->high > low);
    assert_false(visited[node - ranges]);
    visited[node - ranges] = true;
}

static void check_overlaps(struct range_node *root, uint64_t low, uint64_t high)
{
    memset(visited, 0, sizeof(visited));
    range_tree_each(root, low, high, note_visit);
    for (int i = 0; i < RANGES; i++)
        assert_int_equal(visited[i], in_tree[i] && ranges[i].low < high && ranges[i].high > low);
}

static void check_point(const struct range_node *root, uint64_t at)
{
    uint64_t reach = 0, next = UINT64_MAX;
    for (int i = 0; i < RANGES; i++) {
        if (in_tree[i] && ranges[i].low <= at && ranges[i].high > reach)
            reach = ranges[i].high;
        if (in_tree[i] && ranges[i].low > at && ranges[i].low < next)
            next = ranges[i].low;
    }
    assert_int_equal(range_tree_reach(root, at), reach);
    assert_int_equal(range_tree_next(root, at), next);
}

static void overlapping_ranges_are_found(void **state)
{
    (void)state;
    struct range_node *root = NULL;
    srand(2);
    for (int round = 0; round < 20000; round++) {
        int i = rand() % RANGES;
        if (in_tree[i]) {
            range_tree_remove(&root, &ranges[i]);
        } else {
            ranges[i].low = (uint64_t)(rand() % CELLS);
            ranges[i].high = ranges[i].low + (uint64_t)(rand() % (rand() % CELLS + 1));
            range_tree_insert(&root, &ranges[i]);
        }
        in_tree[i] = !in_tree[i];
        uint64_t low = (uint64_t)(rand() % CELLS);
        check_overlaps(root, low, low + 1 + (uint64_t)(rand() % 20));
        check_point(root, low);
    }
}

enum { NODES = 20000, STRIDE_MOST = 512 };

static size_t depth(const struct range_node *root)
{
    if (root == NULL)
        return 0;
    size_t left = depth(root->left), right = depth(root->right);
    return 1 + (left > right ? left : right);
}

/* Nodes lie inside objects, which lie one behind the other. */
static void a_tree_of_ranges_is_shallow_however_large_the_objects_are(void **state)
{
    (void)state;
    char *memory = malloc((size_t)NODES * STRIDE_MOST);
    assert_non_null(memory);
    for (size_t stride = 64; stride <= STRIDE_MOST; stride += 32) {
        struct range_node *root = NULL;
        for (size_t i = 0; i < NODES; i++) {
            struct range_node *node = (struct range_node *)(void *)(memory + i * stride);
            node->low = i;
            node->high = i + 1;
            range_tree_insert(&root, node);
        }
        assert_in_range(depth(root), 15, 60);
    }
    free(memory);
}

static void mappings_read_alike_by_ioctl_and_as_text(void **state)
{
    (void)state;
    struct host_mapping a, b;
    int count = 0;
    for (uintptr_t at = 0; host_mapping_at_text(at, OS_MAPS_NOW, &b) == 0; at = b.end) {
        if (b.start > (uintptr_t)1 << 48) /* vsyscall: in the text alone */
            break;
        assert_int_equal(host_mapping_at(at, OS_MAPS_NOW, &a), 0);
        assert_int_equal(a.start, b.start);
        assert_int_equal(a.access, b.access);
        assert_int_equal(a.shared, b.shared);
        assert_int_equal(a.inode, b.inode);
        assert_int_equal(a.device, b.device);
        count++;
    }
    assert_true(count > 10);
}

static void names_in_utf16_become_utf8(void **state)
{
    (void)state;
    char out[32];
    assert_true(text_from_utf16(u"a\u00e9\u20ac\U0001F600", out, sizeof(out)));
    assert_string_equal(out, "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    const WCHAR unpaired[] = { 0xD800, 'x', 0xDC00, 0 };
    assert_true(text_from_utf16(unpaired, out, sizeof(out)));
    assert_string_equal(out, "\xEF\xBF\xBDx\xEF\xBF\xBD");
    assert_false(text_from_utf16(u"0123456789012345678901234567890123456789", out, sizeof(out)));
}

static void paths_turn_their_backslashes(void **state)
{
    (void)state;
    char out[32];
    assert_true(text_path("\\\\?\\a\\b/c", out, sizeof(out)));
    assert_string_equal(out, "a/b/c");
    assert_false(text_path("0123456789012345678901234567890123456789", out, sizeof(out)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_agree_with_an_array),
        cmocka_unit_test(overlapping_ranges_are_found),
        cmocka_unit_test(a_tree_of_ranges_is_shallow_however_large_the_objects_are),
        cmocka_unit_test(mappings_read_alike_by_ioctl_and_as_text),
        cmocka_unit_test(names_in_utf16_become_utf8),
        cmocka_unit_test(paths_turn_their_backslashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
