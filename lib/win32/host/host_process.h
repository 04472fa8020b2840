/* SPDX-License-Identifier: MIT */
/* host_process.h: the process's and the machine's memory as the kernel counts it; faults.
 */
#ifndef BARROW_WIN32_HOST_HOST_PROCESS_H
#define BARROW_WIN32_HOST_HOST_PROCESS_H

#include "win32/host/host_trap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_counters {
    uint64_t page_faults;
    uint64_t resident, resident_peak; /* bytes */
    uint64_t private_bytes;           /* anonymous, in memory and in swap */
};

/* False: there is no /proc. */
bool host_counters(struct host_counters *out);

struct host_memory {
    uint64_t total, available;
    uint64_t swap_total, swap_free;
    uint64_t address_space, address_space_used;
};

bool host_memory(struct host_memory *out);

unsigned host_processors(void);
uint64_t host_processor_mask(void);
void host_sleep(uint32_t milliseconds);

enum host_fault {
    OS_FAULT_RESOLVED, /* go on: the access will work now */
    OS_FAULT_GUARD,    /* a guard page was touched, and is a guard no more */
    OS_FAULT_OTHER     /* no matter of ours */
};

/* Sends faults on memory (SIGSEGV) to the function first. What it does not resolve goes to the
 * handler that the program had installed before, with si_errno set to guard_status or to status.
 * Without such a handler the process dies of the signal. May be called again at any time, to come
 * before a handler that was installed since. */
void host_fault_handler(enum host_fault (*resolve)(uintptr_t address, enum host_access access),
                        uint32_t guard_status, uint32_t status);

/* Sends accesses to holes (SIGBUS, see host_hole.h) to the function first, in the same way. It returns
 * OS_FAULT_RESOLVED for the access to be made again, or OS_FAULT_OTHER. */
void host_hole_handler(enum host_fault (*resolve)(uintptr_t address));

#endif
