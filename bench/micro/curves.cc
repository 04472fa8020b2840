/* SPDX-License-Identifier: MIT */
/*
 * Curves: the same operation while one thing grows, from small to as much as the machine holds. The
 * cost of an operation ought to stay flat; a curve that climbs shows a path that is not linear.
 */
#include "lines.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <malloc.h>
#include <mutex>
#include <sys/resource.h>
#include <unistd.h>

namespace bench
{
namespace
{

using benchmark::State;

size_t available_memory()
{
    unsigned long long kib = 0;
    char row[256];
    std::FILE *file = std::fopen("/proc/meminfo", "r");
    while (file != nullptr && std::fgets(row, sizeof(row), file) != nullptr)
        if (std::sscanf(row, "MemAvailable: %llu kB", &kib) == 1)
            break;
    if (file != nullptr)
        std::fclose(file);
    return kib * KIB;
}

/* False, with the reason in the report, when the machine has not half as much again to spare. */
bool room_for(State &state, size_t bytes)
{
    if (available_memory() > bytes + bytes / 2)
        return true;
    state.SkipWithError("not enough memory available");
    return false;
}

struct Chained {
    Chained *next;
};

Chained *grow(const Draws<uint32_t> &size, size_t bytes)
{
    Chained *chain = nullptr;
    size_t grown = 0;
    for (size_t i = 0; grown < bytes; i++) {
        Chained *block = static_cast<Chained *>(malloc(size.at(i)));
        touch(block, size.at(i));
        block->next = chain;
        chain = block;
        grown += size.at(i);
    }
    return chain;
}

void drop(Chained *chain)
{
    while (chain != nullptr) {
        Chained *next = chain->next;
        free(chain);
        chain = next;
    }
}

/* Frees all but every twentieth block, and returns the rest. */
Chained *thin_out(Chained *chain)
{
    Chained *kept = nullptr;
    for (size_t i = 0; chain != nullptr; i++) {
        Chained *next = chain->next;
        if (i % 20 == 0) {
            chain->next = kept;
            kept = chain;
        } else {
            free(chain);
        }
        chain = next;
    }
    return kept;
}

void pair_of_size(State &state, size_t size)
{
    for (auto _ : state) {
        for (int i = 0; i < 100; i++) {
            void *block = malloc(size);
            benchmark::DoNotOptimize(block);
            free(block);
        }
    }
    state.SetItemsProcessed(state.iterations() * 100);
}

void batch_of_size(State &state, size_t size)
{
    constexpr size_t COUNT = 32;
    void *blocks[COUNT];
    for (auto _ : state) {
        for (void *&block : blocks) {
            block = malloc(size);
            touch(block, 1);
        }
        for (void *block : blocks)
            free(block);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(COUNT));
}

/* So many blocks are allocated, and then all freed. */
template <size_t SIZE> void wave(State &state, const std::vector<uint32_t> &order)
{
    if (room_for(state, order.size() * (SIZE + 16)))
        batches(state, order, [](size_t) { return SIZE; });
}

template <size_t SIZE> void wave_in_order(State &state, size_t length)
{
    wave<SIZE>(state, first_in_first_out(length));
}

template <size_t SIZE> void wave_backwards(State &state, size_t length)
{
    wave<SIZE>(state, last_in_first_out(length));
}

template <size_t SIZE> void wave_at_random(State &state, size_t length)
{
    wave<SIZE>(state, shuffled(47, length));
}

/* A small working set, replaced at random, while `live` bytes lie in the heap untouched. */
void beside_live_heap(State &state, size_t live)
{
    constexpr size_t SLOTS = 10000, STEPS = 10000;
    if (!room_for(state, live))
        return;
    Draws<uint32_t> size = skewed_sizes(103, 16, KIB);
    Draws<uint32_t> slot = indices(107, SLOTS);
    Chained *chain = grow(size, live);
    std::vector<void *> slots(SLOTS);
    size_t step = 0;
    for (; step < 20 * SLOTS; step++) {
        free(slots[slot.at(step)]);
        slots[slot.at(step)] = malloc(size.at(step));
    }
    for (auto _ : state) {
        for (size_t i = 0; i < STEPS; i++, step++) {
            void *&block = slots[slot.at(step)];
            free(block);
            block = malloc(size.at(step));
            touch(block, 1);
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(STEPS));
    for (void *block : slots)
        free(block);
    drop(chain);
}

/* One working set after so many threads were created and have ended, each leaving a block behind.
 */
void after_threads(State &state, size_t ended)
{
    constexpr size_t SAMPLE = 100;
    Draws<uint32_t> size = skewed_sizes(109, 16, KIB);
    std::vector<void *> left(ended);
    auto live_shortly = [&](size_t seed) {
        void *blocks[100];
        for (size_t i = 0; i < 100; i++)
            blocks[i] = malloc(size.at(seed * 100 + i));
        for (size_t i = 1; i < 100; i++)
            free(blocks[i]);
        return blocks[0];
    };
    for (size_t i = 0; i < ended; i++)
        in_threads(1, [&](size_t) { left[i] = live_shortly(i); });
    for (auto _ : state)
        for (size_t i = 0; i < SAMPLE; i++)
            in_threads(1, [&](size_t) { free(live_shortly(i)); });
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(SAMPLE));
    for (void *block : left)
        free(block);
}

/* One thread allocates so many blocks, another frees them all; then the first allocates again. */
void remote_frees(State &state, size_t count)
{
    Draws<uint32_t> size = skewed_sizes(113, 16, 256);
    std::vector<void *> blocks(count);
    for (auto _ : state) {
        for (size_t i = 0; i < count; i++)
            blocks[i] = malloc(size.at(i));
        in_threads(1, [&](size_t) {
            for (void *block : blocks)
                free(block);
        });
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
}

/* So many threads have allocated a share of the blocks and wait; this one frees them in turn. */
void owners_in_turn(State &state, size_t owners)
{
    constexpr size_t COUNT = 1 << 16;
    std::vector<void *> blocks(COUNT);
    for (auto _ : state) {
        state.PauseTiming();
        std::mutex gate;
        std::atomic<size_t> ready{ 0 };
        std::vector<std::thread> threads;
        gate.lock();
        for (size_t owner = 0; owner < owners; owner++)
            threads.emplace_back([&, owner] {
                for (size_t i = owner; i < COUNT; i += owners)
                    blocks[i] = malloc(64);
                ready++;
                std::lock_guard<std::mutex> end(gate);
            });
        while (ready != owners)
            std::this_thread::yield();
        state.ResumeTiming();
        for (void *block : blocks)
            free(block);
        state.PauseTiming();
        gate.unlock();
        for (std::thread &thread : threads)
            thread.join();
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(COUNT));
}

/* barrow's private heaps; other allocators have none. */
struct HeapCalls {
    void *(*create)(uint32_t options, size_t initial, size_t maximum);
    int (*destroy)(void *heap);
    void *(*alloc)(void *heap, uint32_t flags, size_t size);
    int (*free)(void *heap, uint32_t flags, void *block);
};

bool find_heap_calls(State &state, HeapCalls &calls)
{
    *reinterpret_cast<void **>(&calls.create) = dlsym(RTLD_DEFAULT, "barrow_HeapCreate");
    *reinterpret_cast<void **>(&calls.destroy) = dlsym(RTLD_DEFAULT, "barrow_HeapDestroy");
    *reinterpret_cast<void **>(&calls.alloc) = dlsym(RTLD_DEFAULT, "barrow_HeapAlloc");
    *reinterpret_cast<void **>(&calls.free) = dlsym(RTLD_DEFAULT, "barrow_HeapFree");
    if (calls.create != nullptr)
        return true;
    state.SkipWithError("no private heaps");
    return false;
}

/* free() of a bounded heap's blocks, beside so many other heaps. */
void free_among_heaps(State &state, size_t count)
{
    constexpr size_t BLOCKS = 500;
    HeapCalls calls;
    if (!find_heap_calls(state, calls))
        return;
    std::vector<void *> heaps, blocks(BLOCKS);
    for (size_t i = 0; i < count; i++)
        heaps.push_back(calls.create(0, 0, 64 * KIB));
    for (auto _ : state) {
        for (size_t i = 0; i < BLOCKS; i++)
            blocks[i] = calls.alloc(heaps[count / 2], 0, 32);
        for (void *block : blocks)
            free(block);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(BLOCKS));
    for (void *heap : heaps)
        calls.destroy(heap);
}

/* A pair in each of so many shared heaps in turn. */
void heaps_in_turn(State &state, size_t count)
{
    constexpr size_t PAIRS = 1024;
    HeapCalls calls;
    if (!find_heap_calls(state, calls))
        return;
    std::vector<void *> heaps;
    for (size_t i = 0; i < count; i++) {
        heaps.push_back(calls.create(0, 0, 0));
        calls.free(heaps[i], 0, calls.alloc(heaps[i], 0, 40));
    }
    for (auto _ : state)
        for (size_t i = 0; i < PAIRS; i++) {
            void *heap = heaps[i % count];
            calls.free(heap, 0, calls.alloc(heap, 0, 40));
        }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(PAIRS));
    for (void *heap : heaps)
        calls.destroy(heap);
}

size_t address_space()
{
    unsigned long long pages = 0;
    std::FILE *file = std::fopen("/proc/self/statm", "r");
    if (file != nullptr && std::fscanf(file, "%llu", &pages) != 1)
        pages = 0;
    if (file != nullptr)
        std::fclose(file);
    return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

/* malloc fails, since the process has no more address space than these bytes of blocks take. */
void fail_at_limit(State &state, size_t bytes)
{
    constexpr size_t CALLS = 500, SIZE = 1000;
    struct rlimit before, limit;
    if (!room_for(state, bytes) || getrlimit(RLIMIT_AS, &before) != 0)
        return;
    limit = before;
    limit.rlim_cur = address_space() + bytes;
    setrlimit(RLIMIT_AS, &limit);
    Chained *chain = nullptr;
    while (void *block = malloc(SIZE)) {
        auto *link = static_cast<Chained *>(block);
        link->next = chain;
        chain = link;
    }
    for (auto _ : state)
        for (size_t i = 0; i < CALLS; i++)
            benchmark::DoNotOptimize(malloc(SIZE));
    setrlimit(RLIMIT_AS, &before);
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(CALLS));
    drop(chain);
}

/* malloc_trim(0) on a heap of which nineteen blocks in twenty were freed. */
void trim(State &state, size_t bytes)
{
    if (!room_for(state, bytes))
        return;
    Draws<uint32_t> size = skewed_sizes(127, 512, 2 * KIB);
    Chained *kept = thin_out(grow(size, bytes));
    for (auto _ : state)
        malloc_trim(0);
    state.SetItemsProcessed(static_cast<int64_t>(bytes / MIB));
    drop(kept);
}

/* Freeing all of a heap, block by block, from the last allocated to the first. */
void free_all(State &state, size_t bytes)
{
    if (!room_for(state, bytes))
        return;
    Draws<uint32_t> size = skewed_sizes(131, 64, KIB);
    for (auto _ : state) {
        state.PauseTiming();
        Chained *chain = grow(size, bytes);
        state.ResumeTiming();
        drop(chain);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(bytes / KIB));
}

/* Points of one curve; each does as many rounds of its size as make up `amount`, within bounds. */
template <typename Body>
void add_curve(const std::string &name, const std::string &unit, const std::string &about,
               const std::vector<size_t> &points, size_t amount, Body body)
{
    for (size_t x : points)
        add_point(name, static_cast<double>(x), unit, false, about,
                  static_cast<int64_t>(std::clamp<size_t>(amount / x, 1, 40000)),
                  [body, x](State &state) { body(state, x); });
}

/* The same number of rounds at each point. */
template <typename Body>
void add_even_curve(const std::string &name, const std::string &unit, const std::string &about,
                    const std::vector<size_t> &points, int64_t rounds, Body body)
{
    for (size_t x : points)
        add_point(name, static_cast<double>(x), unit, false, about, rounds,
                  [body, x](State &state) { body(state, x); });
}

std::vector<size_t> multiples(size_t first, size_t last, size_t factor)
{
    std::vector<size_t> points;
    for (size_t x = first; x <= last; x *= factor)
        points.push_back(x);
    return points;
}

/* Waves of 10 blocks and more, up to a million or 4 GiB. */
template <size_t SIZE> void add_waves()
{
    constexpr size_t PAIRS = 2000000;
    std::string name = "curve/wave-" + std::to_string(SIZE) + "-", unit = "blocks";
    std::string about = "so many blocks of " + std::to_string(SIZE) + " bytes, then all freed, ";
    std::vector<size_t> points = multiples(10, 1000000, 10);
    add_curve(name + "first", unit, about + "the first first", points, PAIRS, wave_in_order<SIZE>);
    add_curve(name + "last", unit, about + "the last first", points, PAIRS, wave_backwards<SIZE>);
    add_curve(name + "random", unit, about + "at random", points, PAIRS, wave_at_random<SIZE>);
}

} // namespace

void add_curves()
{
    const std::vector<size_t> heaps = { MIB, 8 * MIB, 64 * MIB, 512 * MIB, 2 * GIB, 8 * GIB };
    add_even_curve("curve/pair", "bytes", "a block of this size, freed at once",
                   multiples(16, 16 * MIB, 4), 20000, pair_of_size);
    add_curve("curve/batch", "bytes", "32 blocks of this size, then all freed",
              multiples(16, 4 * MIB, 4), 256 * MIB, batch_of_size);
    add_waves<16>();
    add_waves<64>();
    add_waves<1000>();
    add_waves<4096>();
    add_even_curve("curve/live-heap", "bytes live",
                   "a working set of up to 1 KiB beside a live heap", heaps, 500, beside_live_heap);
    add_curve("curve/free-all", "bytes live", "freeing all of a heap, for each KiB", heaps,
              256 * MIB, free_all);
    add_even_curve("curve/threads-ended", "threads", "a short thread after so many have ended",
                   multiples(1, 10000, 10), 20, after_threads);
    add_curve("curve/remote-frees", "blocks",
              "blocks freed by another thread, then allocated again",
              multiples(10000, 10000000, 10), 2000000, remote_frees);
    add_even_curve("curve/owners", "threads", "a block of each of so many threads, freed in turn",
                   multiples(1, 64, 2), 5, owners_in_turn);
    add_even_curve("curve/heaps", "heaps", "free() of a bounded heap's block, by their number",
                   multiples(10, 10000, 10), 500, free_among_heaps);
    add_even_curve("curve/heaps-in-turn", "heaps", "a pair in each of so many heaps in turn",
                   multiples(2, 64, 2), 50, heaps_in_turn);
    add_even_curve("curve/at-the-limit", "bytes live", "a malloc that fails, by what is live",
                   multiples(16 * MIB, GIB, 4), 20, fail_at_limit);
    add_even_curve("curve/trim", "bytes", "malloc_trim(0) after 19 in 20 were freed, for each MiB",
                   multiples(16 * MIB, GIB, 4), 1, trim);
}

} // namespace bench
