/* SPDX-License-Identifier: MIT */
/* host_pagemap.c: what the kernel says of single pages, from /proc/self/pagemap.
 *
 * Only the page map tells a copied page of a copy-on-write mapping from one that is still shared, and
 * it must tell when the process has used up its descriptors. So the file stays open from the first
 * use on. The descriptor is checked before each use: the child of a fork needs one of its own, since
 * the file shows the memory of the process that opened it, and a program may close descriptors that it
 * does not know. */
#include "win32/host/host_call.h"
#include "win32/host/host_map.h"

#include "os/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int kept = -1;
static pid_t opened_by;
static dev_t kept_device;
static ino_t kept_inode;

static bool is_still_open(void)
{
    struct stat s;
    return kept >= 0 && fstat(kept, &s) == 0 && s.st_dev == kept_device && s.st_ino == kept_inode;
}

static int open_map(void)
{
    struct stat s;
    int fd = (int)call_openat(AT_FDCWD, "/proc/self/pagemap", O_RDONLY, 0);
    if (fd < 0)
        return -fd;
    if (fstat(fd, &s) != 0) {
        call_close(fd);
        return EIO;
    }
    kept = fd;
    opened_by = getpid();
    kept_device = s.st_dev;
    kept_inode = s.st_ino;
    return 0;
}

int host_pagemap_keep(void)
{
    bool open = is_still_open();
    if (open && opened_by == getpid())
        return 0;
    if (open)
        call_close(kept);
    kept = -1;
    return open_map();
}

int host_pagemap_read(uintptr_t address, size_t pages, uint64_t *words)
{
    int error = host_pagemap_keep();
    if (error != 0)
        return error;
    uint64_t at = address / os_page_size() * sizeof(*words);
    long n = call_pread(kept, words, pages * sizeof(*words), at);
    return n == (long)(pages * sizeof(*words)) ? 0 : (n < 0 ? (int)-n : EIO);
}
