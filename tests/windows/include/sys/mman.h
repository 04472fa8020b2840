/* SPDX-License-Identifier: MIT */
/* sys/mman.h for tests that ask for memory of the system's own, on Windows. */
#ifndef TESTS_WINDOWS_SYS_MMAN_H
#define TESTS_WINDOWS_SYS_MMAN_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <windows.h>

/* these names are the tests' own */
#undef KIB
#undef near
#undef far
#undef small

#include <psapi.h>

enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2 };
enum { MAP_PRIVATE = 2, MAP_ANONYMOUS = 32, MAP_NORESERVE = 0x4000 };
#define MAP_FAILED ((void *)-1)

static inline void *mmap(void *address, size_t size, int access, int flags, int file, long offset)
{
    (void)flags;
    (void)file;
    (void)offset;
    DWORD type = access == PROT_NONE ? MEM_RESERVE : MEM_RESERVE | MEM_COMMIT;
    void *memory =
        VirtualAlloc(address, size, type, access == PROT_NONE ? PAGE_NOACCESS : PAGE_READWRITE);
    return memory == NULL ? MAP_FAILED : memory;
}

/* Bit 0 of each of map's bytes: the page is in memory. */
static inline int mincore(void *start, size_t length, unsigned char *map)
{
    for (size_t i = 0; i < length / 4096; i++) {
        PSAPI_WORKING_SET_EX_INFORMATION page = { .VirtualAddress = (char *)start + i * 4096 };
        MEMORY_BASIC_INFORMATION range;
        if (!VirtualQuery(page.VirtualAddress, &range, sizeof range) || range.State == MEM_FREE ||
            !QueryWorkingSetEx(GetCurrentProcess(), &page, sizeof page))
            return errno = ENOMEM, -1;
        map[i] = page.VirtualAttributes.Valid;
    }
    return 0;
}

#endif
