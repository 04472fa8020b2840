/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks of private heaps share: the Heap functions, found when the program runs, so
 * that plain malloc can be any allocator's; and comparing two ways to do the same work.
 */
#ifndef BARROW_BENCH_HEAPS_H
#define BARROW_BENCH_HEAPS_H

#include "../micro/lines.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <mutex>

namespace heaps
{

using bench::Draws;
using bench::GIB;
using bench::KIB;
using bench::MIB;
using benchmark::State;

/* The library's functions, called through pointers as they would be through a PLT. */
struct Api {
    void *(*create)(uint32_t options, size_t initial, size_t maximum);
    int (*destroy)(void *heap);
    void *(*alloc)(void *heap, uint32_t flags, size_t size);
    int (*free)(void *heap, uint32_t flags, void *block);
};
extern Api api;

/* Of the library that is preloaded, else of the one that BARROW_BENCH_HEAPS_LIBRARY names. */
bool load_api();

constexpr uint32_t NO_SERIALIZE = 1;

/* The calling thread's processor time: on a busy machine the clock on the wall says little. */
inline double seconds()
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <typename Work> double seconds_of(Work work)
{
    double start = seconds();
    work();
    return seconds() - start;
}

/* ---- where blocks come from ------------------------------------------------------------------ */

struct Malloc {
    void *get(size_t size)
    {
        return malloc(size);
    }

    void put(void *block)
    {
        free(block);
    }
};

class Heap
{
  public:
    explicit Heap(uint32_t options, size_t maximum = 0) : heap(api.create(options, 0, maximum)) {}

    ~Heap()
    {
        api.destroy(heap);
    }

    Heap(const Heap &) = delete;
    Heap &operator=(const Heap &) = delete;

    void *get(size_t size)
    {
        return api.alloc(heap, 0, size);
    }

    void put(void *block)
    {
        api.free(heap, 0, block);
    }

  private:
    void *heap;
};

/* What a program would do with a source that serves one thread only. */
template <typename Source> class Locked
{
  public:
    explicit Locked(Source &of) : source(of) {}

    void *get(size_t size)
    {
        std::lock_guard<std::mutex> guard(mutex);
        return source.get(size);
    }

    void put(void *block)
    {
        std::lock_guard<std::mutex> guard(mutex);
        source.put(block);
    }

  private:
    Source &source;
    std::mutex mutex;
};

/* ---- patterns -------------------------------------------------------------------------------- */

struct Size {
    size_t blocks;        /* at once */
    uint32_t least, most; /* their sizes, when they differ */
};

constexpr Size ORDINARY = { 1000, 16, 1024 };
constexpr Size SMALL = { 100, 16, 512 }; /* fits into a heap of 64 KiB */
constexpr size_t STEPS = 10000;          /* pairs of get and put in a turn */
constexpr size_t BLOCK = 64;

template <typename Source> void pair(Source &source)
{
    for (size_t i = 0; i < STEPS; i++) {
        void *block = source.get(BLOCK);
        benchmark::DoNotOptimize(block);
        source.put(block);
    }
}

template <typename Source> void batch(Source &source, const Size &size)
{
    static thread_local void *blocks[1000];
    for (size_t done = 0; done < STEPS; done += size.blocks) {
        for (size_t i = 0; i < size.blocks; i++)
            blocks[i] = source.get(BLOCK);
        for (size_t i = 0; i < size.blocks; i++)
            source.put(blocks[i]);
    }
}

/* A working set of random sizes, one of its blocks replaced at each step. */
template <typename Source> void mixed(Source &source, const Size &size)
{
    static thread_local void *slots[1000];
    static const Draws<uint32_t> ordinary = bench::skewed_sizes(1, ORDINARY.least, ORDINARY.most);
    static const Draws<uint32_t> small = bench::skewed_sizes(1, SMALL.least, SMALL.most);
    static const Draws<uint32_t> places = bench::indices(2, ORDINARY.blocks);
    const Draws<uint32_t> &sizes = size.blocks == SMALL.blocks ? small : ordinary;
    for (size_t i = 0; i < size.blocks; i++)
        slots[i] = source.get(sizes.at(i));
    for (size_t i = 0; i < STEPS; i++) {
        void *&slot = slots[places.at(i) % size.blocks];
        source.put(slot);
        slot = source.get(sizes.at(i));
    }
    for (size_t i = 0; i < size.blocks; i++)
        source.put(slots[i]);
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* Both take turns and say how many seconds theirs took; the best turns are compared, since a busy
 * machine only ever adds time. `ns` and `ns_other` are for one of `count` operations. */
template <typename Ours, typename Other>
void compare(State &state, size_t count, Ours ours, Other other)
{
    double best = 1e9, best_other = 1e9;
    ours();
    other();
    for (auto _ : state) {
        double took = ours();
        best = std::min(best, took);
        best_other = std::min(best_other, other());
        state.SetIterationTime(took);
    }
    state.counters["ratio"] = best / best_other;
    state.counters["ns"] = 1e9 * best / static_cast<double>(count);
    state.counters["ns_other"] = 1e9 * best_other / static_cast<double>(count);
}

template <typename Body> void add(const std::string &name, int64_t turns, Body body)
{
    benchmark::RegisterBenchmark(name.c_str(), body)
        ->Iterations(bench::scaled(turns))
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
}

void add_pattern_lines();
void add_whole_lines();
void add_thread_lines();

} // namespace heaps

#endif
