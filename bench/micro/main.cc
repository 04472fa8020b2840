/* SPDX-License-Identifier: MIT */
/*
 * micro: the small benchmarks, written against plain malloc and run under each allocator by
 * preloading it.
 *
 *     micro --lines                      one line of tab-separated facts for each benchmark
 *     micro [--scale=X] [Google Benchmark's options]
 */
#include "lines.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace
{

void print_lines()
{
    for (const bench::Line &line : bench::registry())
        std::printf("%s\t%s\t%.0f\t%s\t%d\t%s\n", line.name.c_str(), line.curve.c_str(), line.x,
                    line.x_unit.c_str(), line.counted, line.about.c_str());
}

/* Takes our own options out of argv; true when the lines are only to be listed. */
bool take_options(int &argc, char **argv)
{
    bool list = false;
    int kept = 1;
    for (int i = 1; i < argc; i++) {
        if (std::strncmp(argv[i], "--scale=", 8) == 0)
            bench::scale() = std::strtod(argv[i] + 8, nullptr);
        else if (std::strcmp(argv[i], "--lines") == 0)
            list = true;
        else
            argv[kept++] = argv[i];
    }
    argc = kept;
    return list;
}

} // namespace

int main(int argc, char **argv)
{
    bool list = take_options(argc, argv);
    bench::add_single_lines();
    bench::add_growth_lines();
    bench::add_locality_lines();
    bench::add_thread_lines();
    bench::add_curves();
    bench::add_win32_curves();
    if (list) {
        print_lines();
        return 0;
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    return benchmark::RunSpecifiedBenchmarks() == 0;
}
