/* SPDX-License-Identifier: MIT */
/* lines.cc: what the micro benchmarks share: the list of lines, the scale of a run, random sizes with a fixed seed (small
 * ones are frequent), shuffled orders by Fisher and Yates, and the numbers of threads that are tried. */
#include "lines.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bench
{

size_t skewed(Random &random, size_t low, size_t high)
{
    double unit = random.unit();
    double doublings = std::log2(static_cast<double>(high) / static_cast<double>(low));
    return static_cast<size_t>(static_cast<double>(low) * std::exp2(doublings * unit * unit));
}

Draws<uint32_t> skewed_sizes(uint64_t seed, size_t low, size_t high)
{
    Random random(seed);
    return Draws<uint32_t>([&] { return skewed(random, low, high); });
}

Draws<uint32_t> indices(uint64_t seed, size_t limit)
{
    Random random(seed);
    return Draws<uint32_t>([&] { return random.below(static_cast<uint32_t>(limit)); }, 1 << 16);
}

std::vector<uint32_t> first_in_first_out(size_t count)
{
    std::vector<uint32_t> order(count);
    for (size_t i = 0; i < count; i++)
        order[i] = static_cast<uint32_t>(i);
    return order;
}

std::vector<uint32_t> last_in_first_out(size_t count)
{
    std::vector<uint32_t> order = first_in_first_out(count);
    return { order.rbegin(), order.rend() };
}

std::vector<uint32_t> shuffled(uint64_t seed, size_t count)
{
    Random random(seed);
    std::vector<uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    for (size_t i = count; i > 1; i--)
        std::swap(order[i - 1], order[random.below(static_cast<uint32_t>(i))]);
    return order;
}

std::vector<size_t> thread_counts()
{
    std::vector<size_t> counts;
    size_t most = 2 * std::max(1u, std::thread::hardware_concurrency());
    for (size_t count = 1; count < most; count *= 2)
        counts.push_back(count);
    counts.push_back(most);
    return counts;
}

std::string point_name(double x, const std::string &unit)
{
    static const char *const suffixes[] = { "", "KiB", "MiB", "GiB" };
    unsigned long long value = static_cast<unsigned long long>(x);
    size_t power = 0;
    if (unit.rfind("bytes", 0) == 0)
        for (; value >= KIB && value % KIB == 0 && power < 3; power++)
            value /= KIB;
    return std::to_string(value) + suffixes[power];
}

std::vector<Line> &registry()
{
    static std::vector<Line> lines;
    return lines;
}

double &scale()
{
    static double value = 1;
    return value;
}

int64_t scaled(int64_t rounds)
{
    return std::max<int64_t>(1, std::llround(static_cast<double>(rounds) * scale()));
}

} // namespace bench
