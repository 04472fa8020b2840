/* SPDX-License-Identifier: MIT */
/* host_hole.c: see host_hole.h. */
#include "win32/host/host_hole.h"
#include "win32/host/host_userfault.h"

static int trap_fd = -1; /* guarded by win32_lock */

int host_hole_trap(uintptr_t address, size_t size)
{
    int error = host_userfault_open(&trap_fd, USERFAULT_SIGBUS | USERFAULT_MISSING_SHARED);
    return error != 0 ? error : host_userfault_register(trap_fd, address, size, USERFAULT_MISSING);
}

bool host_hole_forget(void)
{
    bool trapped = trap_fd >= 0;
    host_userfault_forget(&trap_fd);
    return trapped;
}
