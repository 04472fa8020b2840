/* SPDX-License-Identifier: MIT */
/*
 * heaps: private heaps against malloc and free, whichever allocator is preloaded.
 *
 *     heaps [--scale=X] [Google Benchmark's options]
 *
 * A line's "ratio" is the heap's processor time over the other way's, "ns" and "ns_other" are what
 * one operation takes.
 */
#include "heaps.h"

#include <cstdio>
#include <cstring>
#include <dlfcn.h>

namespace heaps
{

Api api;

namespace
{

template <typename Function> bool find(void *library, const char *name, Function *&function)
{
    function = reinterpret_cast<Function *>(dlsym(library, name));
    return function != nullptr;
}

} // namespace

bool load_api()
{
    const char *path = std::getenv("BARROW_BENCH_HEAPS_LIBRARY");
    void *library = RTLD_DEFAULT;
    if (dlsym(library, "barrow_HeapCreate") == nullptr) {
        library = path != nullptr ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
        if (library == nullptr) {
            std::fprintf(stderr, "heaps: BARROW_BENCH_HEAPS_LIBRARY: %s\n",
                         path != nullptr ? dlerror() : "not set, and libbarrow is not preloaded");
            return false;
        }
    }
    return find(library, "barrow_HeapCreate", api.create) &&
           find(library, "barrow_HeapDestroy", api.destroy) &&
           find(library, "barrow_HeapAlloc", api.alloc) &&
           find(library, "barrow_HeapFree", api.free);
}

} // namespace heaps

int main(int argc, char **argv)
{
    if (argc > 1 && std::strncmp(argv[1], "--scale=", 8) == 0) {
        bench::scale() = std::strtod(argv[1] + 8, nullptr);
        argv[1] = argv[0];
        argc--, argv++;
    }
    if (!heaps::load_api())
        return 2;
    heaps::add_pattern_lines();
    heaps::add_whole_lines();
    heaps::add_thread_lines();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    return benchmark::RunSpecifiedBenchmarks() == 0;
}
