/* SPDX-License-Identifier: MIT */
/* host_watch.c: written pages on Linux, by userfaultfd with asynchronous write protection: the
 * kernel protects the pages, and lifts the protection by itself at the first write; PAGEMAP_SCAN
 * tells which pages have lost it. No signal, no thread and no message is involved. */
#include "win32/host/host_watch.h"
#include "win32/host/host_call.h"
#include "win32/host/host_userfault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>

/* The kernel's interface, as in host_userfault.h. */
struct watch_protect {
    struct userfault_range range;
    uint64_t mode;
};
#define WATCH_PROTECT _IOWR(0xAA, 0x06, struct watch_protect)
#define PROTECT_WP    (UINT64_C(1) << 0)

struct pagemap_scan {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN _IOWR('f', 16, struct pagemap_scan)
#define PAGE_WRITTEN (UINT64_C(1) << 1)

/* Opened at the first use, under the caller's lock; -1: not open. */
static int watch_fd = -1;

int host_watch_start(uintptr_t address, size_t size)
{
    int error = host_userfault_open(&watch_fd, USERFAULT_WP_ASYNC | USERFAULT_WP_UNPOPULATED);
    return error != 0 ? error
                      : host_userfault_register(watch_fd, address, size, USERFAULT_WRITE_PROTECTED);
}

int host_watch_clean(uintptr_t address, size_t size)
{
    if (watch_fd < 0) /* in the child of a fork: all counts as written */
        return 0;
    struct watch_protect range = { .range = { address, size }, .mode = PROTECT_WP };
    return ioctl(watch_fd, WATCH_PROTECT, &range) == 0 ? 0 : errno;
}

int host_watch_written(uintptr_t address, size_t size, struct host_watch_run *runs, size_t max,
                       size_t *count)
{
    int fd = (int)call_openat(AT_FDCWD, "/proc/self/pagemap", O_RDONLY, 0);
    if (fd < 0)
        return -fd;
    struct pagemap_scan scan = { .size = sizeof(scan),
                                 .start = address,
                                 .end = address + size,
                                 .vec = (uintptr_t)runs,
                                 .vec_len = max,
                                 .category_mask = PAGE_WRITTEN,
                                 .return_mask = PAGE_WRITTEN };
    long n = ioctl(fd, PAGEMAP_SCAN, &scan);
    int error = n < 0 ? errno : 0;
    call_close(fd);
    *count = n < 0 ? 0 : (size_t)n;
    return error;
}

void host_watch_forget(void)
{
    host_userfault_forget(&watch_fd);
}
