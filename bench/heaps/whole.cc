/* SPDX-License-Identifier: MIT */
/* Heaps that are made, filled and thrown away as a whole; and where their blocks lie. */
#include "heaps.h"

namespace heaps
{
namespace
{

constexpr size_t MILLION = 1000000;

/* Destroying a million blocks, against allocating and freeing as many. */
void destroy_million(State &state, uint32_t options)
{
    std::vector<void *> blocks(MILLION);
    compare(
        state, MILLION,
        [options] {
            void *heap = api.create(options, 0, 0);
            for (size_t i = 0; i < MILLION; i++)
                benchmark::DoNotOptimize(api.alloc(heap, 0, 48));
            return seconds_of([heap] { api.destroy(heap); });
        },
        [&blocks] {
            return seconds_of([&blocks] {
                for (void *&block : blocks)
                    block = malloc(48);
                for (void *block : blocks)
                    free(block);
            });
        });
}

/* A heap made for a hundred blocks, against a hundred of malloc and free. */
void hundred(State &state, uint32_t options, const Draws<uint32_t> &sizes)
{
    constexpr size_t BLOCKS = 100, ROUNDS = 50;
    void *blocks[BLOCKS];
    compare(
        state, ROUNDS,
        [&] {
            return seconds_of([&] {
                for (size_t round = 0; round < ROUNDS; round++) {
                    void *heap = api.create(options, 0, 0);
                    for (size_t i = 0; i < BLOCKS; i++)
                        benchmark::DoNotOptimize(api.alloc(heap, 0, sizes.at(i)));
                    api.destroy(heap);
                }
            });
        },
        [&] {
            return seconds_of([&] {
                for (size_t round = 0; round < ROUNDS; round++) {
                    for (size_t i = 0; i < BLOCKS; i++)
                        blocks[i] = malloc(sizes.at(i));
                    for (void *block : blocks)
                        free(block);
                }
            });
        });
}

struct Node {
    Node *next;
    size_t value;
};

/* malloc and free at random beside the work that is measured. */
class Churn
{
  public:
    Churn() : blocks(100000) {}

    ~Churn()
    {
        for (void *block : blocks)
            free(block);
    }

    void step()
    {
        void *&block = blocks[random.below(static_cast<uint32_t>(blocks.size()))];
        free(block);
        block = malloc(bench::skewed(random, 16, 512));
    }

  private:
    std::vector<void *> blocks;
    bench::Random random{ 7 };
};

/* Each node is put in front, amid the churn. */
template <typename Source> Node *make_list(Source &source)
{
    Churn churn;
    Node *first = nullptr;
    for (size_t i = 0; i < MILLION; i++) {
        churn.step();
        auto *node = static_cast<Node *>(source.get(sizeof(Node)));
        *node = { first, i };
        first = node;
    }
    return first;
}

double walk(const Node *node)
{
    return seconds_of([node] {
        size_t sum = 0;
        for (const Node *at = node; at != nullptr; at = at->next)
            sum += at->value;
        benchmark::DoNotOptimize(sum);
    });
}

void list_walk(State &state)
{
    Heap heap(NO_SERIALIZE);
    Malloc plain;
    Node *ours = make_list(heap), *other = make_list(plain);
    compare(
        state, MILLION, [ours] { return walk(ours); }, [other] { return walk(other); });
    for (Node *next; other != nullptr; other = next) {
        next = other->next;
        plain.put(other);
    }
}

void add_hundred(const std::string &name, uint32_t options)
{
    static const Draws<uint32_t> even([] { return 48; });
    static const Draws<uint32_t> mixed = bench::skewed_sizes(3, 16, 512);
    add("create, 100 blocks of 48 bytes, destroy/" + name, 100,
        [options](State &state) { hundred(state, options, even); });
    add("create, 100 blocks of 16..512 bytes, destroy/" + name, 100,
        [options](State &state) { hundred(state, options, mixed); });
}

} // namespace

void add_whole_lines()
{
    add("destroy a million blocks/no_serialize", 8,
        [](State &state) { destroy_million(state, NO_SERIALIZE); });
    add("destroy a million blocks/serialized", 8, [](State &state) { destroy_million(state, 0); });
    add_hundred("no_serialize", NO_SERIALIZE);
    add_hundred("serialized", 0);
    add("walk a list of a million nodes/no_serialize", 20, list_walk);
}

} // namespace heaps
