/* SPDX-License-Identifier: MIT */
/* host_map.c: mappings on Linux. */
#include "win32/host/host_map.h"

#include "win32/host/host_call.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static int place_flags(enum host_place place)
{
    switch (place) {
    case OS_AT:
        return MAP_FIXED_NOREPLACE;
    case OS_REPLACE:
        return MAP_FIXED;
    default:
        return 0;
    }
}

static int map(uintptr_t *address, size_t size, unsigned access, enum host_place place, int flags,
               int fd, uint64_t offset)
{
    void *p =
        mmap((void *)*address, size, (int)access, flags | place_flags(place), fd, (off_t)offset);
    if (p == MAP_FAILED)
        return errno;
    if (place == OS_AT && (uintptr_t)p != *address) { /* kernels before 4.17 take it as a hint */
        munmap(p, size);
        return EEXIST;
    }
    *address = (uintptr_t)p;
    return 0;
}

int host_map_anonymous(uintptr_t *address, size_t size, unsigned access, enum host_place place)
{
    return map(address, size, access, place, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int host_map_large(uintptr_t *address, size_t size, unsigned access, enum host_place place)
{
    return map(address, size, access, place, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
}

int host_map_file(uintptr_t *address, size_t size, unsigned access, enum host_place place, int fd,
                  uint64_t offset, bool copy)
{
    return map(address, size, access, place, copy ? MAP_PRIVATE : MAP_SHARED, fd, offset);
}

int host_unmap(uintptr_t address, size_t size)
{
    return munmap((void *)address, size) == 0 ? 0 : errno;
}

int host_map_protect(uintptr_t address, size_t size, unsigned access)
{
    return mprotect((void *)address, size, (int)access) == 0 ? 0 : errno;
}

static int advise(uintptr_t address, size_t size, int advice)
{
    return madvise((void *)address, size, advice) == 0 ? 0 : errno;
}

int host_map_discard(uintptr_t address, size_t size)
{
    int error = advise(address, size, MADV_DONTNEED);
    return error == EINVAL ? advise(address, size, MADV_DONTNEED_LOCKED) : error;
}

int host_map_lazy_free(uintptr_t address, size_t size)
{
    return advise(address, size, MADV_FREE);
}

int host_map_will_need(uintptr_t address, size_t size)
{
    return advise(address, size, MADV_WILLNEED);
}

int host_map_page_out(uintptr_t address, size_t size)
{
#ifdef MADV_PAGEOUT
    return advise(address, size, MADV_PAGEOUT);
#else
    (void)address, (void)size;
    return ENOSYS;
#endif
}

int host_map_lock(uintptr_t address, size_t size)
{
    return mlock((void *)address, size) == 0 ? 0 : errno;
}

int host_map_lock_on_fault(uintptr_t address, size_t size)
{
    enum { ON_FAULT = 1 };
    long error = -syscall4(SYS_mlock2, (long)address, (long)size, ON_FAULT, 0);
    return error == ENOSYS ? host_map_lock(address, size) : (int)error; /* before Linux 4.4 */
}

int host_map_unlock(uintptr_t address, size_t size)
{
    return munlock((void *)address, size) == 0 ? 0 : errno;
}

static size_t meminfo_value(const char *name)
{
    char text[4096];
    int fd = (int)call_openat(AT_FDCWD, "/proc/meminfo", O_RDONLY, 0);
    if (fd < 0)
        return 0;
    long n = call_read(fd, text, sizeof(text) - 1);
    call_close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *at = strstr(text, name);
    if (at == NULL)
        return 0;
    at += strlen(name);
    while (*at == ' ')
        at++;
    size_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (size_t)(*at - '0');
    return value;
}

size_t host_large_page_size(void)
{
    return meminfo_value("Hugepagesize:") * 1024;
}

size_t host_large_pages_free(void)
{
    return meminfo_value("HugePages_Free:");
}
