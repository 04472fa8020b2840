// SPDX-License-Identifier: MIT
// scope_cxx.cc: C++'s operators new in a scope, and standard containers that know nothing of it.
#include "support/suite.h"

#include <barrow/barrow.h>
#include <barrow/heapapi.h>

#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "support/memory.h"
#include "support/opaque.h"

namespace
{

barrow_heap_stats StatsOf(HANDLE heap)
{
    barrow_heap_stats stats = {};
    stats.size = sizeof stats;
    barrow_heap_stats_get(heap, &stats);
    return stats;
}

struct alignas(256) Wide {
    char bytes[300];
};

void OperatorsAreServedByTheHeap(void **)
{
    HANDLE heap = HeapCreate(0, 0, 0);
    barrow_scope scope;
    assert_int_equal(barrow_scope_enter(&scope, heap), 0);
    auto *one = static_cast<int *>(opaque(new int(5)));
    auto *many = static_cast<char *>(opaque(new char[1000]));
    auto *wide = static_cast<Wide *>(opaque(new Wide));
    auto *quiet = static_cast<char *>(opaque(new (std::nothrow) char[10]));
    assert_int_equal(barrow_scope_leave(&scope), 0);
    for (void *block : { static_cast<void *>(one), static_cast<void *>(many),
                         static_cast<void *>(wide), static_cast<void *>(quiet) })
        assert_true(HeapValidate(heap, 0, block));
    assert_int_equal(reinterpret_cast<std::uintptr_t>(wide) % 256, 0);
    assert_int_equal(StatsOf(heap).live_blocks, 4);
    delete one;
    delete[] many;
    delete wide;
    delete[] quiet;
    assert_int_equal(StatsOf(heap).live_blocks, 0);
    assert_true(HeapDestroy(heap));
}

void BadAllocComesAtTheCap(void **)
{
    HANDLE heap = HeapCreate(0, 0, MIB);
    barrow_scope scope;
    bool thrown = false;
    std::size_t held = 0;
    assert_int_equal(barrow_scope_enter(&scope, heap), 0);
    try {
        auto *strings = new std::vector<std::string>;
        for (;; held++)
            strings->emplace_back(500, 'x');
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    assert_null(opaque(new (std::nothrow) char[MIB]));
    assert_int_equal(barrow_scope_leave(&scope), 0);
    assert_true(thrown);
    assert_in_range(held, 500, 2100);
    assert_true(HeapDestroy(heap)); // and all the strings
    auto after = std::make_unique<std::string>(500, 'y');
    assert_int_equal(after->size(), 500);
}

void ContainersLiveThere(void **)
{
    HANDLE heap = HeapCreate(HEAP_NO_SERIALIZE, 0, 0);
    barrow_scope scope;
    assert_int_equal(barrow_scope_enter(&scope, heap), 0);
    auto *map = new std::map<std::string, std::vector<int>>;
    for (int i = 0; i < 1000; i++)
        (*map)["a long key, in a block of its own: " + std::to_string(i % 100)].push_back(i);
    assert_int_equal(barrow_scope_leave(&scope), 0);
    assert_int_equal(map->size(), 100);
    assert_int_equal(StatsOf(heap).live_blocks, 1 + 3 * 100);
    (*map)["a long key, in a block of its own: 5"].clear();
    map->erase("a long key, in a block of its own: 6");
    assert_int_equal(StatsOf(heap).live_blocks, 1 + 3 * 99);
    delete map;
    assert_int_equal(StatsOf(heap).live_blocks, 0);
    assert_true(HeapDestroy(heap));
}

} // namespace

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test(OperatorsAreServedByTheHeap),
        cmocka_unit_test(BadAllocComesAtTheCap),
        cmocka_unit_test(ContainersLiveThere),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
