// SPDX-License-Identifier: MIT
// heap.hpp in programs that are compiled without RTTI, without exceptions, or without both.
#include <barrow/heap.hpp>

#include <csignal>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/suite.h"

namespace
{

void BlocksAndContainers(void **)
{
    barrow::heap heap;
    void *block = heap.allocate(100, 64);
    assert_int_equal(reinterpret_cast<std::uintptr_t>(block) % 64, 0);
    heap.deallocate(block);
    std::vector<int, barrow::allocator<int>> numbers(heap);
    for (int i = 0; i < 10000; i++)
        numbers.push_back(i);
    assert_int_equal(numbers[9999], 9999);
    assert_true(heap.stats().live_bytes >= 40000);
    barrow::scope scope(heap);
    std::string text(1000, 'x');
    assert_ptr_equal(barrow_scope_heap(), heap.handle());
}

// One that knows others by nothing but what they answer.
class Echo : public std::pmr::memory_resource
{
    void *do_allocate(std::size_t, std::size_t) override
    {
        return nullptr;
    }

    void do_deallocate(void *, std::size_t, std::size_t) override {}

    bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
    {
        return this == &other || other.is_equal(*this);
    }
};

void ResourcesOverTheSameHeapAreEqual(void **)
{
    barrow::heap a, b;
    barrow::heap_resource one(a), two(a.handle()), three(b);
    Echo echo;
    for (int round = 0; round < 3; round++) {
        assert_true(one.is_equal(one));
        assert_true(one.is_equal(two) && two.is_equal(one));
        assert_false(one.is_equal(three) || three.is_equal(one));
        assert_false(one.is_equal(*std::pmr::new_delete_resource()));
        assert_false(std::pmr::new_delete_resource()->is_equal(one));
        std::pmr::monotonic_buffer_resource buffer(&one);
        assert_false(one.is_equal(buffer) || buffer.is_equal(one));
        assert_false(one.is_equal(echo) || echo.is_equal(one));
    }
    std::pmr::vector<int> from({ 1, 2, 3 }, &one), to(&two);
    const int *bytes = from.data();
    to = std::move(from);
    assert_ptr_equal(to.data(), bytes); // moved, not copied
}

#if !defined(__cpp_exceptions)
int ChildAsksForTooMuch(const char *)
{
    barrow::heap heap;
    heap.allocate(SIZE_MAX / 2);
    return 0;
}

void WhatWouldBeThrownTerminates(void **)
{
    static child_result result;
    child_run_case("too_much", nullptr, &result);
    assert_true(child_killed(&result, SIGABRT));
}
#endif

} // namespace

int main(int argc, char **argv)
{
    static const child_function cases[] = {
#if !defined(__cpp_exceptions)
        { "too_much", ChildAsksForTooMuch },
#endif
        { nullptr, nullptr }
    };
    static const CMUnitTest tests[] = {
        cmocka_unit_test(BlocksAndContainers),
        cmocka_unit_test(ResourcesOverTheSameHeapAreEqual),
#if !defined(__cpp_exceptions)
        cmocka_unit_test(WhatWouldBeThrownTerminates),
#endif
    };

    child_case(argc, argv, cases);
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
