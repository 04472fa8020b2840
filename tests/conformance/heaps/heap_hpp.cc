// SPDX-License-Identifier: MIT
// heap_hpp.cc: heap.hpp's classes, with the standard's containers.
#include "support/suite.h"

#include <barrow/heap.hpp>

#include <barrow/heapapi.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <list>
#include <map>
#include <memory_resource>
#include <numeric>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support/memory.h"

namespace
{

static_assert(!std::is_copy_constructible_v<barrow::heap>);
static_assert(!std::is_copy_assignable_v<barrow::heap>);
static_assert(std::is_nothrow_move_constructible_v<barrow::heap>);
static_assert(std::is_nothrow_move_assignable_v<barrow::heap>);
static_assert(!std::is_copy_constructible_v<barrow::scope>);
static_assert(!std::allocator_traits<barrow::allocator<int>>::is_always_equal::value);
static_assert(
    std::is_same_v<std::allocator_traits<barrow::allocator<int>>::rebind_alloc<std::string>,
                   barrow::allocator<std::string>>);

std::array<barrow::heap_options, 4> Kinds()
{
    std::array<barrow::heap_options, 4> kinds = {};
    kinds[1].no_serialize = true;
    kinds[2].maximum = 8 * MIB;
    kinds[3].executable = true;
    return kinds;
}

bool IsIn(const barrow::heap &heap, const void *block)
{
    return HeapValidate(heap.handle(), 0, block) != 0;
}

// The error code that the call throws as a std::system_error; 0: none.
template <typename Call> int ErrorOf(Call call)
{
    try {
        call();
    } catch (const std::system_error &error) {
        return error.code() == std::error_code(error.code().value(), std::generic_category())
                   ? error.code().value()
                   : -1;
    }
    return 0;
}

template <typename Call> bool ThrowsBadAlloc(Call call)
{
    try {
        call();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

// ---- heap
// ----------------------------------------------------------------------------------------

void AHeapIsOwned(void **)
{
    void *handle;
    {
        barrow::heap heap;
        handle = heap.handle();
        assert_true(HeapValidate(handle, 0, nullptr));
        barrow::heap other(std::move(heap));
        assert_null(heap.handle());
        assert_ptr_equal(other.handle(), handle);
        barrow::heap third;
        void *replaced = third.handle();
        third = std::move(other);
        assert_ptr_equal(third.handle(), handle);
        assert_null(other.handle());
        assert_false(HeapValidate(replaced, 0, nullptr));
        barrow::heap &same = third;
        third = std::move(same);
        assert_ptr_equal(third.handle(), handle);
        std::swap(third, heap);
        assert_ptr_equal(heap.handle(), handle);
        heap.reset();
        assert_false(HeapValidate(handle, 0, nullptr));
        heap.reset();
        heap = barrow::heap();
        handle = heap.handle();
    }
    assert_false(HeapValidate(handle, 0, nullptr));
    barrow::heap heap;
    handle = heap.release();
    assert_null(heap.handle());
    assert_true(HeapDestroy(handle));
}

void AHeapIsMadeAsAsked(void **)
{
    barrow::heap_options options;
    options.maximum = MIB;
    options.no_serialize = true;
    options.name = "as asked";
    barrow::heap heap(options);
    barrow_heap_stats stats = heap.stats();
    assert_int_equal(stats.flags, BARROW_HEAP_BOUNDED);
    assert_int_equal(stats.maximum, MIB);
    assert_string_equal(stats.name, "as asked");
    options.executable = true;
    assert_int_equal(barrow::heap(options).stats().flags,
                     BARROW_HEAP_BOUNDED | BARROW_HEAP_EXECUTABLE);
    assert_int_equal(barrow::heap().stats().flags, BARROW_HEAP_SERIALIZED);
    std::string json = heap.json();
    assert_true(json.front() == '{' && json.back() == '}');
    assert_true(json.find("\"name\": \"as asked\"") != std::string::npos);
}

void FailureIsThrown(void **)
{
    barrow::heap_options absurd, named;
    std::string name(BARROW_HEAP_NAME_SIZE, 'x');
    absurd.maximum = SIZE_MAX / 2;
    named.name = name.c_str();
    assert_int_equal(ErrorOf([&] { barrow::heap heap(absurd); }), ENOMEM);
    assert_int_equal(ErrorOf([&] { barrow::heap heap(named); }), ERANGE);
    assert_int_equal(ErrorOf([&] { barrow::scope scope(&name); }), EINVAL);
    barrow::heap gone;
    gone.reset();
    assert_int_equal(ErrorOf([&] { gone.stats(); }), EINVAL);
    assert_int_equal(ErrorOf([&] { gone.json(); }), EINVAL);
    assert_int_equal(ErrorOf([&] { gone.limit(100); }), EINVAL);
    assert_true(ThrowsBadAlloc([&] { gone.allocate(1); }));
    barrow::heap_options small;
    small.maximum = 64 * KIB;
    barrow::heap heap(small);
    assert_true(ThrowsBadAlloc([&] { heap.allocate(65 * KIB); }));
    assert_true(ThrowsBadAlloc([&] { barrow::allocator<int>(heap).allocate(SIZE_MAX / 2); }));
    assert_true(ThrowsBadAlloc([&] { barrow::allocator<int>(heap).allocate(SIZE_MAX / 8); }));
    assert_true(ThrowsBadAlloc([&] { std::vector<int, barrow::allocator<int>>(100000, 1, heap); }));
    barrow::heap_resource resource(heap);
    assert_true(ThrowsBadAlloc([&] { (void)resource.allocate(MIB); }));
    assert_int_equal(heap.stats().live_blocks, 0);
}

int Asked(void *, std::size_t wanted, void *context)
{
    *static_cast<std::size_t *>(context) = wanted;
    return 0;
}

void AHeapHasALimit(void **)
{
    for (const barrow::heap_options &options : Kinds()) {
        std::size_t wanted = 0;
        barrow::heap heap(options);
        heap.limit(2 * MIB, Asked, &wanted);
        assert_true(ThrowsBadAlloc([&] { heap.allocate(3 * MIB); }));
        assert_int_equal(wanted, 3 * MIB);
        heap.limit(0);
        void *block = heap.allocate(3 * MIB, 4096);
        assert_int_equal(reinterpret_cast<std::uintptr_t>(block) % 4096, 0);
        heap.deallocate(block);
        assert_int_equal(heap.stats().live_blocks, 0);
        assert_true(heap.compact() < 3 * MIB || options.maximum != 0 || options.executable);
    }
}

// ---- memory resource
// -----------------------------------------------------------------------------

void ResourcesAreEqualByHeap(void **)
{
    barrow::heap a, b;
    barrow::heap_resource one(a), two(a.handle()), three(b);
    assert_true(one == two && one.is_equal(two));
    assert_true(one != three);
    assert_false(one == *std::pmr::new_delete_resource());
    assert_false(*std::pmr::new_delete_resource() == one);
    two.deallocate(one.allocate(100), 100);
    assert_int_equal(a.stats().live_blocks, 0);
}

void PmrContainersLiveInTheHeap(void **)
{
    for (const barrow::heap_options &options : Kinds()) {
        barrow::heap heap(options);
        barrow::heap_resource resource(heap);
        {
            std::pmr::map<std::pmr::string, std::pmr::vector<int>> map(&resource);
            for (int i = 0; i < 1000; i++)
                map[std::pmr::string("a key that is too long for its string object ") +
                    std::to_string(i % 50).c_str()]
                    .push_back(i);
            assert_int_equal(map.size(), 50);
            for (const auto &[key, values] : map)
                assert_true(IsIn(heap, key.data()) && IsIn(heap, values.data()));
            std::pmr::unsynchronized_pool_resource pool(&resource);
            std::pmr::list<int> list({ 3, 1, 2 }, &pool);
            list.sort();
            assert_int_equal(list.front(), 1);
        }
        assert_int_equal(heap.stats().live_blocks, 0);
    }
}

void AlignmentIsHonoured(void **)
{
    for (const barrow::heap_options &options : Kinds()) {
        barrow::heap heap(options);
        barrow::heap_resource resource(heap);
        for (std::size_t alignment = 1; alignment <= 64 * KIB; alignment *= 2) {
            void *block = resource.allocate(100, alignment);
            assert_int_equal(reinterpret_cast<std::uintptr_t>(block) % alignment, 0);
            resource.deallocate(block, 100, alignment);
        }
        struct alignas(512) Wide {
            char bytes[512];
        };
        std::vector<Wide, barrow::allocator<Wide>> wide(10, heap);
        assert_int_equal(reinterpret_cast<std::uintptr_t>(wide.data()) % 512, 0);
    }
}

// ---- allocator
// -----------------------------------------------------------------------------------

template <typename T> using Vector = std::vector<T, barrow::allocator<T>>;
using String = std::basic_string<char, std::char_traits<char>, barrow::allocator<char>>;

void StandardContainersLiveInTheHeap(void **)
{
    for (const barrow::heap_options &options : Kinds()) {
        barrow::heap heap(options);
        {
            Vector<int> vector(1000, heap);
            std::iota(vector.begin(), vector.end(), 0);
            assert_true(IsIn(heap, vector.data()));
            assert_int_equal(std::accumulate(vector.begin(), vector.end(), 0), 999 * 500);

            using Pair = std::pair<const int, String>;
            std::map<int, String, std::less<int>, barrow::allocator<Pair>> map(heap);
            std::unordered_map<int, String, std::hash<int>, std::equal_to<int>,
                               barrow::allocator<Pair>>
                unordered(heap);
            std::list<String, barrow::allocator<String>> list(heap);
            for (int i = 0; i < 300; i++) {
                String text(static_cast<std::size_t>(100 + i), 'x', heap);
                map.emplace(i * 7 % 300, text);
                unordered.emplace(i, text);
                list.push_front(std::move(text));
            }
            assert_int_equal(map.at(7).size(), 101);
            assert_int_equal(unordered.at(299).size(), 399);
            list.sort();
            assert_true(IsIn(heap, list.front().data()));
            for (int i = 0; i < 300; i += 2)
                map.erase(i);
            assert_true(IsIn(heap, &*map.begin()) || !map.empty());
        }
        assert_int_equal(heap.stats().live_blocks, 0);
    }
}

void AllocatorsAreEqualByHeap(void **)
{
    barrow::heap a, b;
    barrow::allocator<int> one(a), three(b);
    barrow::allocator<char> two(one);
    assert_true(one == two && !(one != two));
    assert_true(one != three && !(one == three));
    barrow::allocator<int> back(two);
    assert_true(back == one);
}

void ContainersTakeTheirHeapAlong(void **)
{
    barrow::heap a, b;
    Vector<int> in_a(100, 1, a), in_b(50, 2, b);
    const int *data = in_a.data();
    in_b = std::move(in_a);
    assert_ptr_equal(in_b.data(), data);
    assert_ptr_equal(in_b.get_allocator().handle(), a.handle());
    Vector<int> copy(in_b);
    assert_ptr_equal(copy.get_allocator().handle(), a.handle());
    assert_true(copy == in_b && copy.data() != data);
    Vector<int> other(10, 3, b);
    swap(other, copy);
    assert_ptr_equal(other.get_allocator().handle(), a.handle());
    assert_ptr_equal(copy.get_allocator().handle(), b.handle());
    copy = other;
    assert_ptr_equal(copy.get_allocator().handle(), a.handle());
    assert_true(IsIn(a, copy.data()) && copy == other);
}

// ---- scope, threads
// ------------------------------------------------------------------------------

void AScopeEndsWithItsBlock(void **)
{
    barrow::heap heap;
    assert_null(barrow_scope_heap());
    try {
        barrow::scope scope(heap);
        assert_ptr_equal(barrow_scope_heap(), heap.handle());
        {
            barrow::scope inner(nullptr);
            assert_null(barrow_scope_heap());
        }
        assert_ptr_equal(barrow_scope_heap(), heap.handle());
        throw 1;
    } catch (int) {
        assert_null(barrow_scope_heap());
    }
    auto *plain = barrow_malloc(10);
    assert_false(IsIn(heap, plain));
    barrow_free(plain);
    barrow::scope scope(heap);
    plain = barrow_malloc(10);
    assert_true(IsIn(heap, plain));
    barrow_free(plain);
}

void ThreadsShareASerializedHeap(void **)
{
    barrow::heap heap;
    barrow::heap_resource resource(heap);
    std::vector<std::thread> threads;
    std::array<std::size_t, 4> sums = {};
    for (std::size_t &sum : sums)
        threads.emplace_back([&resource, &sum] {
            for (int round = 0; round < 50; round++) {
                std::pmr::vector<std::pmr::string> strings(&resource);
                for (std::size_t i = 0; i < 100; i++)
                    strings.emplace_back(i, 'x');
                for (const auto &string : strings)
                    sum += string.size();
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    for (std::size_t sum : sums)
        assert_int_equal(sum, 50 * 99 * 50);
    assert_int_equal(heap.stats().live_blocks, 0);
}

} // namespace

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test(AHeapIsOwned),
        cmocka_unit_test(AHeapIsMadeAsAsked),
        cmocka_unit_test(FailureIsThrown),
        cmocka_unit_test(AHeapHasALimit),
        cmocka_unit_test(ResourcesAreEqualByHeap),
        cmocka_unit_test(PmrContainersLiveInTheHeap),
        cmocka_unit_test(AlignmentIsHonoured),
        cmocka_unit_test(StandardContainersLiveInTheHeap),
        cmocka_unit_test(AllocatorsAreEqualByHeap),
        cmocka_unit_test(ContainersTakeTheirHeapAlong),
        cmocka_unit_test(AScopeEndsWithItsBlock),
        cmocka_unit_test(ThreadsShareASerializedHeap),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
