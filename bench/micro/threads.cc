/* SPDX-License-Identifier: MIT */
/* Several threads: alone with their blocks, handing them on, ending, and sharing cache lines. */
#include "lines.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

namespace bench
{
namespace
{

using benchmark::State;

size_t cores()
{
    return std::max(1u, std::thread::hardware_concurrency());
}

/* A bounded queue between one producer and one consumer; who has to wait gives up its turn. */
class Queue
{
  public:
    void push(void *block)
    {
        size_t at = tail.load(std::memory_order_relaxed);
        while (at - head.load(std::memory_order_acquire) == LENGTH)
            std::this_thread::yield();
        slots[at % LENGTH] = block;
        tail.store(at + 1, std::memory_order_release);
    }

    void *pop()
    {
        size_t at = head.load(std::memory_order_relaxed);
        while (at == tail.load(std::memory_order_acquire))
            std::this_thread::yield();
        void *block = slots[at % LENGTH];
        head.store(at + 1, std::memory_order_release);
        return block;
    }

  private:
    static constexpr size_t LENGTH = 4096;
    alignas(64) std::atomic<size_t> head{ 0 };
    alignas(64) std::atomic<size_t> tail{ 0 };
    alignas(64) void *slots[LENGTH];
};

/* In each pair one thread only allocates and the other only frees. */
void producers_and_consumers(State &state, size_t pairs)
{
    constexpr size_t BLOCKS = 400000;
    Draws<uint32_t> size = skewed_sizes(67, 16, KIB);
    std::vector<Queue> queues(pairs);
    auto work = [&](size_t thread) {
        Queue &queue = queues[thread / 2];
        for (size_t i = 0; i < BLOCKS / pairs; i++) {
            if (thread % 2 == 0) {
                void *block = malloc(size.at(i));
                touch(block, size.at(i));
                queue.push(block);
            } else {
                free(queue.pop());
            }
        }
    };
    for (auto _ : state)
        in_threads(2 * pairs, work);
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(BLOCKS));
}

/* All threads share one table: each puts a fresh block into a random slot, and frees what it finds.
 */
void exchange(State &state, size_t threads)
{
    constexpr size_t SLOTS = 4096, STEPS = 400000;
    Draws<uint32_t> size = skewed_sizes(71, 16, KIB);
    Draws<uint32_t> slot = indices(73, SLOTS);
    std::vector<std::atomic<void *>> table(SLOTS);
    auto work = [&](size_t thread) {
        for (size_t i = thread * 1000; i < thread * 1000 + STEPS / threads; i++) {
            void *block = malloc(size.at(i));
            touch(block, size.at(i));
            free(table[slot.at(i * 7 + thread)].exchange(block));
        }
    };
    for (auto _ : state)
        in_threads(threads, work);
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(STEPS));
    for (auto &each : table)
        free(each.load());
}

/*
 * Bleeding: a thread works on a table of live blocks for a while, starts a successor that takes the
 * table over, and ends. So most blocks are freed by another thread than allocated them, and that
 * thread is gone by then.
 */
void bleeding(State &state, size_t chains)
{
    constexpr size_t LIVE = 1000, STEPS = 2000, GENERATIONS = 100;
    Draws<uint32_t> size = skewed_sizes(79, 16, KIB);
    Draws<uint32_t> slot = indices(83, LIVE);
    std::vector<std::vector<void *>> tables(chains, std::vector<void *>(LIVE));
    for (auto _ : state) {
        for (size_t generation = 0; generation < GENERATIONS; generation++) {
            in_threads(chains, [&](size_t chain) {
                for (size_t i = 0, step = generation * STEPS; i < STEPS; i++, step++) {
                    void *&block = tables[chain][slot.at(step)];
                    free(block);
                    block = malloc(size.at(step));
                    touch(block, size.at(step));
                }
            });
        }
    }
    state.SetItemsProcessed(state.iterations() *
                            static_cast<int64_t>(chains * STEPS * GENERATIONS));
    for (auto &table : tables)
        for (void *block : table)
            free(block);
}

