/* SPDX-License-Identifier: MIT */
/* no_query.c: makes the kernel one from before 6.11, which can't be asked for the mapping at an
 * address. The library's calls of ioctl come here, as the program's symbols go before the C library's.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The low half of the request: type 'f', number 17; above it are the structure's size and direction. */
#define PROCMAP_QUERY ('f' << 8 | 17)

#if defined(__GLIBC__)
typedef unsigned long ioctl_request;
#else
typedef int ioctl_request;
#endif

int ioctl(int fd, ioctl_request request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if ((request & 0xFFFF) == PROCMAP_QUERY) {
        errno = ENOTTY;
        return -1;
    }
    return (int)syscall(SYS_ioctl, fd, request, argument);
}
