/* SPDX-License-Identifier: MIT */
/* syscall.h: system calls that leave errno alone: the result is the kernel's, -errno on failure. */
#ifndef BARROW_OS_LINUX_SYSCALL_H
#define BARROW_OS_LINUX_SYSCALL_H

#include "os/compiler.h"

#include <errno.h>
#include <sys/syscall.h>

#if defined(__x86_64__)

ALWAYS_INLINE long syscall6(long n, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

ALWAYS_INLINE long syscall6(long n, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

#else
#error "barrow knows the system call convention of x86-64 and aarch64 only"
#endif

ALWAYS_INLINE long syscall4(long n, long a, long b, long c, long d)
{
    return syscall6(n, a, b, c, d, 0, 0);
}

#endif
