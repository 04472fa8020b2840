/* SPDX-License-Identifier: MIT */
/* host_watch.h: which pages of a range were written. On Linux: userfaultfd's asynchronous write
 * protection and PAGEMAP_SCAN (kernel 6.7); host_watch_start fails with ENOSYS elsewhere. */
#ifndef BARROW_WIN32_HOST_HOST_WATCH_H
#define BARROW_WIN32_HOST_HOST_WATCH_H

#include <stddef.h>
#include <stdint.h>

struct host_watch_run {
    uint64_t start;
    uint64_t end;
    uint64_t kind;
};

/* Starts to watch a private anonymous range, of whatever access. */
int host_watch_start(uintptr_t address, size_t size);
/* Marks pages of a watched range as not written. Must be called for pages made accessible. */
int host_watch_clean(uintptr_t address, size_t size);
/* Stores up to max runs of written pages, ascending, in runs and their number in *count. */
int host_watch_written(uintptr_t address, size_t size, struct host_watch_run *runs, size_t max,
                       size_t *count);
/* In the child of a fork: nothing is watched there. */
void host_watch_forget(void);

#endif
