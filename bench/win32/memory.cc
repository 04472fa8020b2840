// SPDX-License-Identifier: MIT
// memory.cc: what the Win32 face costs over the kernel's own calls.
//
// Each benchmark does a thing through the face and the same with plain mmap, in turns of some dozen
// operations, so that both see the same machine; the time shown is the face's, and "ratio" is its
// best turn over the best turn of the other. Best turns, since a busy machine only ever adds time.
//
//   reserve         64 GiB against 64 KiB, both through the face: the size must not matter
//   commit_touch    reserve and commit, touch each of N pages, release
//   two_steps       reserve, commit, touch, release, against mmap, mprotect, munmap
//   view            MapViewOfFile and UnmapViewOfFile of 1 MiB, N pages of it touched
//   query           VirtualQuery amid N reservations
#include <barrow/memoryapi.h>
#include <barrow/winbase.h>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace
{

constexpr size_t page = 4096;
constexpr int turn = 32;

template <typename Operation> double seconds_of_turn(Operation operation)
{
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < turn; i++)
        operation();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <typename Ours, typename Theirs>
void compare(benchmark::State &state, Ours ours, Theirs theirs)
{
    double best_of_ours = 1e9, best_of_theirs = 1e9;
    for (auto _ : state) {
        const double time = seconds_of_turn(ours);
        best_of_ours = std::min(best_of_ours, time);
        best_of_theirs = std::min(best_of_theirs, seconds_of_turn(theirs));
        state.SetIterationTime(time / turn);
    }
    state.counters["ratio"] = best_of_ours / best_of_theirs;
    state.counters["best_ns"] = best_of_ours / turn * 1e9;
}

void touch(void *start, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        static_cast<volatile char *>(start)[i * page] = 1;
}

void reserve_and_release(size_t size)
{
    void *p = VirtualAlloc(nullptr, size, MEM_RESERVE, PAGE_READWRITE);
    benchmark::DoNotOptimize(p);
    VirtualFree(p, 0, MEM_RELEASE);
}

void reserve(benchmark::State &state)
{
    compare(
        state, [] { reserve_and_release(size_t{ 64 } << 30); },
        [] { reserve_and_release(size_t{ 64 } << 10); });
}
BENCHMARK(reserve)->UseManualTime();

void *map_plain(size_t size, int access)
{
    return mmap(nullptr, size, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void commit_touch(benchmark::State &state)
{
    const size_t pages = static_cast<size_t>(state.range(0)), size = pages * page;
    compare(
        state,
        [=] {
            void *p = VirtualAlloc(nullptr, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
            touch(p, pages);
            VirtualFree(p, 0, MEM_RELEASE);
        },
        [=] {
            void *p = map_plain(size, PROT_READ | PROT_WRITE);
            touch(p, pages);
            munmap(p, size);
        });
}
BENCHMARK(commit_touch)->UseManualTime()->Arg(16)->Arg(256)->Arg(4096);

void two_steps(benchmark::State &state)
{
    const size_t pages = static_cast<size_t>(state.range(0)), size = pages * page;
    compare(
        state,
        [=] {
            void *p = VirtualAlloc(nullptr, size, MEM_RESERVE, PAGE_READWRITE);
            VirtualAlloc(p, size, MEM_COMMIT, PAGE_READWRITE);
            touch(p, pages);
            VirtualFree(p, 0, MEM_RELEASE);
        },
        [=] {
            void *p = map_plain(size, PROT_NONE);
            mprotect(p, size, PROT_READ | PROT_WRITE);
            touch(p, pages);
            munmap(p, size);
        });
}
BENCHMARK(two_steps)->UseManualTime()->Arg(16)->Arg(256)->Arg(4096);

void view(benchmark::State &state)
{
    const size_t pages = static_cast<size_t>(state.range(0)), size = 1 << 20;
    const int fd = memfd_create("bench", MFD_CLOEXEC);
    if (ftruncate(fd, static_cast<off_t>(size)) != 0)
        state.SkipWithError("ftruncate");
    void *whole = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    touch(whole, size / page);
    munmap(whole, size);
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0, size, nullptr);
    whole = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    touch(whole, size / page);
    UnmapViewOfFile(whole);
    compare(
        state,
        [=] {
            void *p = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, size);
            touch(p, pages);
            UnmapViewOfFile(p);
        },
        [=] {
            void *p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            touch(p, pages);
            munmap(p, size);
        });
    CloseHandle(m);
    close(fd);
}
BENCHMARK(view)->UseManualTime()->Arg(0)->Arg(1)->Arg(16);

void query(benchmark::State &state)
{
    const size_t count = static_cast<size_t>(state.range(0));
    std::vector<void *> all(count);
    for (void *&p : all)
        p = VirtualAlloc(nullptr, 64 << 10, MEM_RESERVE, PAGE_READWRITE);
    uint32_t seed = 1;
    for (auto _ : state) {
        MEMORY_BASIC_INFORMATION info;
        seed = seed * 1664525 + 1013904223;
        VirtualQuery(all[(seed >> 8) % count], &info, sizeof(info));
        benchmark::DoNotOptimize(info.RegionSize);
    }
    for (void *p : all)
        VirtualFree(p, 0, MEM_RELEASE);
}
BENCHMARK(query)->Arg(10)->Arg(1000)->Arg(100000);

} // namespace

BENCHMARK_MAIN();
