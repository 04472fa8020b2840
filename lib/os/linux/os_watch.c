/* SPDX-License-Identifier: MIT */
/* os_watch.c: written pages on Linux, by userfaultfd with asynchronous write protection: the kernel
 * protects the pages, and lifts the protection by itself at the first write; PAGEMAP_SCAN tells
 * which pages have lost it. No signal, no thread and no message is involved. */
#include "../os_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of the C library. */
#define FEATURE_WP_UNPOPULATED (UINT64_C(1) << 13)
#define FEATURE_WP_ASYNC       (UINT64_C(1) << 15)
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

struct pagemap_scan {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN _IOWR('f', 16, struct pagemap_scan)
#define PAGE_WRITTEN (UINT64_C(1) << 1)

/* Opened at the first use, under the caller's lock; -1: not open. */
static int watch_fd = -1;

static int open_watch(void)
{
    if (watch_fd >= 0)
        return 0;
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    if (fd < 0)
        return ENOSYS;
    struct uffdio_api api = { .api = UFFD_API,
                              .features = FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED };
    if (ioctl(fd, UFFDIO_API, &api) != 0) {
        close(fd);
        return ENOSYS;
    }
    watch_fd = fd;
    return 0;
}

int os_watch_start(uintptr_t address, size_t size)
{
    int error = open_watch();
    if (error != 0)
        return error;
    struct uffdio_register area = { .range = { address, size }, .mode = UFFDIO_REGISTER_MODE_WP };
    return ioctl(watch_fd, UFFDIO_REGISTER, &area) == 0 ? 0 : ENOSYS;
}

int os_watch_clean(uintptr_t address, size_t size)
{
    if (watch_fd < 0) /* in the child of a fork: all counts as written */
        return 0;
    struct uffdio_writeprotect range = { .range = { address, size },
                                         .mode = UFFDIO_WRITEPROTECT_MODE_WP };
    return ioctl(watch_fd, UFFDIO_WRITEPROTECT, &range) == 0 ? 0 : errno;
}

int os_watch_written(uintptr_t address, size_t size, struct os_watch_run *runs, size_t max,
                     size_t *count)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    struct pagemap_scan scan = { .size = sizeof(scan),
                                 .start = address,
                                 .end = address + size,
                                 .vec = (uintptr_t)runs,
                                 .vec_len = max,
                                 .category_mask = PAGE_WRITTEN,
                                 .return_mask = PAGE_WRITTEN };
    long n = ioctl(fd, PAGEMAP_SCAN, &scan);
    int error = n < 0 ? errno : 0;
    close(fd);
    *count = n < 0 ? 0 : (size_t)n;
    return error;
}

void os_watch_forget(void)
{
    if (watch_fd >= 0)
        close(watch_fd);
    watch_fd = -1;
}