/* Threads that live for a hundred blocks; `left` of them outlive the thread and are freed here. */
void short_threads(State &state, size_t left)
{
    constexpr size_t THREADS = 500, BLOCKS = 100;
    Draws<uint32_t> size = skewed_sizes(89, 16, KIB);
    std::vector<void *> survivors(left);
    for (auto _ : state) {
        for (size_t thread = 0; thread < THREADS; thread++) {
            in_threads(1, [&](size_t) {
                void *blocks[BLOCKS];
                for (size_t i = 0; i < BLOCKS; i++)
                    blocks[i] = malloc(size.at(thread * BLOCKS + i));
                std::copy(blocks, blocks + left, survivors.begin());
                for (size_t i = left; i < BLOCKS; i++)
                    free(blocks[i]);
            });
            for (void *block : survivors)
                free(block);
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(THREADS));
}

/* A lot of stores into one small block: slow when another thread's block lies on the same line. */
void write_often(void *block)
{
    volatile char *byte = static_cast<char *>(block);
    for (int i = 0; i < 200; i++)
        byte[0] = static_cast<char>(byte[0] + 1);
}

/*
 * False sharing. Active: each thread's own blocks may share lines with the other threads'. Passive:
 * the first block of each thread was allocated by one thread, side by side, and the thread frees
 * it, which must not lead to more of that kind.
 */
void false_sharing(State &state, bool passive)
{
    constexpr size_t STEPS = 100000, SIZE = 8;
    size_t threads = std::max<size_t>(2, cores());
    std::vector<void *> first(threads);
    for (auto _ : state) {
        if (passive)
            for (void *&block : first)
                block = malloc(SIZE);
        in_threads(threads, [&](size_t thread) {
            if (passive) {
                write_often(first[thread]);
                free(first[thread]);
            }
            for (size_t i = 0; i < STEPS; i++) {
                void *block = malloc(SIZE);
                write_often(block);
                free(block);
            }
        });
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(threads * STEPS));
}

/* The same work in all, split among the threads, each with a working set of its own. */
void split_set(State &state, size_t threads, size_t slot_count, size_t largest, size_t steps)
{
    Draws<uint32_t> size = skewed_sizes(97, 16, largest);
    Draws<uint32_t> slot = indices(101, slot_count);
    for (auto _ : state) {
        in_threads(threads, [&](size_t thread) {
            std::vector<void *> slots(slot_count);
            for (size_t i = 0, step = thread * 1000; i < steps / threads; i++, step++) {
                void *&block = slots[slot.at(step)];
                free(block);
                block = malloc(size.at(step));
                touch(block, size.at(step));
            }
            for (void *block : slots)
                free(block);
        });
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(steps));
}

void split_batches(State &state, size_t threads)
{
    constexpr size_t BATCH = 1000, BATCHES = 4000;
    for (auto _ : state) {
        in_threads(threads, [&](size_t) {
            std::vector<void *> blocks(BATCH);
            for (size_t done = 0; done < BATCHES / threads; done++) {
                for (void *&block : blocks)
                    block = malloc(64);
                for (void *block : blocks)
                    free(block);
            }
        });
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(BATCH * BATCHES));
}

template <typename Body>
void add_by_threads(const std::string &name, const std::string &about, int64_t rounds, Body body)
{
    for (size_t count : thread_counts())
        add_point(name, static_cast<double>(count), "threads", true, about, rounds,
                  [body, count](State &state) { body(state, count); });
}

} // namespace

void add_thread_lines()
{
    add("hand-over/one", "one thread allocates 400,000 blocks up to 1 KiB, another frees them", 4,
        [](State &state) { producers_and_consumers(state, 1); });
    add("hand-over/cores", "pairs of threads, one a processor: one allocates, the other frees", 8,
        [](State &state) { producers_and_consumers(state, cores()); });
    add("bleeding/one", "100 threads in turn, each takes over 1000 live blocks from the last", 40,
        [](State &state) { bleeding(state, 1); });
    add("bleeding/cores", "as many such chains of threads as there are processors", 16,
        [](State &state) { bleeding(state, cores()); });
    add("short-threads/clean", "500 threads in turn, each allocates and frees 100 blocks", 16,
        [](State &state) { short_threads(state, 0); });
    add("short-threads/left", "500 threads in turn, each leaves 50 of its 100 blocks behind", 12,
        [](State &state) { short_threads(state, 50); });
    add("sharing/active", "each thread writes often into blocks of 8 bytes of its own", 20,
        [](State &state) { false_sharing(state, false); });
    add("sharing/passive",
        "each thread writes often into blocks, the first from one thread for all", 20,
        [](State &state) { false_sharing(state, true); });
    add_by_threads("exchange",
                   "a fresh block swapped into a shared table, the old one freed by any thread", 15,
                   exchange);
    add_by_threads("threads/batch", "batches of 1000 blocks of 64 bytes, split among threads", 3,
                   split_batches);
    add_by_threads(
        "threads/1KiB", "working sets of 10,000 blocks up to 1 KiB, split among threads", 10,
        [](State &state, size_t count) { split_set(state, count, 10000, KIB, 1000000); });
    add_by_threads(
        "threads/64KiB", "working sets of 1000 blocks up to 64 KiB, split among threads", 8,
        [](State &state, size_t count) { split_set(state, count, 1000, 64 * KIB, 400000); });
}

} // namespace bench
