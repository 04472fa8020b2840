/* SPDX-License-Identifier: MIT */
/* One thread, blocks that come and go: pairs, batches, working sets, calloc, alignment, C++. */
#include "lines.h"

#include <cstdlib>
#include <string>
#include <unordered_map>

namespace bench
{
namespace
{

using benchmark::State;

constexpr size_t STEPS = 10000; /* steps in a round of a pair or of a working set */

void pairs(State &state, size_t size)
{
    for (auto _ : state) {
        for (size_t i = 0; i < STEPS; i++) {
            void *block = malloc(size);
            touch(block, size);
            free(block);
        }
    }
    state.SetItemsProcessed(state.iterations() * STEPS);
}

/* A working set: at each step a slot drawn at random is freed and filled again by `get`. */
template <typename Get> void replace_at_random(State &state, size_t slot_count, Get get)
{
    Draws<uint32_t> slot = indices(7, slot_count);
    std::vector<void *> slots(slot_count);
    size_t step = 0;
    for (void *&each : slots)
        each = get(step++);
    for (auto _ : state) {
        for (size_t i = 0; i < STEPS; i++, step++) {
            void *&chosen = slots[slot.at(step)];
            free(chosen);
            chosen = get(step);
        }
    }
    state.SetItemsProcessed(state.iterations() * STEPS);
    for (void *each : slots)
        free(each);
}

void working_set(State &state, size_t slot_count, size_t largest)
{
    Draws<uint32_t> size = skewed_sizes(11, 16, largest);
    replace_at_random(state, slot_count, [&](size_t step) {
        void *block = malloc(size.at(step));
        touch(block, size.at(step));
        return block;
    });
}

void zeroed_set(State &state, size_t slot_count, size_t smallest, size_t largest)
{
    Draws<uint32_t> size = skewed_sizes(13, smallest, largest);
    replace_at_random(state, slot_count, [&](size_t step) {
        void *block = calloc(1, size.at(step));
        touch(block, size.at(step));
        return block;
    });
}

void aligned_set(State &state)
{
    Draws<uint32_t> size = skewed_sizes(17, 16, 4 * KIB);
    Random random(19);
    Draws<uint32_t> alignment([&] { return size_t(32) << random.below(8); });
    replace_at_random(state, 4096, [&](size_t step) {
        void *block = nullptr;
        if (posix_memalign(&block, alignment.at(step), size.at(step)) != 0)
            abort();
        touch(block, size.at(step));
        return block;
    });
}

/* A table of words, built, thinned out and dropped, as C++ programs do it. */
void containers(State &state)
{
    constexpr size_t WORDS = 20000;
    for (auto _ : state) {
        std::unordered_map<std::string, std::vector<uint32_t>> table;
        Random random(23);
        for (uint32_t i = 0; i < 3 * WORDS; i++) {
            std::string word = "a word of some length, number ";
            word += std::to_string(random.below(WORDS));
            table[word].push_back(i);
        }
        for (auto entry = table.begin(); entry != table.end();)
            entry = entry->second.size() > 2 ? table.erase(entry) : std::next(entry);
        benchmark::DoNotOptimize(table.size());
    }
    state.SetItemsProcessed(state.iterations() * 3 * WORDS);
}

void add_pairs()
{
    for (size_t size : { 64, 4096, 32768 })
        add("pair/" + std::to_string(size),
            "a block of " + std::to_string(size) + " bytes, freed at once", 1500,
            [size](State &state) { pairs(state, size); });
}

void add_batches()
{
    constexpr size_t BLOCKS = 1000;
    auto of_64 = [](size_t) { return size_t(64); };
    add("batch/lifo", "1000 blocks of 64 bytes, the last allocated freed first", 20000,
        [=](State &state) { batches(state, last_in_first_out(BLOCKS), of_64); });
    add("batch/fifo", "1000 blocks of 64 bytes, the first allocated freed first", 20000,
        [=](State &state) { batches(state, first_in_first_out(BLOCKS), of_64); });
    add("batch/random", "1000 blocks of 64 bytes, freed in random order", 20000,
        [=](State &state) { batches(state, shuffled(29, BLOCKS), of_64); });
    add("batch/large", "100,000 blocks of 64 bytes, freed in random order", 80,
        [=](State &state) { batches(state, shuffled(31, 100 * BLOCKS), of_64); });
    add("batch/sizes", "1000 blocks of skewed sizes up to 1 KiB, freed in random order", 15000,
        [](State &state) {
            Draws<uint32_t> size = skewed_sizes(37, 16, KIB);
            batches(state, shuffled(41, BLOCKS), [&](size_t i) { return size.at(i); });
        });
    add("batch/4096", "100 blocks of 4 KiB, the first allocated freed first", 20000,
        [](State &state) {
            batches(state, first_in_first_out(100), [](size_t) { return size_t(4096); });
        });
}

/* No length is chosen to fit a cache, and each line does about two million pairs. */
void add_waves()
{
    constexpr size_t PAIRS = 2000000;
    for (size_t size : { 64, 1000 })
        for (size_t length : { 1000, 5000, 50000, 1000000 }) {
            std::string name = "wave/" + std::to_string(size) + "/" + std::to_string(length);
            std::string about = std::to_string(length) + " blocks of " + std::to_string(size) +
                                " bytes, freed in random order";
            add(name, about, static_cast<int64_t>(PAIRS / length), [=](State &state) {
                batches(state, shuffled(43, length), [=](size_t) { return size; });
            });
        }
}

void add_sets()
{
    add("set/1KiB", "16,384 slots of skewed sizes up to 1 KiB, replaced at random", 1000,
        [](State &state) { working_set(state, 16384, KIB); });
    add("set/1KiB-wide", "200,000 slots of skewed sizes up to 1 KiB, replaced at random", 600,
        [](State &state) { working_set(state, 200000, KIB); });
    add("set/64KiB", "4096 slots of skewed sizes up to 64 KiB, replaced at random", 300,
        [](State &state) { working_set(state, 4096, 64 * KIB); });
    add("set/4MiB", "256 slots of skewed sizes up to 4 MiB, replaced at random", 12,
        [](State &state) { working_set(state, 256, 4 * MIB); });
}

} // namespace

void add_single_lines()
{
    add_pairs();
    add_batches();
    add_waves();
    add_sets();
    add("calloc/1KiB", "4096 slots of skewed sizes up to 1 KiB from calloc, replaced at random",
        400, [](State &state) { zeroed_set(state, 4096, 16, KIB); });
    add("calloc/4MiB", "16 slots of 64 KiB to 4 MiB from calloc, replaced at random", 1,
        [](State &state) { zeroed_set(state, 16, 64 * KIB, 4 * MIB); });
    add("aligned", "4096 slots of up to 4 KiB, aligned to 32 bytes up to 4 KiB, replaced at random",
        400, aligned_set);
    add("containers", "a C++ hash table from strings to vectors, built, thinned out, dropped", 30,
        containers);
}

} // namespace bench
