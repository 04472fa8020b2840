/* SPDX-License-Identifier: MIT */
/* host_map.c: mappings on Linux. */
#include "win32/host/host_map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* The ioctl of /proc/self/maps, in the kernel since 6.11 and in no released C library's headers. */
struct procmap_query {
    uint64_t size, query_flags, query_addr;
    uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
    uint32_t dev_major, dev_minor, vma_name_size, build_id_size;
    uint64_t vma_name_addr, build_id_addr;
};
#define PROCMAP_QUERY         _IOWR('f', 17, struct procmap_query)
#define PROCMAP_SHARED        0x08
#define PROCMAP_COVER_OR_NEXT 0x10

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
    return advise(address, size, MADV_DONTNEED);
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

int host_map_unlock(uintptr_t address, size_t size)
{
    return munlock((void *)address, size) == 0 ? 0 : errno;
}

static int mapping_by_ioctl(int fd, uintptr_t address, struct host_mapping *out)
{
    struct procmap_query query = { .size = sizeof(query),
                                   .query_flags = PROCMAP_COVER_OR_NEXT,
                                   .query_addr = address };
    if (ioctl(fd, PROCMAP_QUERY, &query) != 0)
        return errno;
    out->start = (uintptr_t)query.vma_start;
    out->end = (uintptr_t)query.vma_end;
    out->access = (unsigned)query.vma_flags & (OS_READ | OS_WRITE | OS_EXEC);
    out->shared = (query.vma_flags & PROCMAP_SHARED) != 0;
    out->device = (uint64_t)query.dev_major << 32 | query.dev_minor;
    out->inode = query.inode;
    return 0;
}

/* The parser of /proc/self/maps: lines "start-end rwxp offset major:minor inode name". */
struct reader {
    int fd;
    size_t at, filled;
    char bytes[4096];
};

static int next_byte(struct reader *in)
{
    if (in->at == in->filled) {
        ssize_t n = read(in->fd, in->bytes, sizeof(in->bytes));
        if (n <= 0)
            return -1;
        in->filled = (size_t)n;
        in->at = 0;
    }
    return (unsigned char)in->bytes[in->at++];
}

static int digit_value(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Reads a number and the one byte behind it, which it returns (-1 at the end). */
static int read_number(struct reader *in, unsigned base, uint64_t *value)
{
    int c = next_byte(in);
    for (*value = 0; digit_value(c) >= 0; c = next_byte(in))
        *value = *value * base + (unsigned)digit_value(c);
    return c;
}

static bool read_mapping(struct reader *in, struct host_mapping *out)
{
    uint64_t start, end, skipped, major, minor;
    if (read_number(in, 16, &start) != '-' || read_number(in, 16, &end) != ' ')
        return false;
    out->start = (uintptr_t)start;
    out->end = (uintptr_t)end;
    out->access = next_byte(in) == 'r' ? OS_READ : 0;
    out->access |= next_byte(in) == 'w' ? OS_WRITE : 0;
    out->access |= next_byte(in) == 'x' ? OS_EXEC : 0;
    out->shared = next_byte(in) == 's';
    next_byte(in);
    read_number(in, 16, &skipped);
    read_number(in, 16, &major);
    read_number(in, 16, &minor);
    out->device = major << 32 | minor;
    int c = read_number(in, 10, &out->inode);
    while (c != '\n' && c >= 0)
        c = next_byte(in);
    return true;
}

static int mapping_by_text(int fd, uintptr_t address, struct host_mapping *out)
{
    struct reader in;
    in.fd = fd;
    in.at = in.filled = 0;
    while (read_mapping(&in, out)) {
        if (out->end > address)
            return 0;
    }
    return ENOENT;
}

int host_mapping_at(uintptr_t address, struct host_mapping *out)
{
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = mapping_by_ioctl(fd, address, out);
    if (error != 0 && error != ENOENT)
        error = mapping_by_text(fd, address, out);
    close(fd);
    return error;
}

int host_mapping_at_text(uintptr_t address, struct host_mapping *out)
{
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = mapping_by_text(fd, address, out);
    close(fd);
    return error;
}

static size_t meminfo_value(const char *name)
{
    char text[4096];
    int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
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
