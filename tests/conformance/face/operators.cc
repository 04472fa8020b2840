// SPDX-License-Identifier: MIT
// The C++ operators new and delete in all their forms: 8 that allocate, 12 that free.
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "support/calls.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/suite.h"

namespace
{

const std::size_t kLarge = 256; // an alignment that plain new does not give
const auto kAligned = static_cast<std::align_val_t>(kLarge);

struct Allocator {
    const char *name;
    void *(*make)(std::size_t size);
    bool throws;
    bool aligned;
};

const Allocator kAllocators[] = {
    { "new", [](std::size_t n) { return ::operator new(n); }, true, false },
    { "new[]", [](std::size_t n) { return ::operator new[](n); }, true, false },
    { "new nothrow", [](std::size_t n) { return ::operator new(n, std::nothrow); }, false, false },
    { "new[] nothrow", [](std::size_t n) { return ::operator new[](n, std::nothrow); }, false,
      false },
    { "new aligned", [](std::size_t n) { return ::operator new(n, kAligned); }, true, true },
    { "new[] aligned", [](std::size_t n) { return ::operator new[](n, kAligned); }, true, true },
    { "new aligned nothrow",
      [](std::size_t n) { return ::operator new(n, kAligned, std::nothrow); }, false, true },
    { "new[] aligned nothrow",
      [](std::size_t n) { return ::operator new[](n, kAligned, std::nothrow); }, false, true },
};

struct Deallocator {
    const char *name;
    void (*drop)(void *block, std::size_t size);
    bool aligned;
};

const Deallocator kDeallocators[] = {
    { "delete", [](void *p, std::size_t) { ::operator delete(p); }, false },
    { "delete[]", [](void *p, std::size_t) { ::operator delete[](p); }, false },
    { "delete sized", [](void *p, std::size_t n) { ::operator delete(p, n); }, false },
    { "delete[] sized", [](void *p, std::size_t n) { ::operator delete[](p, n); }, false },
    { "delete nothrow", [](void *p, std::size_t) { ::operator delete(p, std::nothrow); }, false },
    { "delete[] nothrow", [](void *p, std::size_t) { ::operator delete[](p, std::nothrow); },
      false },
    { "delete aligned", [](void *p, std::size_t) { ::operator delete(p, kAligned); }, true },
    { "delete[] aligned", [](void *p, std::size_t) { ::operator delete[](p, kAligned); }, true },
    { "delete sized aligned", [](void *p, std::size_t n) { ::operator delete(p, n, kAligned); },
      true },
    { "delete[] sized aligned", [](void *p, std::size_t n) { ::operator delete[](p, n, kAligned); },
      true },
    { "delete aligned nothrow",
      [](void *p, std::size_t) { ::operator delete(p, kAligned, std::nothrow); }, true },
    { "delete[] aligned nothrow",
      [](void *p, std::size_t) { ::operator delete[](p, kAligned, std::nothrow); }, true },
};

const std::size_t kImpossible[] = { SIZE_MAX,        SIZE_MAX - 15,
                                    SIZE_MAX - 4096, std::size_t{ PTRDIFF_MAX } + 1,
                                    PTRDIFF_MAX,     std::size_t{ 1 } << 56 };

void EveryPairWorks(void **)
{
    for (const Allocator &allocator : kAllocators) {
        for (const Deallocator &deallocator : kDeallocators) {
            if (allocator.aligned != deallocator.aligned)
                continue;
            for (std::size_t size = 0; size < 3 * MIB; size = size * 3 / 2 + 1) {
                void *block = opaque(allocator.make(opaque_size(size)));
                assert_non_null(block);
                assert_int_equal(reinterpret_cast<std::uintptr_t>(block) % (allocator.aligned
                                                                                ? kLarge
                                                                            : size < 16 ? 1
                                                                                        : 16),
                                 0);
                assert_true(malloc_usable_size(block) >= size);
                std::memset(block, 1, size);
                deallocator.drop(block, size);
            }
        }
    }
}

// A delete that lost its blocks would make this grow by 64 MiB.
void EveryDeleteFrees(void **)
{
    for (const Deallocator &deallocator : kDeallocators) {
        const std::size_t before = memory_used();
        for (int i = 0; i < 6400; i++) {
            void *block = opaque(deallocator.aligned ? ::operator new(10000, kAligned)
                                                     : ::operator new(10000));
            std::memset(block, 1, 10000);
            deallocator.drop(block, 10000);
        }
        assert_in_range(memory_used(), 0, before + 16 * MIB);
        deallocator.drop(nullptr, 0);
        deallocator.drop(nullptr, 100);
    }
}

void ZeroBytesAreABlock(void **)
{
    for (const Allocator &allocator : kAllocators) {
        void *first = allocator.make(opaque_size(0));
        void *second = allocator.make(opaque_size(0));
        assert_non_null(first);
        assert_non_null(second);
        assert_ptr_not_equal(first, second);
        std::free(first);
        std::free(second);
    }
}

enum class Outcome { Block, Null, BadAlloc, OwnException };

struct OwnException : std::bad_alloc {
    int mark = 77;
};

Outcome Try(const Allocator &allocator, std::size_t size)
{
    try {
        void *block = opaque(allocator.make(opaque_size(size)));
        if (block == nullptr)
            return Outcome::Null;
        std::free(block);
        return Outcome::Block;
    } catch (const OwnException &e) {
        return e.mark == 77 ? Outcome::OwnException : Outcome::Block;
    } catch (const std::bad_alloc &) {
        return Outcome::BadAlloc;
    }
}

void ImpossibleSizesThrowOrGiveNull(void **)
{
    for (const Allocator &allocator : kAllocators)
        for (std::size_t size : kImpossible)
            assert_true(Try(allocator, size) ==
                        (allocator.throws ? Outcome::BadAlloc : Outcome::Null));
}

int handler_calls;

void HandlerThatGivesUp()
{
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}

// The handler is asked again and again until memory is there or no handler is left.
void TheNewHandlerIsCalled(void **)
{
    for (const Allocator &allocator : kAllocators) {
        handler_calls = 0;
        std::set_new_handler(HandlerThatGivesUp);
        const Outcome outcome = Try(allocator, SIZE_MAX - 100);
        assert_null(reinterpret_cast<void *>(std::set_new_handler(nullptr)));
        assert_true(outcome == (allocator.throws ? Outcome::BadAlloc : Outcome::Null));
        assert_int_equal(handler_calls, 3);
    }
}

void HandlerThatThrows()
{
    throw OwnException();
}

// What the handler throws reaches the caller, but not through nothrow.
void TheNewHandlerMayThrow(void **)
{
    std::set_new_handler(HandlerThatThrows);
    for (const Allocator &allocator : kAllocators)
        assert_true(Try(allocator, SIZE_MAX - 100) ==
                    (allocator.throws ? Outcome::OwnException : Outcome::Null));
    std::set_new_handler(nullptr);
}

void TheNewHandlerIsNotCalledForMalloc(void **)
{
    handler_calls = 0;
    std::set_new_handler(HandlerThatGivesUp);
    assert_null(opaque(std::malloc(opaque_size(SIZE_MAX))));
    assert_null(opaque(std::calloc(opaque_size(SIZE_MAX), 2)));
    std::set_new_handler(nullptr);
    assert_int_equal(handler_calls, 0);
}

void *ballast;

void HandlerThatFreesBallast()
{
    handler_calls++;
    std::free(ballast);
    ballast = nullptr;
    std::set_new_handler(nullptr);
}

// In a child with a commit limit of 64 MiB: what the handler frees lets the request succeed.
int ChildWithLimit(const char *)
{
    for (const Allocator &allocator : kAllocators) {
        handler_calls = 0;
        ballast = std::malloc(40 * MIB);
        if (ballast == nullptr)
            return 2;
        std::set_new_handler(HandlerThatFreesBallast);
        if (Try(allocator, 40 * MIB) != Outcome::Block || handler_calls != 1)
            return 3;
    }
    return 0;
}

void TheNewHandlerMayFindMemory(void **)
{
    static child_result result;
    const char *const args[] = { "--case", "limit", nullptr };
    const char *const env[] = { "BARROW_COMMIT_LIMIT=64M", nullptr };
    child child = {};

    child.args = args;
    child.env = env;
    child_run(&child, &result);
    if (!child_exited(&result, 0))
        child_show("limit", &result);
    assert_true(child_exited(&result, 0));
}

void ExceptionsInThreads(void **)
{
    std::vector<std::thread> threads;
    bool caught[8] = {};

    for (bool &slot : caught) {
        threads.emplace_back([&slot] {
            slot = Try(kAllocators[0], SIZE_MAX) == Outcome::BadAlloc &&
                   Try(kAllocators[5], SIZE_MAX) == Outcome::BadAlloc;
        });
    }
    for (std::thread &thread : threads)
        thread.join();
    for (bool slot : caught)
        assert_true(slot);
}

struct alignas(1024) Wide {
    char bytes[3000];
};

// As programs do it: expressions and containers.
void ExpressionsAndContainers(void **)
{
    std::unique_ptr<Wide> one(new Wide);
    std::unique_ptr<Wide[]> array(new Wide[7]);
    assert_int_equal(reinterpret_cast<std::uintptr_t>(one.get()) % 1024, 0);
    assert_int_equal(reinterpret_cast<std::uintptr_t>(array.get()) % 1024, 0);

    std::vector<std::string> lines;
    for (int i = 0; i < 20000; i++)
        lines.push_back(std::string(static_cast<std::size_t>(i % 300), 'a'));
    for (int i = 0; i < 20000; i++)
        assert_int_equal(lines[static_cast<std::size_t>(i)].size(), i % 300);

    bool refused = false;
    try {
        std::vector<char> vast;
        vast.reserve(opaque_size(PTRDIFF_MAX - 100));
        opaque(vast.data());
    } catch (const std::bad_alloc &) {
        refused = true;
    }
    assert_true(refused);
}

struct WrongDelete {
    const char *call; // as the message has it
    void (*make)();
    bool found; // without the checked mode
};

const WrongDelete kWrongDeletes[] = {
    { "operator delete", [] { ::operator delete(opaque(::operator new(1)), opaque_size(32)); },
      true },
    { "operator delete", [] { ::operator delete(opaque(::operator new(32)), opaque_size(1)); },
      true },
    { "operator delete", [] { ::operator delete(opaque(::operator new(30)), opaque_size(31)); },
      false },
    { "operator delete", [] { ::operator delete(opaque(::operator new(9000)), opaque_size(90)); },
      true },
    { "operator delete", [] { ::operator delete(opaque(::operator new(900000)), opaque_size(90)); },
      true },
    { "operator delete[]",
      [] { ::operator delete[](opaque(::operator new[](300)), opaque_size(100)); }, true },
    { "operator delete",
      [] { ::operator delete(opaque(::operator new(9000, kAligned)), opaque_size(10), kAligned); },
      true },
    { "operator delete[]",
      [] {
          ::operator delete[](opaque(::operator new[](600, kAligned)), opaque_size(10), kAligned);
      },
      true },
    { "operator delete[]",
      [] {
          ::operator delete[](opaque(::operator new[](600, kAligned)), opaque_size(599), kAligned);
      },
      false },
};

int ChildDeletes(const char *argument)
{
    kWrongDeletes[std::strtoul(argument, nullptr, 10)].make();
    return 0;
}

void CheckWrongDeletes(const char *checks, bool all)
{
    static child_result result;
    for (std::size_t i = 0; i < sizeof(kWrongDeletes) / sizeof(kWrongDeletes[0]); i++) {
        const std::string number = std::to_string(i);
        const std::string start = std::string("barrow: ") + kWrongDeletes[i].call + "(";
        const char *const args[] = { "--case", "deletes", number.c_str(), nullptr };
        const char *const env[] = { checks, nullptr };
        child child = {};
        child.args = args;
        child.env = env;
        child_run(&child, &result);
        const std::string line = result.err;
        const bool found = child_killed(&result, SIGABRT) && line.rfind(start, 0) == 0 &&
                           line.find(": wrong size") != std::string::npos;
        if (!(all || kWrongDeletes[i].found ? found : child_exited(&result, 0))) {
            child_show(number.c_str(), &result);
            fail();
        }
    }
}

// A block of another size class is always found, any other size in the checked mode.
void WrongSizesAreFound(void **)
{
    CheckWrongDeletes("BARROW_CHECKS=0", false);
    CheckWrongDeletes("BARROW_CHECKS=guard", true);
    CheckWrongDeletes("BARROW_CHECKS=sample=1", true);
}

// By the thread that allocated and by another.
void RightSizesOfAllKinds(void **)
{
    std::vector<std::pair<void *, std::size_t>> blocks;
    for (int round = 0; round < 2; round++) {
        for (std::size_t size = 0; size < 3 * MIB; size = size * 9 / 8 + 1)
            for (int i = 0; i < 20; i++)
                blocks.emplace_back(::operator new(size), size);
        const auto drop = [&blocks] {
            for (const auto &[block, size] : blocks)
                ::operator delete(block, size);
        };
        if (round == 0)
            drop();
        else
            std::thread(drop).join();
        blocks.clear();
    }
}

// All 20 come from the library that malloc comes from, not from the C++ library.
void TheyAreOfThisLibrary(void **)
{
    static const char *const names[] = { "_Znwm",
                                         "_Znam",
                                         "_ZnwmRKSt9nothrow_t",
                                         "_ZnamRKSt9nothrow_t",
                                         "_ZnwmSt11align_val_t",
                                         "_ZnamSt11align_val_t",
                                         "_ZnwmSt11align_val_tRKSt9nothrow_t",
                                         "_ZnamSt11align_val_tRKSt9nothrow_t",
                                         "_ZdlPv",
                                         "_ZdaPv",
                                         "_ZdlPvm",
                                         "_ZdaPvm",
                                         "_ZdlPvRKSt9nothrow_t",
                                         "_ZdaPvRKSt9nothrow_t",
                                         "_ZdlPvSt11align_val_t",
                                         "_ZdaPvSt11align_val_t",
                                         "_ZdlPvmSt11align_val_t",
                                         "_ZdaPvmSt11align_val_t",
                                         "_ZdlPvSt11align_val_tRKSt9nothrow_t",
                                         "_ZdaPvSt11align_val_tRKSt9nothrow_t" };
    Dl_info home;
    Dl_info info;

    assert_int_not_equal(dladdr(dlsym(RTLD_DEFAULT, "malloc"), &home), 0);
    for (const char *name : names) {
        void *function = dlsym(RTLD_DEFAULT, name);
        assert_non_null(function);
        assert_int_not_equal(dladdr(function, &info), 0);
        assert_string_equal(info.dli_fname, home.dli_fname);
    }
}

} // namespace

int main(int argc, char **argv)
{
    static const child_function cases[] = { { "limit", ChildWithLimit },
                                            { "deletes", ChildDeletes },
                                            { nullptr, nullptr } };
    static const CMUnitTest tests[] = {
        cmocka_unit_test(EveryPairWorks),
        cmocka_unit_test(EveryDeleteFrees),
        cmocka_unit_test(WrongSizesAreFound),
        cmocka_unit_test(RightSizesOfAllKinds),
        cmocka_unit_test(ZeroBytesAreABlock),
        cmocka_unit_test(ImpossibleSizesThrowOrGiveNull),
        cmocka_unit_test(TheNewHandlerIsCalled),
        cmocka_unit_test(TheNewHandlerMayThrow),
        cmocka_unit_test(TheNewHandlerIsNotCalledForMalloc),
        cmocka_unit_test(TheNewHandlerMayFindMemory),
        cmocka_unit_test(ExceptionsInThreads),
        cmocka_unit_test(ExpressionsAndContainers),
        cmocka_unit_test(TheyAreOfThisLibrary),
    };

    child_case(argc, argv, cases);
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
