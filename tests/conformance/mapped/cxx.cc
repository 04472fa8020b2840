// SPDX-License-Identifier: MIT
// mapped_heap.hpp: containers that live in a heap's file, in this run and the next, at any address.
#include <barrow/heap.hpp>
#include <barrow/mapped_heap.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory_resource>
#include <numeric>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#if __has_include(<boost/container/map.hpp>)
#define HAVE_BOOST 1
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/string.hpp>
#else
#define HAVE_BOOST 0
#endif

#include "support/suite.h" // last: it has a macro named fail

namespace
{

std::string path;

template <typename T> using in_heap = barrow::mapped_allocator<T>;
using numbers = std::vector<int, in_heap<int>>;

// Another place in the next opening: the old one is taken meanwhile.
class elsewhere
{
    void *taken_;

  public:
    explicit elsewhere(void *place)
        : taken_(mmap(place, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    {
    }
    ~elsewhere()
    {
        munmap(taken_, 1 << 16);
    }
    elsewhere(const elsewhere &) = delete;
    elsewhere &operator=(const elsewhere &) = delete;
};

void offset_pointers_point(void **)
{
    struct base {
        int a;
    };
    struct derived : base {
        int b;
    };
    derived array[4] = {};
    barrow::offset_ptr<derived> p(array), q;
    assert_true(q == nullptr && !q && p != nullptr && p);
    q = p + 3;
    assert_int_equal(q - p, 3);
    assert_ptr_equal(&*q, array + 3);
    assert_ptr_equal(&q[-1], array + 2);
    barrow::offset_ptr<base> up = q;
    barrow::offset_ptr<const base> constant = up;
    barrow::offset_ptr<void> any = q;
    assert_ptr_equal(static_cast<barrow::offset_ptr<derived>>(any).get(), array + 3);
    assert_ptr_equal(static_cast<barrow::offset_ptr<derived>>(up).get(), array + 3);
    assert_ptr_equal(constant.get(), array + 3);
    assert_true(p < q && q > p && p <= p && q >= p && p != q);
    assert_ptr_equal(std::pointer_traits<barrow::offset_ptr<derived>>::pointer_to(array[1]).get(),
                     array + 1);
    p = nullptr;
    assert_null(p.get());
    std::vector<barrow::offset_ptr<derived>> copies(3, q);
    copies.resize(1000, q);
    assert_true(std::all_of(copies.begin(), copies.end(), [&](auto &c) { return c == q; }));
}

void vectors_are_found_in_the_next_run(void **)
{
    void *place;
    {
        barrow::mapped_heap heap(path.c_str(), 16 << 20);
        numbers *all = heap.container<numbers>("numbers");
        all->resize(100000);
        std::iota(all->begin(), all->end(), 7);
        place = all;
        heap.close();
    }
    elsewhere other(place);
    barrow::mapped_heap heap(path.c_str());
    numbers *all = heap.find<numbers>("numbers");
    assert_non_null(all);
    assert_ptr_not_equal(all, place);
    assert_int_equal(all->size(), 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal((*all)[static_cast<std::size_t>(i)], i + 7);
    all->push_back(1);
    all->shrink_to_fit();
    assert_ptr_equal(heap.container<numbers>("numbers"), all);
}

#if HAVE_BOOST
using text = boost::container::basic_string<char, std::char_traits<char>, in_heap<char>>;
using counts =
    boost::container::map<text, long, std::less<text>, in_heap<std::pair<const text, long>>>;

void count_words(long run)
{
    barrow::mapped_heap heap(path.c_str(), 16 << 20);
    counts *words = heap.container<counts>("words");
    for (int i = 0; i < 2000; i++) {
        std::string word =
            "a word that is longer than any string keeps in itself " + std::to_string(i);
        text key(word.c_str(), in_heap<char>(words));
        ++words->try_emplace(std::move(key), 0).first->second;
    }
    assert_int_equal(words->size(), 2000);
    for (auto &word : *words)
        assert_int_equal(word.second, run);
    assert_true(std::is_sorted(words->begin(), words->end()));
}

void boosts_containers_go_on_where_the_last_run_ended(void **)
{
    for (long run = 1; run <= 3; run++)
        count_words(run);
    barrow::mapped_heap heap(path.c_str());
    auto *list = heap.container<boost::container::list<int, in_heap<int>>>("list");
    for (int i = 0; i < 1000; i++)
        list->push_front(i);
    list->sort();
    assert_int_equal(list->front(), 0);
    assert_int_equal(list->size(), 1000);
}
#endif

void exhaustion_is_bad_alloc(void **)
{
    barrow::mapped_heap heap(path.c_str(), 1 << 20);
    numbers *all = heap.container<numbers>("numbers");
    bool thrown = false;
    try {
        all->resize(1 << 20);
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    assert_true(thrown);
    assert_true(all->empty());
    thrown = false;
    try {
        barrow::mapped_heap none((path + "-none").c_str(), 0, barrow::mapped_heap::must_exist);
    } catch (const std::system_error &error) {
        thrown = error.code().value() == 2;
    }
    assert_true(thrown);
}

void memory_resource_over_the_handle(void **)
{
    barrow::mapped_heap heap(path.c_str(), 4 << 20);
    barrow::heap_resource resource(heap.handle());
    std::pmr::vector<std::pmr::string> words(&resource);
    for (int i = 0; i < 1000; i++)
        words.emplace_back("a string of more than sixteen characters");
    assert_ptr_equal(barrow::detail::barrow_mapped_heap_of(words.data()), heap.handle());
}

int make_path(void **)
{
    path = "/tmp/barrow-cxx-" + std::to_string(getpid());
    return 0;
}

int remove_file(void **)
{
    return std::remove(path.c_str());
}

} // namespace

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_path, remove_file)

int main()
{
    static const CMUnitTest tests[] = {
        cmocka_unit_test(offset_pointers_point),
        TEST(vectors_are_found_in_the_next_run),
#if HAVE_BOOST
        TEST(boosts_containers_go_on_where_the_last_run_ended),
#endif
        TEST(exhaustion_is_bad_alloc),
        TEST(memory_resource_over_the_handle),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
