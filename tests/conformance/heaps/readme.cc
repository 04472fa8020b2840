// SPDX-License-Identifier: MIT
// The README's example in C++, as it stands there; run by readme_test.cmake.
#include <barrow/heap.hpp>
#include <cstdio>
#include <map>
#include <memory_resource>
#include <string>
#include <vector>

int main()
{
    barrow::heap_options options;
    options.maximum = 4 << 20;
    options.name = "request";
    barrow::heap heap(options);

    barrow::heap_resource resource(heap);
    std::pmr::map<std::pmr::string, int> counts(&resource);
    counts["pears"] += 2;

    std::vector<int, barrow::allocator<int>> numbers({ 3, 1, 2 }, heap);

    std::string *text;
    {
        barrow::scope scope(heap); // plain operator new and malloc, for this block
        text = new std::string(1000, 'x');
    }
    std::printf("%d %zu %zu\n", counts["pears"], numbers.size(), text->size());
    delete text;
    std::printf("%zu blocks\n", static_cast<std::size_t>(heap.stats().live_blocks));
}
