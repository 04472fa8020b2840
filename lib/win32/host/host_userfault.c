/* SPDX-License-Identifier: MIT */
/* host_userfault.c: see host_userfault.h. */
#include "win32/host/host_userfault.h"
#include "win32/host/host_call.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct userfault_api {
    uint64_t api, features, ioctls;
};
struct userfault_registration {
    struct userfault_range range;
    uint64_t mode, ioctls;
};
#define USERFAULT_API      UINT64_C(0xAA)
#define USERFAULT_OPEN     _IOWR(0xAA, 0x3F, struct userfault_api)
#define USERFAULT_REGISTER _IOWR(0xAA, 0x00, struct userfault_registration)
#define USER_MODE_ONLY     1

int host_userfault_open(int *fd, uint64_t features)
{
    if (*fd >= 0)
        return 0;
    int opened = (int)syscall(SYS_userfaultfd, O_CLOEXEC | USER_MODE_ONLY);
    if (opened < 0)
        return ENOSYS;
    struct userfault_api api = { .api = USERFAULT_API, .features = features };
    if (ioctl(opened, USERFAULT_OPEN, &api) != 0) {
        call_close(opened);
        return ENOSYS;
    }
    *fd = opened;
    return 0;
}

int host_userfault_register(int fd, uintptr_t address, size_t size, uint64_t mode)
{
    struct userfault_registration area = { .range = { address, size }, .mode = mode };
    return ioctl(fd, USERFAULT_REGISTER, &area) == 0 ? 0 : ENOSYS;
}

void host_userfault_forget(int *fd)
{
    if (*fd >= 0)
        call_close(*fd);
    *fd = -1;
}
