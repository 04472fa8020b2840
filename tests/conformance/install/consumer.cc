// SPDX-License-Identifier: MIT
// A C++ program linked with an installed barrow. It ends with 0 only if the operators new and
// delete are barrow's and tell of failure as C++ wants it.
#include <barrow/barrow.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

namespace
{

constexpr std::size_t mib = std::size_t(1) << 20;

struct alignas(256) Aligned {
    char bytes[4 * mib];
};

std::uint64_t live_bytes()
{
    barrow_stats stats{};
    stats.size = sizeof(stats);
    if (barrow_stats_get(&stats) != 0)
        std::abort();
    return stats.live_bytes;
}

void require(bool ok, const char *what)
{
    if (ok)
        return;
    std::fprintf(stderr, "consumer: %s\n", what);
    std::exit(1);
}

void operators()
{
    const std::uint64_t before = live_bytes();
    {
        std::vector<char> bytes(8 * mib);
        require(live_bytes() >= before + 8 * mib, "operator new is not barrow's");
        std::string text(2 * mib, 'x');
        require(live_bytes() >= before + 10 * mib,
                "the C++ library's operator new is not barrow's");
    }
    auto *aligned = new Aligned;
    require(reinterpret_cast<std::uintptr_t>(aligned) % 256 == 0, "operator new ignores alignment");
    require(live_bytes() >= before + 4 * mib, "aligned operator new is not barrow's");
    delete aligned;
    require(live_bytes() < before + mib, "operator delete is not barrow's");
}

void failure()
{
    // Volatile, or the compiler knows that the request is absurd.
    volatile std::size_t absurd = PTRDIFF_MAX;
    bool thrown = false;
    try {
        static_cast<void>(::operator new(absurd));
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    require(thrown, "operator new did not throw bad_alloc");
    require(::operator new(absurd, std::nothrow) == nullptr, "nothrow new did not return null");
}

} // namespace

int main()
{
    operators();
    failure();
    std::printf("operator new is barrow's, version %s\n", barrow_version());
    return 0;
}
