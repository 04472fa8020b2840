// SPDX-License-Identifier: MIT
// mapped.cc: heaps in files, beside Boost.Interprocess's managed_mapped_file.
//
//     mapped [FOLDER [ROUNDS]]
//
// Each line: what, barrow's median and Boost's, in ns, ms or bytes, and their ratio. Files are made in
// FOLDER, /dev/shm by default, and removed.
#include <barrow/mapped_heap.hpp>

#include <boost/container/map.hpp>
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/managed_mapped_file.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <csignal>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

namespace bip = boost::interprocess;

std::string path;
constexpr std::size_t MIB = 1 << 20;

double now()
{
    using clock = std::chrono::steady_clock;
    return std::chrono::duration<double>(clock::now().time_since_epoch()).count();
}

// One interface for both.
struct ours {
    barrow::mapped_heap heap;
    template <typename T> using allocator = barrow::mapped_allocator<T>;
    using map =
        boost::container::map<long, long, std::less<long>, allocator<std::pair<const long, long>>>;

    explicit ours(std::size_t maximum) : heap(path.c_str(), maximum) {}
    void *get(std::size_t size)
    {
        return barrow::detail::barrow_HeapAlloc(heap.handle(), 0, size);
    }
    void put(void *block)
    {
        barrow::detail::barrow_HeapFree(heap.handle(), 0, block);
    }
    map *find_map()
    {
        return heap.container<map>("map");
    }
    static void make(std::size_t maximum)
    {
        ours heap(maximum);
    }
};

struct boosts {
    bip::managed_mapped_file file;
    template <typename T>
    using allocator = bip::allocator<T, bip::managed_mapped_file::segment_manager>;
    using map =
        boost::container::map<long, long, std::less<long>, allocator<std::pair<const long, long>>>;

    explicit boosts(std::size_t maximum) : file(bip::open_or_create, path.c_str(), maximum) {}
    void *get(std::size_t size)
    {
        return file.allocate(size, std::nothrow);
    }
    void put(void *block)
    {
        file.deallocate(block);
    }
    map *find_map()
    {
        return file.find_or_construct<map>("map")(map::allocator_type(file.get_segment_manager()));
    }
    static void make(std::size_t maximum)
    {
        boosts heap(maximum);
    }
};

std::uint64_t next(std::uint64_t &state)
{
    state = state * 6364136223846793005 + 1442695040888963407;
    return state >> 33;
}

// ns for a block of 16 to 1016 bytes that is replaced, with so many alive.
template <typename Heap>
double replace(Heap &heap, std::size_t live, std::size_t count, std::uint64_t seed)
{
    std::vector<void *> blocks(live);
    for (auto &block : blocks)
        block = heap.get(16 + next(seed) % 1001);
    double start = now();
    for (std::size_t i = 0; i < count; i++) {
        void *&block = blocks[next(seed) % live];
        heap.put(block);
        block = heap.get(16 + next(seed) % 1001);
    }
    double time = (now() - start) / static_cast<double>(count) * 1e9;
    for (auto block : blocks)
        heap.put(block);
    return time;
}

template <typename Heap> double replace_alone(std::size_t live)
{
    Heap heap(256 * MIB);
    return replace(heap, live, 1000000, 1);
}

template <typename Heap> double replace_1000()
{
    return replace_alone<Heap>(1000);
}

template <typename Heap> double replace_100000()
{
    return replace_alone<Heap>(100000);
}

// The same in two processes at once.
template <typename Heap> double replace_two()
{
    Heap::make(256 * MIB);
    double start = now();
    pid_t pids[2];
    for (unsigned i = 0; i < 2; i++)
        if ((pids[i] = fork()) == 0) {
            Heap heap(256 * MIB);
            replace(heap, 1000, 500000, i);
            _exit(0);
        }
    for (pid_t pid : pids)
        waitpid(pid, nullptr, 0);
    return (now() - start) / 500000 * 1e9;
}

