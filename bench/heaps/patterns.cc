/* SPDX-License-Identifier: MIT */
/* One thread, blocks that come and go, in heaps of each kind and with plain malloc. */
#include "heaps.h"

#include <memory>

namespace heaps
{
namespace
{

constexpr int64_t TURNS = 300;

/* The three patterns through two sources. */
template <typename Make, typename MakeOther>
void add_patterns(const std::string &name, const Size &size, Make make, MakeOther make_other)
{
    auto with = [make, make_other](State &state, auto pattern) {
        auto ours = make();
        auto other = make_other();
        compare(
            state, STEPS, [&] { return seconds_of([&] { pattern(*ours); }); },
            [&] { return seconds_of([&] { pattern(*other); }); });
    };
    add("pair/" + name, TURNS,
        [with](State &state) { with(state, [](auto &source) { pair(source); }); });
    add("batch/" + name, TURNS, [with, size](State &state) {
        with(state, [&size](auto &source) { batch(source, size); });
    });
    add("mixed/" + name, TURNS, [with, size](State &state) {
        with(state, [&size](auto &source) { mixed(source, size); });
    });
}

/* A source with what it is made of. */
template <typename Source> struct LockedOwner {
    std::unique_ptr<Source> source;
    Locked<Source> locked;

    explicit LockedOwner(std::unique_ptr<Source> of) : source(std::move(of)), locked(*source) {}

    void *get(size_t size)
    {
        return locked.get(size);
    }

    void put(void *block)
    {
        locked.put(block);
    }
};

auto plain()
{
    return std::make_unique<Malloc>();
}

auto locked_malloc()
{
    return std::make_unique<LockedOwner<Malloc>>(plain());
}

auto heap_of(uint32_t options, size_t maximum = 0)
{
    return [=] { return std::make_unique<Heap>(options, maximum); };
}

auto locked_heap()
{
    return std::make_unique<LockedOwner<Heap>>(heap_of(NO_SERIALIZE)());
}

void add_bounded(size_t maximum, const std::string &size)
{
    add_patterns("bounded " + size + ", no_serialize", SMALL, heap_of(NO_SERIALIZE, maximum),
                 plain);
    add_patterns("bounded " + size + ", serialized", SMALL, heap_of(0, maximum), plain);
}

} // namespace

void add_pattern_lines()
{
    add_patterns("no_serialize", ORDINARY, heap_of(NO_SERIALIZE), plain);
    add_patterns("serialized", ORDINARY, heap_of(0), plain);
    add_patterns("no_serialize : malloc in a mutex", ORDINARY, heap_of(NO_SERIALIZE),
                 locked_malloc);
    add_patterns("serialized : malloc in a mutex", ORDINARY, heap_of(0), locked_malloc);
    add_patterns("serialized : no_serialize in a mutex", ORDINARY, heap_of(0), locked_heap);
    add_bounded(64 * KIB, "64KiB");
    add_bounded(1 * MIB, "1MiB");
    add_bounded(1 * GIB, "1GiB");
    add_bounded(64 * GIB, "64GiB");
}

} // namespace heaps
