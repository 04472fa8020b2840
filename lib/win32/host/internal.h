/* SPDX-License-Identifier: MIT */
/* internal.h: what all files of the Win32 face share: sizes, rounding, the last error, the table
 * lock, and the hooks for fork and for faults. */
#ifndef BARROW_WIN32_HOST_INTERNAL_H
#define BARROW_WIN32_HOST_INTERNAL_H

#include "os/compiler.h"
#include "os/vm.h"
#include "os/win32_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES    (os_page_size()) /* 4, 16 or 64 KiB */
#define GRANULE_BYTES ((size_t)65536)

/* The bounds that GetSystemInfo answers and reservations keep to; and the end of user space. */
#define LOWEST_ADDRESS  ((uintptr_t)0x10000)
#define HIGHEST_ADDRESS ((uintptr_t)0x7FFFFFFEFFFF)
#define END_OF_USER     ((uintptr_t)0x7FFFFFFFF000)

static inline uintptr_t round_down(uintptr_t n, uintptr_t unit)
{
    return n & ~(unit - 1);
}

static inline bool is_aligned(uintptr_t n, uintptr_t unit)
{
    return (n & (unit - 1)) == 0;
}

/* Sets the last error and returns FALSE, 0 or NULL, so that a failure is one statement. */
static inline BOOL fail(DWORD error)
{
    SetLastError(error);
    return FALSE;
}

static inline void *fail_null(DWORD error)
{
    SetLastError(error);
    return NULL;
}

/* The Win32 error for an errno value. */
DWORD win32_error(int error);

/* Whether a handle is that of the calling process. */
static inline bool is_this_process(HANDLE process)
{
    return process == (HANDLE)(LONG_PTR)-1;
}

/* One lock guards the table of areas, the runs in them, the views of each section and the record of
 * locked pages. It is held across the system calls that change them, so that table and kernel agree
 * whenever it is free. First lock in order; the locks of handles, sections and metadata come after.
 */
void win32_lock(void);
void win32_unlock(void);
bool win32_lock_is_mine(void); /* for assertions */

/* fork: prepare takes every lock of the face; parent and child let go. Registered with
 * pthread_atfork at the first use of the face. */
void win32_fork_prepare(void);
void win32_fork_parent(void);
void win32_fork_child(void);

/* Called by whatever makes state that a fork must find whole. */
void win32_fork_register(void);

/* The parts that other files have in it. A child has no locked pages. */
void global_fork_prepare(void);
void global_fork_release(void);
void locked_fork_child(void);

#endif
