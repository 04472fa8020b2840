/* SPDX-License-Identifier: MIT */
/*
 * What the benchmark lines share: their registration, and the random draws they are made of.
 *
 * A line does a fixed number of rounds, never "as many as fit into a second": so each allocator has
 * the same work to do, and its peak of resident memory can be compared as well as its time.
 */
#ifndef BARROW_BENCH_LINES_H
#define BARROW_BENCH_LINES_H

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bench
{

constexpr size_t KIB = 1024;
constexpr size_t MIB = 1024 * KIB;
constexpr size_t GIB = 1024 * MIB;
constexpr size_t PAGE = 4096;

/* xorshift64*: small, quick, and the same draws in every run. */
class Random
{
  public:
    explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 1) {}

    uint32_t next()
    {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return static_cast<uint32_t>((state * 0x2545F4914F6CDD1Du) >> 32);
    }

    uint32_t below(uint32_t limit)
    {
        return static_cast<uint32_t>((static_cast<uint64_t>(next()) * limit) >> 32);
    }

    double unit()
    {
        return next() / 4294967296.0;
    }

  private:
    uint64_t state;
};

/*
 * A size between low and high, small ones more likely: the doublings from low to high are equally
 * wide, and half of the draws fall into the lowest quarter of them.
 */
size_t skewed(Random &random, size_t low, size_t high);

/* A table of draws, its length a power of two, to be walked round and round by at(). */
template <typename T> class Draws
{
  public:
    template <typename Draw> explicit Draws(Draw draw, size_t count = 1 << 14) : values(count)
    {
        for (T &value : values)
            value = static_cast<T>(draw());
    }

    T at(size_t i) const
    {
        return values[i & (values.size() - 1)];
    }

  private:
    std::vector<T> values;
};

Draws<uint32_t> skewed_sizes(uint64_t seed, size_t low, size_t high);
Draws<uint32_t> indices(uint64_t seed, size_t limit);

/* 0 .. count - 1 in three orders; the last is random. */
std::vector<uint32_t> first_in_first_out(size_t count);
std::vector<uint32_t> last_in_first_out(size_t count);
std::vector<uint32_t> shuffled(uint64_t seed, size_t count);

/* Use the block as a program would at least: one store in each page, and one in its last byte. */
inline void touch(void *block, size_t size)
{
    volatile char *bytes = static_cast<char *>(block);
    for (size_t i = 0; i < size; i += PAGE)
        bytes[i] = 1;
    bytes[size - 1] = 1;
}

/* Runs work(0) .. work(count - 1), each in a thread of its own, and waits for them. */
template <typename Work> void in_threads(size_t count, Work work)
{
    std::vector<std::thread> threads;
    threads.reserve(count);
    for (size_t i = 0; i < count; i++)
        threads.emplace_back(work, i);
    for (std::thread &thread : threads)
        thread.join();
}

/* 1, 2, 4 ... up to twice the number of processors. */
std::vector<size_t> thread_counts();

struct Line {
    std::string name;
    std::string about;
    std::string curve;   /* the curve that this line is a point of, or empty */
    double x = 0;        /* where on that curve */
    std::string x_unit;  /* "bytes", "threads" ... */
    bool counted = true; /* stands in the geometric means; the points of long curves do not */
};

/* Every line registered so far, in order. */
std::vector<Line> &registry();

/* What --scale multiplies the number of rounds by. */
double &scale();

int64_t scaled(int64_t rounds);

/* Adds a line: `body` is called once with a state of `rounds` rounds (times --scale). */
template <typename Body> void add(Line line, int64_t rounds, Body body)
{
    benchmark::RegisterBenchmark(line.name.c_str(), body)
        ->Iterations(scaled(rounds))
        ->UseRealTime()
        ->MeasureProcessCPUTime()
        ->Unit(benchmark::kMillisecond);
    registry().push_back(std::move(line));
}

template <typename Body>
void add(const std::string &name, const std::string &about, int64_t rounds, Body body)
{
    Line line;
    line.name = name;
    line.about = about;
    add(std::move(line), rounds, body);
}

/* "64KiB" for 65536 of a unit that begins with "bytes", else the number. */
std::string point_name(double x, const std::string &unit);

/* One point of a curve. */
template <typename Body>
void add_point(const std::string &curve, double x, const std::string &unit, bool counted,
               const std::string &about, int64_t rounds, Body body)
{
    Line line;
    line.name = curve + "/" + point_name(x, unit);
    line.about = about;
    line.curve = curve;
    line.x = x;
    line.x_unit = unit;
    line.counted = counted;
    add(std::move(line), rounds, body);
}

void add_single_lines();
void add_growth_lines();
void add_locality_lines();
void add_thread_lines();
void add_curves();
void add_win32_curves();

/* Allocates as many blocks as `order` is long and frees them in that order. */
template <typename Size>
void batches(benchmark::State &state, const std::vector<uint32_t> &order, Size size)
{
    std::vector<void *> blocks(order.size());
    for (auto _ : state) {
        for (size_t i = 0; i < blocks.size(); i++) {
            blocks[i] = malloc(size(i));
            touch(blocks[i], 1);
        }
        for (uint32_t i : order)
            free(blocks[i]);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(order.size()));
}

} // namespace bench

#endif
