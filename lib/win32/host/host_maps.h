/* SPDX-License-Identifier: MIT */
/* host_maps.h: the process's mappings as the kernel knows them, those of others included. Guarded by
 * win32_lock. */
#ifndef BARROW_WIN32_HOST_HOST_MAPS_H
#define BARROW_WIN32_HOST_HOST_MAPS_H

#include <stdbool.h>
#include <stdint.h>

/* One mapping of the process as the kernel knows it. */
struct host_mapping {
    uintptr_t start;
    uintptr_t end;
    unsigned access;
    bool shared;
    uint64_t device;
    uint64_t inode; /* 0: anonymous */
};

/* How old an answer may be where the kernel can only list all mappings. */
enum host_maps_age {
    OS_MAPS_NOW,
    OS_MAPS_OF_A_WALK, /* a little older, unless the sizes of the mappings have changed since */
    OS_MAPS_SAME       /* of the same reading as the answer before */
};

/* The mapping that covers the address, or else the next one above it. ENOENT: there is none; other
 * errno values: the kernel does not tell. */
int host_mapping_at(uintptr_t address, enum host_maps_age age, struct host_mapping *out);
/* The same by reading the list as text, as on kernels before 6.11. */
int host_mapping_at_text(uintptr_t address, enum host_maps_age age, struct host_mapping *out);

/* Gives the memory of the last reading back. */
void host_maps_forget(void);

#endif
