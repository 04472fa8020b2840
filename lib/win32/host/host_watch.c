/* SPDX-License-Identifier: MIT */
/* host_watch.c: written pages on Linux, by userfaultfd with asynchronous write protection: the
 * kernel protects the pages, and lifts the protection by itself at the first write; PAGEMAP_SCAN
 * tells which pages have lost it. No signal, no thread and no message is involved. */
#include "win32/host/host_watch.h"
#include "win32/host/host_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's interface, as not every C library comes with the kernel's headers, or new ones. */
struct watch_api {
    uint64_t api, features, ioctls;
};
struct watch_range {
    uint64_t start, size;
};
struct watch_register {
    struct watch_range range;
    uint64_t mode, ioctls;
};
struct watch_protect {
    struct watch_range range;
    uint64_t mode;
};
#define WATCH_API              UINT64_C(0xAA)
#define WATCH_OPEN             _IOWR(0xAA, 0x3F, struct watch_api)
#define WATCH_REGISTER         _IOWR(0xAA, 0x00, struct watch_register)
#define WATCH_PROTECT          _IOWR(0xAA, 0x06, struct watch_protect)
#define REGISTER_WP            (UINT64_C(1) << 1)
#define PROTECT_WP             (UINT64_C(1) << 0)
#define FEATURE_WP_UNPOPULATED (UINT64_C(1) << 13)
#define FEATURE_WP_ASYNC       (UINT64_C(1) << 15)
#define USER_MODE_ONLY         1

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
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | USER_MODE_ONLY);
    if (fd < 0)
        return ENOSYS;
    struct watch_api api = { .api = WATCH_API,
                             .features = FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED };
    if (ioctl(fd, WATCH_OPEN, &api) != 0) {
        call_close(fd);
        return ENOSYS;
    }
    watch_fd = fd;
    return 0;
}

int host_watch_start(uintptr_t address, size_t size)
{
    int error = open_watch();
    if (error != 0)
        return error;
    struct watch_register area = { .range = { address, size }, .mode = REGISTER_WP };
    return ioctl(watch_fd, WATCH_REGISTER, &area) == 0 ? 0 : ENOSYS;
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
    if (watch_fd >= 0)
        call_close(watch_fd);
    watch_fd = -1;
}
