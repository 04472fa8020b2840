/* SPDX-License-Identifier: MIT */
/* remote.h: the library inside another process, found and read from outside. The process is not
 * stopped, and does nothing for it. What it holds is not trusted: every size and offset that comes
 * from it is checked before it is used. */
#ifndef BARROW_TOOLS_REMOTE_H
#define BARROW_TOOLS_REMOTE_H

#include "diag/layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct remote {
    pid_t pid;
    struct heap_layout heap;
    struct region_layout region;
    struct threads_layout threads;
    struct medium_layout medium;
    struct slots_layout slots;
};

enum remote_result {
    REMOTE_FOUND,
    REMOTE_GONE,    /* there is no such process */
    REMOTE_REFUSED, /* the system does not allow it to be read */
    REMOTE_WITHOUT, /* it does not have the library */
    REMOTE_UNKNOWN, /* its library is of another version, or damaged */
};

enum remote_result remote_open(struct remote *remote, pid_t pid);

/* The same, with a message when it is not found. */
bool remote_require(struct remote *remote, pid_t pid);

/* All of it, or false: the memory is not there any more, or the process is not. */
bool remote_read(const struct remote *remote, uint64_t address, void *to, size_t size);

/* What stands at an address that a layout gives; 0 when it can't be read. */
uint64_t remote_word(const struct remote *remote, const void *address);
uint32_t remote_half_word(const struct remote *remote, const void *address);

/* The process's name as ps shows it, without characters that a terminal would obey; "?" if it is gone. */
void remote_name(pid_t pid, char *name, size_t size);

#endif
