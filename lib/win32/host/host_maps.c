/* SPDX-License-Identifier: MIT */
/* host_maps.c: what the kernel has mapped where. Linux 6.11 answers for one address (PROCMAP_QUERY);
 * older kernels have only the list of all mappings, as text. Of that, a reading is kept as a sorted
 * array for as long as host_maps.h says, so that a walk over the address space reads it a few times
 * and not once a step. */
#include "win32/host/host_maps.h"

#include "os/vm.h"
#include "win32/host/host_call.h"
#include "win32/host/host_map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

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
    char bytes[16384];
};

static int next_byte(struct reader *in)
{
    if (in->at == in->filled) {
        long n = call_read(in->fd, in->bytes, sizeof(in->bytes));
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

/* ---- one reading ------------------------------------------------------------------------------*/

/* A reading may be as old as some times what it took: so reading costs a walk a tenth at most. */
enum { AGE_PER_COST = 10 };
#define AGE_MIN UINT64_C(1000000) /* ns */

static struct {
    struct host_mapping *mappings;
    size_t count, capacity;
    uint64_t read_at, cost; /* ns */
    char sizes[128];        /* /proc/self/statm then, except what is resident */
} reading;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The sizes of all mappings together: total, and data. A mapping that comes or goes changes them.
 * Resident and shared pages come second and third, and change without that. */
static void read_sizes(char *sizes, size_t capacity)
{
    char text[128];
    unsigned column = 0;
    size_t used = 0;
    int fd = (int)call_openat(AT_FDCWD, "/proc/self/statm", O_RDONLY, 0);
    long length = fd >= 0 ? call_read(fd, text, sizeof(text)) : 0;
    if (fd >= 0)
        call_close(fd);
    for (long i = 0; i < length && used < capacity - 1; i++) {
        column += text[i] == ' ';
        if (column != 1 && column != 2)
            sizes[used++] = text[i];
    }
    sizes[used] = '\0';
}

static bool grow(void)
{
    size_t capacity = reading.capacity == 0 ? 512 : 2 * reading.capacity;
    uintptr_t address = 0;
    size_t bytes = round_up(capacity * sizeof(struct host_mapping), os_page_size());
    if (host_map_anonymous(&address, bytes, OS_READ | OS_WRITE, OS_NEAR) != 0)
        return false;
    if (reading.count != 0)
        memcpy((void *)address, reading.mappings, reading.count * sizeof(struct host_mapping));
    host_maps_forget();
    reading.mappings = (struct host_mapping *)address;
    reading.capacity = bytes / sizeof(struct host_mapping);
    return true;
}

void host_maps_forget(void)
{
    size_t bytes = round_up(reading.capacity * sizeof(struct host_mapping), os_page_size());
    if (reading.mappings != NULL)
        host_unmap((uintptr_t)reading.mappings, bytes);
    reading.mappings = NULL;
    reading.capacity = 0;
}

/* An array that becomes too small is itself a new mapping: all is read again then. */
static int read_into_array(void)
{
    struct reader in;
    struct host_mapping mapping;
    in.at = in.filled = 0;
    in.fd = (int)call_openat(AT_FDCWD, "/proc/self/maps", O_RDONLY, 0);
    if (in.fd < 0)
        return -in.fd;
    reading.count = 0;
    while (read_mapping(&in, &mapping)) {
        if (reading.count < reading.capacity)
            reading.mappings[reading.count] = mapping;
        reading.count++;
    }
    call_close(in.fd);
    return 0;
}

static int read_all(void)
{
    uint64_t start = now();
    int error = read_into_array();
    while (error == 0 && reading.count > reading.capacity) {
        reading.count = 0;
        error = grow() ? read_into_array() : ENOMEM;
    }
    if (error != 0)
        reading.count = 0;
    read_sizes(reading.sizes, sizeof(reading.sizes));
    reading.read_at = now();
    reading.cost = reading.read_at - start;
    return error;
}

static bool is_fresh(void)
{
    char sizes[sizeof(reading.sizes)];
    uint64_t age = now() - reading.read_at, most = AGE_PER_COST * reading.cost;
    if (reading.count == 0 || age > (most > AGE_MIN ? most : AGE_MIN))
        return false;
    read_sizes(sizes, sizeof(sizes));
    return strcmp(sizes, reading.sizes) == 0;
}

/* Without memory for the array. */
static int find_in_text(uintptr_t address, struct host_mapping *out)
{
    struct reader in;
    in.at = in.filled = 0;
    in.fd = (int)call_openat(AT_FDCWD, "/proc/self/maps", O_RDONLY, 0);
    if (in.fd < 0)
        return -in.fd;
    bool found = false;
    while (!found && read_mapping(&in, out))
        found = out->end > address;
    call_close(in.fd);
    return found ? 0 : ENOENT;
}

/* The first mapping that ends above the address. */
static int find(uintptr_t address, struct host_mapping *out)
{
    size_t low = 0, high = reading.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reading.mappings[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == reading.count)
        return ENOENT;
    *out = reading.mappings[low];
    return 0;
}

/* ---- the calls --------------------------------------------------------------------------------*/

static bool has_no_ioctl;

static int ask(uintptr_t address, struct host_mapping *out)
{
    int fd = (int)call_openat(AT_FDCWD, "/proc/self/maps", O_RDONLY, 0);
    if (fd < 0)
        return -fd;
    int error = mapping_by_ioctl(fd, address, out);
    call_close(fd);
    has_no_ioctl = error == ENOTTY;
    return error;
}

int host_mapping_at_text(uintptr_t address, enum host_maps_age age, struct host_mapping *out)
{
    int error = 0;
    if (age == OS_MAPS_NOW || reading.count == 0 || (age == OS_MAPS_OF_A_WALK && !is_fresh()))
        error = read_all();
    if (error == ENOMEM)
        return find_in_text(address, out);
    return error != 0 ? error : find(address, out);
}

int host_mapping_at(uintptr_t address, enum host_maps_age age, struct host_mapping *out)
{
    int error = has_no_ioctl ? ENOTTY : ask(address, out);
    return error == 0 || error == ENOENT ? error : host_mapping_at_text(address, age, out);
}