template <typename Heap> double pair()
{
    Heap heap(MIB);
    double start = now();
    for (int i = 0; i < 5000000; i++)
        heap.put(heap.get(64));
    return (now() - start) / 5000000 * 1e9;
}

template <typename Heap> double build_map()
{
    Heap heap(256 * MIB);
    auto *map = heap.find_map();
    double start = now();
    std::uint64_t seed = 1;
    for (long i = 0; i < 1000000; i++)
        (*map)[static_cast<long>(next(seed))] = i;
    return (now() - start) * 1e3;
}

// The map is there.
template <typename Heap> double reopen()
{
    build_map<Heap>();
    double start = now();
    Heap heap(256 * MIB);
    auto *map = heap.find_map();
    std::uint64_t seed = 1;
    long found = 0;
    for (int i = 0; i < 1000; i++)
        found += static_cast<long>(map->count(static_cast<long>(next(seed))));
    double time = (now() - start) * 1e3;
    return found == 1000 ? time : -1;
}

double file_size()
{
    struct stat facts {
    };
    return stat(path.c_str(), &facts) == 0 ? static_cast<double>(facts.st_blocks) * 512 : 0;
}

template <typename Heap> double size_of_map()
{
    build_map<Heap>();
    return file_size();
}

// Ours alone: Boost's files grow while nobody has them open.
double grow()
{
    ours heap(std::size_t{ 4 } << 30);
    double start = now();
    while (heap.get(MIB - 100) != nullptr)
        ;
    return (now() - start) * 1e3;
}

double open_large(bool killed)
{
    {
        ours heap(std::size_t{ 4 } << 30);
        for (int i = 0; i < 1000000; i++)
            heap.get(100 + static_cast<std::size_t>(i) % 100 * 80);
    }
    if (killed && fork() == 0) {
        ours heap(0);
        for (int i = 0; i < 100000; i++)
            heap.put(heap.get(static_cast<std::size_t>(i) % 3000));
        raise(SIGKILL);
    }
    if (killed)
        wait(nullptr);
    double start = now();
    barrow::mapped_heap heap(path.c_str());
    return (now() - start) * 1e3;
}

double open_closed()
{
    return open_large(false);
}

double open_killed()
{
    return open_large(true);
}

double median(double measure(), int rounds)
{
    std::vector<double> times;
    for (int i = 0; i < rounds; i++) {
        std::remove(path.c_str());
        times.push_back(measure());
    }
    std::remove(path.c_str());
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

void line(const char *what, const char *unit, double mine(), double theirs(), int rounds)
{
    double a = median(mine, rounds);
    if (theirs == nullptr) {
        std::printf("%-40s %12.2f %s\n", what, a, unit);
    } else {
        double b = median(theirs, rounds);
        std::printf("%-40s %12.2f %12.2f %-5s %6.3f\n", what, a, b, unit, a / b);
    }
    std::fflush(stdout);
}

} // namespace

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
    path =
        std::string(argc > 1 ? argv[1] : "/dev/shm") + "/bench-mapped-" + std::to_string(getpid());
    std::printf("%-40s %12s %12s\n", "", "barrow", "Boost");
    line("pair of 64 bytes", "ns", pair<ours>, pair<boosts>, rounds);
    line("replaced, 1000 live", "ns", replace_1000<ours>, replace_1000<boosts>, rounds);
    line("replaced, 100000 live", "ns", replace_100000<ours>, replace_100000<boosts>, rounds);
    line("replaced, two processes", "ns", replace_two<ours>, replace_two<boosts>, rounds);
    line("map of a million longs", "ms", build_map<ours>, build_map<boosts>, rounds);
    line("its file, storage", "bytes", size_of_map<ours>, size_of_map<boosts>, 1);
    line("open, find 1000 keys", "ms", reopen<ours>, reopen<boosts>, rounds);
    line("grow to 4 GiB", "ms", grow, nullptr, 1);
    line("open 4 GiB, closed", "ms", open_closed, nullptr, 1);
    line("open 4 GiB, its user killed", "ms", open_killed, nullptr, 1);
    return 0;
}
