/* SPDX-License-Identifier: MIT */
/* One serialized heap and all processors at once. */
#include "heaps.h"

#include <atomic>

namespace heaps
{
namespace
{

constexpr int64_t TURNS = 60;
constexpr size_t ROUNDS = 20; /* of the patterns in a turn */

/* Seconds of processor time that one thread of `count` needed for its share, on average. */
template <typename Source, typename Pattern>
double in_threads(size_t count, Source &source, Pattern pattern)
{
    std::atomic<size_t> ready{ 0 };
    std::vector<double> took(count);
    bench::in_threads(count, [&](size_t number) {
        pattern(source); /* the thread's first calls are not measured */
        ready++;
        while (ready < count)
            std::this_thread::yield();
        took[number] = seconds_of([&] {
            for (size_t round = 0; round < ROUNDS; round++)
                pattern(source);
        });
    });
    double sum = 0;
    for (double each : took)
        sum += each;
    return sum / static_cast<double>(count);
}

template <typename Pattern> void add_threads(const std::string &name, Pattern pattern)
{
    static const size_t all = std::max(2u, std::thread::hardware_concurrency());
    add(name + "/serialized, all processors : alone", TURNS, [pattern](State &state) {
        Heap heap(0);
        compare(
            state, STEPS * ROUNDS, [&] { return in_threads(all, heap, pattern); },
            [&] { return in_threads(1, heap, pattern); });
    });
    add(name + "/serialized : malloc, all processors", TURNS, [pattern](State &state) {
        Heap heap(0);
        Malloc plain;
        compare(
            state, STEPS * ROUNDS, [&] { return in_threads(all, heap, pattern); },
            [&] { return in_threads(all, plain, pattern); });
    });
    add(name + "/serialized : malloc in a mutex, all processors", TURNS / 4,
        [pattern](State &state) {
            Heap heap(0);
            Malloc plain;
            Locked<Malloc> locked(plain);
            compare(
                state, STEPS * ROUNDS, [&] { return in_threads(all, heap, pattern); },
                [&] { return in_threads(all, locked, pattern); });
        });
}

} // namespace

void add_thread_lines()
{
    add_threads("pair", [](auto &source) { pair(source); });
    add_threads("mixed", [](auto &source) { mixed(source, ORDINARY); });
}

} // namespace heaps
