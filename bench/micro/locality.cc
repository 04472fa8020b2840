/* SPDX-License-Identifier: MIT */
/* What churn leaves behind: fragmentation and its reuse, and how near to each other new blocks lie.
 */
#include "lines.h"

#include <cstdlib>
#include <map>

namespace bench
{
namespace
{

using benchmark::State;

/* Keeps `bytes` live in blocks of one range of sizes, then lets nine in ten go, at random. */
class Phase
{
  public:
    void fill(size_t bytes, size_t smallest, size_t largest)
    {
        for (size_t grown = 0; grown < bytes;) {
            size_t size = skewed(random, smallest, largest);
            blocks.push_back(malloc(size));
            touch(blocks.back(), size);
            grown += size;
        }
    }

    void thin_out()
    {
        size_t kept = 0;
        for (void *block : blocks) {
            if (random.below(10) == 0)
                blocks[kept++] = block;
            else
                free(block);
        }
        blocks.resize(kept);
    }

    void clear()
    {
        for (void *block : blocks)
            free(block);
        blocks.clear();
    }

  private:
    Random random{ 53 };
    std::vector<void *> blocks;
};

void fragmentation(State &state)
{
    static const size_t ranges[][2] = {
        { 32, 512 }, { 512, 4096 }, { 64, 128 }, { 4096, 32768 }, { 16, 64 },
    };
    for (auto _ : state) {
        Phase phase;
        for (const auto &range : ranges) {
            phase.fill(48 * MIB, range[0], range[1]);
            phase.thin_out();
        }
        phase.clear();
    }
}

struct Node {
    Node *next;
    uint64_t value[5];
};

void *filler(Random &random)
{
    size_t size = skewed(random, 16, 256);
    void *block = malloc(size);
    touch(block, size);
    return block;
}

/* Holes all over the heap, as a program has them that has run for a while. */
std::vector<void *> churned_heap(size_t count)
{
    Random random(59);
    std::vector<void *> blocks(count);
    for (void *&block : blocks)
        block = filler(random);
    for (size_t step = 0; step < 2 * count; step++) {
        void *&block = blocks[random.below(static_cast<uint32_t>(count))];
        free(block);
        block = step < count ? nullptr : filler(random);
    }
    return blocks;
}

/* `count` lists that grow in turn, as the chains of a hash table do. */
std::vector<Node *> grown_lists(size_t count, size_t length)
{
    std::vector<Node *> heads(count);
    for (size_t i = 0; i < count * length; i++) {
        Node *node = static_cast<Node *>(malloc(sizeof(Node)));
        node->value[0] = i;
        node->next = heads[i % count];
        heads[i % count] = node;
    }
    return heads;
}

void drop_list(Node *node)
{
    while (node != nullptr) {
        Node *next = node->next;
        free(node);
        node = next;
    }
}

void lists(State &state)
{
    constexpr size_t LISTS = 8, LENGTH = 25000, WALKS = 20;
    std::vector<void *> others = churned_heap(300000);
    for (auto _ : state) {
        std::vector<Node *> heads = grown_lists(LISTS, LENGTH);
        uint64_t sum = 0;
        for (size_t walk = 0; walk < WALKS; walk++)
            for (Node *head : heads)
                for (Node *node = head; node != nullptr; node = node->next)
                    sum += node->value[0];
        benchmark::DoNotOptimize(sum);
        for (Node *head : heads)
            drop_list(head);
    }
    for (void *block : others)
        free(block);
}

void tree(State &state)
{
    constexpr uint32_t KEYS = 100000;
    std::vector<void *> others = churned_heap(100000);
    std::map<uint32_t, uint64_t> map;
    Random random(61);
    for (uint32_t i = 0; i < KEYS; i++)
        map.emplace(random.next(), i);
    for (auto _ : state) {
        for (uint32_t i = 0; i < KEYS / 2; i++) {
            auto victim = map.lower_bound(random.next());
            if (victim != map.end())
                map.erase(victim);
            map.emplace(random.next(), i);
        }
        uint64_t sum = 0;
        for (const auto &entry : map)
            sum += entry.second;
        benchmark::DoNotOptimize(sum);
    }
    for (void *block : others)
        free(block);
}

} // namespace

void add_locality_lines()
{
    add("fragmentation",
        "five phases of 48 MiB, each of other sizes among the last one's survivors", 2,
        fragmentation);
    add("locality/lists",
        "8 lists of 25,000 nodes, grown in turn in a churned heap, walked 20 times", 2, lists);
    add("locality/tree", "a tree of 100,000 keys in a churned heap: half replaced, then walked", 8,
        tree);
}

} // namespace bench
