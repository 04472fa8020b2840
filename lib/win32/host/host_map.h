/* SPDX-License-Identifier: MIT */
/* host_map.h: mappings of the address space, as the Win32 face needs them. Functions that can fail
 * return 0 or an errno value; none sets errno on purpose. Addresses and sizes are whole pages. */
#ifndef BARROW_WIN32_HOST_HOST_MAP_H
#define BARROW_WIN32_HOST_HOST_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Access to pages; the values are those of PROT_READ, PROT_WRITE and PROT_EXEC. */
enum { OS_NONE = 0, OS_READ = 1, OS_WRITE = 2, OS_EXEC = 4 };

enum host_place {
    OS_NEAR,   /* at the address when it is free, else anywhere */
    OS_AT,     /* at the address, which must be free */
    OS_REPLACE /* at the address, in place of what is there */
};

int host_map_anonymous(uintptr_t *address, size_t size, unsigned access, enum host_place place);
int host_map_large(uintptr_t *address, size_t size, unsigned access, enum host_place place);
int host_map_file(uintptr_t *address, size_t size, unsigned access, enum host_place place, int fd,
                  uint64_t offset, bool copy);
int host_unmap(uintptr_t address, size_t size);
int host_map_protect(uintptr_t address, size_t size, unsigned access);

/* Zero-fills private pages by giving the memory back. */
int host_map_discard(uintptr_t address, size_t size);
/* Lets the kernel take private pages whenever it needs memory; a write takes that back. */
int host_map_lazy_free(uintptr_t address, size_t size);
int host_map_will_need(uintptr_t address, size_t size);
int host_map_page_out(uintptr_t address, size_t size);
/* Locks pages, and reads all of them in; or each at its first access, so that the call waits for
 * nothing. */
int host_map_lock(uintptr_t address, size_t size);
int host_map_lock_on_fault(uintptr_t address, size_t size);
int host_map_unlock(uintptr_t address, size_t size);

/* One word a page: what /proc/self/pagemap says. */
#define OS_PAGE_PRESENT (UINT64_C(1) << 63)
#define OS_PAGE_SWAPPED (UINT64_C(1) << 62)
#define OS_PAGE_SHARED  (UINT64_C(1) << 61) /* of a file or of shared memory */
int host_pagemap_read(uintptr_t address, size_t pages, uint64_t *words);
/* Opens the page map, so that later reads need no free descriptor. win32_lock is held for both. */
int host_pagemap_keep(void);

/* Bytes in a large page, and how many are free now. */
size_t host_large_page_size(void);
size_t host_large_pages_free(void);

#endif
