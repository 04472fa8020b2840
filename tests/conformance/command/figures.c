/* SPDX-License-Identifier: MIT */
/* figures.c: a preload library that stands for barrow in the tests of the command: it writes
 * figures that are known beforehand, as tools/README.md says the library does, but allocates
 * nothing. The variable FIGURES makes it write them wrongly. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char figures[] = "live_blocks 1\n"
                              "live_bytes 1023\n"
                              "cached_blocks 12\n"
                              "cached_bytes 1024\n"
                              "committed 1572864\n"
                              "committed_peak 1073741824\n"
                              "commit_limit 0\n"
                              "reserved 1099511627776\n"
                              "purged 1048575\n"
                              "reservations 2\n"
                              "spans 1234\n"
                              "slabs 1200\n"
                              "large_blocks 34\n"
                              "large_bytes 35651584\n"
                              "threads 3\n"
                              "theaps 7\n"
                              "allocations 1234567\n"
                              "allocated_bytes 18446744073709551615\n"
                              "frees 999\n"
                              "of_a_later_version 5\n";

__attribute__((destructor)) static void write_figures(void)
{
    const char *path = getenv("BARROW_STATS");
    const char *fault = getenv("FIGURES");
    char block[2048];
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    int length = snprintf(block, sizeof block, "barrow-stats %ld a name\n%s%s", (long)getpid(),
                          figures, fault && strcmp(fault, "cut") == 0 ? "" : "end\n");
    if (write(fd, block, (size_t)length) != length)
        abort();
    close(fd);
}
