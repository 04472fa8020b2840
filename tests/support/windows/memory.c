/* SPDX-License-Identifier: MIT */
#include "support/memory.h"

#include <barrow/barrow.h>
#include <windows.h>

#include <psapi.h>
#include <tlhelp32.h>

#include "support/check.h"

/* What an empty program has on Linux. The rest of what one has here at its start is Wine's. */
#define EMPTY (2 * MIB)

static size_t others;

static size_t working_set(void)
{
    PROCESS_MEMORY_COUNTERS counters = { .cb = sizeof(counters) };

    REQUIRE(GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof(counters)));
    return counters.WorkingSetSize;
}

__attribute__((constructor)) static void keep_others(void)
{
    size_t start = working_set();

    others = start > EMPTY ? start - EMPTY : 0;
}

/* Wine's table of pages: a byte for each that is reserved. */
static size_t table(void)
{
    struct barrow_stats stats = { .size = sizeof(stats) };

    REQUIRE(barrow_stats_get(&stats) == 0);
    return stats.reserved / 4096;
}

size_t memory_resident(void)
{
    size_t now = working_set();
    size_t wine = others + table();

    return now > wine ? now - wine : 0;
}

size_t memory_used(void)
{
    return memory_resident();
}

size_t memory_settles(size_t limit, unsigned milliseconds)
{
    unsigned long long end = clock_milliseconds() + milliseconds;
    size_t now = memory_resident();

    while (now > limit && clock_milliseconds() < end) {
        sleep_milliseconds(20);
        now = memory_resident();
    }
    return now;
}

size_t memory_writable(void)
{
    MEMORY_BASIC_INFORMATION range;
    size_t bytes = 0;

    for (char *at = NULL; VirtualQuery(at, &range, sizeof(range)) != 0;
         at = (char *)range.BaseAddress + range.RegionSize)
        if (range.State == MEM_COMMIT && range.Type == MEM_PRIVATE &&
            range.Protect == PAGE_READWRITE)
            bytes += range.RegionSize;
    return bytes;
}

size_t process_threads(void)
{
    THREADENTRY32 entry = { .dwSize = sizeof(entry) };
    size_t threads = 0;
    HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);

    REQUIRE(list != INVALID_HANDLE_VALUE);
    for (BOOL more = Thread32First(list, &entry); more; more = Thread32Next(list, &entry))
        threads += entry.th32OwnerProcessID == GetCurrentProcessId();
    CloseHandle(list);
    return threads;
}

unsigned long long clock_milliseconds(void)
{
    return GetTickCount64();
}

void sleep_milliseconds(unsigned milliseconds)
{
    Sleep(milliseconds);
}
