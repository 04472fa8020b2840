/* SPDX-License-Identifier: MIT */
/* VirtualAlloc's own words. A failure leaves the thread's last error as it was. */
#include "os/vm.h"

#include "os/windows/module.h"

#include <stdatomic.h>
#include <windows.h>

size_t os_page_size(void)
{
    return 4096;
}

static void *virtual_alloc(void *address, size_t size, DWORD type, DWORD protection)
{
    DWORD error = GetLastError();
    void *memory = VirtualAlloc(address, size, type, protection);
    if (memory == NULL)
        SetLastError(error);
    return memory;
}

static bool virtual_free(void *address, size_t size, DWORD type)
{
    DWORD error = GetLastError();
    bool done = VirtualFree(address, size, type);
    if (!done)
        SetLastError(error);
    return done;
}

void *os_reserve(size_t size)
{
    return virtual_alloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS);
}

/* A reservation can't be given back in parts: a larger one tells where there is room, and is given
 * back. Another thread may be faster. */
void *os_reserve_aligned(size_t size, size_t align, size_t offset)
{
    enum { TRIES = 8 };
    for (int i = 0; i < TRIES; i++) {
        char *memory = os_reserve(size + align);
        if (memory == NULL)
            return NULL;
        char *start = (char *)round_up((uintptr_t)memory + offset, align) - offset;
        virtual_free(memory, 0, MEM_RELEASE);
        start = virtual_alloc(start, size, MEM_RESERVE, PAGE_NOACCESS);
        if (start != NULL)
            return start;
    }
    return NULL;
}

void os_exclude_from_dumps(const void *address, size_t size)
{
    (void)address;
    (void)size;
}

bool os_commit(void *address, size_t size)
{
    return virtual_alloc(address, size, MEM_COMMIT, PAGE_READWRITE) != NULL;
}

bool os_forbid(void *address, size_t size)
{
    return virtual_free(address, size, MEM_DECOMMIT);
}

bool os_commit_executable(void *address, size_t size)
{
    return virtual_alloc(address, size, MEM_COMMIT, PAGE_EXECUTE_READWRITE) != NULL;
}

bool os_purge(void *address, size_t size)
{
    return virtual_free(address, size, MEM_DECOMMIT);
}

bool os_recommit(void *address, size_t size)
{
    return size == 0 || os_commit(address, size);
}

/* Unlocking memory that is not locked fails and removes it from the working set: so the pages,
 * whose contents are no longer needed, go at once and not when memory is short. */
bool os_discard(void *address, size_t size)
{
    DWORD error = GetLastError();
    bool done = VirtualAlloc(address, size, MEM_RESET, PAGE_NOACCESS) != NULL;
    if (done)
        VirtualUnlock(address, size);
    SetLastError(error);
    return done;
}

bool os_renew(void *address, size_t size)
{
    return os_purge(address, size);
}

/* Windows moves no pages. */
enum os_moved os_move(void *from, void *to, size_t size)
{
    (void)from;
    (void)to;
    (void)size;
    return OS_NOT_MOVED;
}

void os_populate(void *address, size_t size)
{
    (void)address;
    (void)size;
}

/* Large pages are a privilege here, and can't be asked for page by page. */
void os_advise_huge(void *address, size_t size, bool wanted)
{
    (void)address;
    (void)size;
    (void)wanted;
}

bool os_release(void *address, size_t size)
{
    (void)size;
    return virtual_free(address, 0, MEM_RELEASE);
}

bool os_has_address_space(size_t size)
{
    (void)size;
    return true; /* there is no limit of the program's own */
}

bool os_has_memory(size_t size)
{
    void *probe = virtual_alloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (probe != NULL)
        virtual_free(probe, 0, MEM_RELEASE);
    return probe != NULL;
}

/* The command of Windows makes no page to share. */
void *os_map_shared(const char *path, size_t size)
{
    (void)path;
    (void)size;
    return NULL;
}
