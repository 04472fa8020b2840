/* SPDX-License-Identifier: MIT */
/* Memory that grows: vectors by realloc, fresh blocks, and large blocks that come and go. */
#include "lines.h"

#include <cstdlib>

namespace bench
{
namespace
{

using benchmark::State;

struct Vector {
    char *bytes = nullptr;
    size_t capacity = 0;

    /* Grows and uses what is new, so that each page is paid for once. */
    void grow(size_t wanted)
    {
        bytes = static_cast<char *>(realloc(bytes, wanted));
        touch(bytes + capacity, wanted - capacity);
        capacity = wanted;
    }

    void drop()
    {
        free(bytes);
        *this = Vector();
    }
};

size_t half_more(size_t capacity, size_t limit)
{
    size_t wanted = capacity + capacity / 2;
    return wanted < limit ? wanted : limit;
}

void one_vector(State &state)
{
    for (auto _ : state) {
        Vector vector;
        vector.grow(64);
        while (vector.capacity < GIB)
            vector.grow(half_more(vector.capacity, GIB));
        vector.drop();
    }
}

void by_steps(State &state)
{
    for (auto _ : state) {
        Vector vector;
        for (size_t size = MIB; size <= 64 * MIB; size += MIB)
            vector.grow(size);
        vector.drop();
    }
}

void many_vectors(State &state, size_t count, size_t first, size_t last)
{
    std::vector<Vector> vectors(count);
    for (auto _ : state) {
        for (Vector &each : vectors)
            each.grow(first);
        while (vectors[0].capacity < last)
            for (Vector &each : vectors)
                each.grow(half_more(each.capacity, last));
        for (Vector &each : vectors)
            each.drop();
    }
}

/* Blocks strung together by their first word, so that the growth needs no table beside it. */
struct Chained {
    Chained *next;
};

void drop_chain(Chained *chain)
{
    while (chain != nullptr) {
        Chained *next = chain->next;
        free(chain);
        chain = next;
    }
}

/* Only the growth is timed. One round in a process: the next would not find the memory fresh. */
void fresh(State &state, size_t total, size_t smallest, size_t largest)
{
    Draws<uint32_t> size = skewed_sizes(43, smallest, largest);
    Chained *chain = nullptr;
    for (auto _ : state) {
        size_t grown = 0;
        for (size_t i = 0; grown < total; i++) {
            Chained *block = static_cast<Chained *>(malloc(size.at(i)));
            touch(block, size.at(i));
            block->next = chain;
            chain = block;
            grown += size.at(i);
        }
    }
    drop_chain(chain);
}

/* Large blocks in turn: `live` of them at a time, each used and freed again. */
void cycle(State &state, size_t live)
{
    constexpr size_t STEPS = 1000;
    Draws<uint32_t> size = skewed_sizes(47, 64 * KIB, 4 * MIB);
    std::vector<void *> blocks(live);
    size_t step = 0;
    for (auto _ : state) {
        for (size_t i = 0; i < STEPS; i++, step++) {
            void *&block = blocks[step % live];
            free(block);
            block = malloc(size.at(step));
            touch(block, size.at(step));
        }
    }
    state.SetItemsProcessed(state.iterations() * STEPS);
    for (void *block : blocks)
        free(block);
}

} // namespace

void add_growth_lines()
{
    add("realloc/one", "one vector grown by half each time from 64 bytes to 1 GiB", 1, one_vector);
    add("realloc/steps", "one buffer grown by 1 MiB each time to 64 MiB", 3, by_steps);
    add("realloc/many",
        "64 vectors in turn, each grown by half from 1 KiB to 16 MiB (1 GiB in all)", 1,
        [](State &state) { many_vectors(state, 64, KIB, 16 * MIB); });
    add("realloc/small", "10,000 vectors in turn, each grown by half from 16 bytes to 4 KiB", 20,
        [](State &state) { many_vectors(state, 10000, 16, 4 * KIB); });
    add("fresh/1KiB", "growth to 256 MiB in blocks of skewed sizes from 16 bytes to 1 KiB", 1,
        [](State &state) { fresh(state, 256 * MIB, 16, KIB); });
    add("fresh/64KiB", "growth to 512 MiB in blocks of 1 to 64 KiB", 1,
        [](State &state) { fresh(state, 512 * MIB, KIB, 64 * KIB); });
    add("fresh/4MiB", "growth to 512 MiB in blocks of 64 KiB to 4 MiB", 1,
        [](State &state) { fresh(state, 512 * MIB, 64 * KIB, 4 * MIB); });
    add("cycle/one", "a block of 64 KiB to 4 MiB, used and freed at once", 200,
        [](State &state) { cycle(state, 1); });
    add("cycle/sixteen", "16 blocks of 64 KiB to 4 MiB, the oldest replaced each time", 20,
        [](State &state) { cycle(state, 16); });
}

} // namespace bench
