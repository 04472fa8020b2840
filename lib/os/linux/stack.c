/* SPDX-License-Identifier: MIT */
/* The C library's backtrace() reads the tables that compilers leave for exceptions, so it needs no
 * frame pointers; glibc loads libgcc_s for it at its first call, which is made early. Where there
 * is none (musl, static programs), the chain of frame pointers is followed. Whatever it leads to is
 * read through the kernel, so that a register that holds something else can't cause a fault. */
#include "os/stack.h"

#include "os/linux/syscall.h"
#include "os/process.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

extern int backtrace(void **addresses, int most) __attribute__((weak));
extern int dladdr(const void *address, Dl_info *info) __attribute__((weak));

enum { OWN_MOST = 8, /* frames of ours below the caller */ FRAME_MOST = 1024 * 1024 };

void os_stack_prepare(void)
{
    void *one;
    if (backtrace != NULL)
        backtrace(&one, 1);
}

/* Whether an address is in the shared library that this code is in; in a program that is linked
 * with it there is no telling. */
static bool is_own(uintptr_t address)
{
    Dl_info here, there;
    return dladdr != NULL && dladdr((void *)(uintptr_t)is_own, &here) != 0 &&
           dladdr((void *)address, &there) != 0 && here.dli_fbase == there.dli_fbase &&
           strstr(here.dli_fname, "libbarrow") != NULL;
}

static bool read_frame(uintptr_t frame, uintptr_t words[2])
{
    struct iovec to = { words, 2 * sizeof *words }, from = { (void *)frame, 2 * sizeof *words };
    return syscall6(SYS_process_vm_readv, os_process_id(), (long)&to, 1, (long)&from, 1, 0) ==
           2 * sizeof *words;
}

static size_t follow_frames(uintptr_t frame, uintptr_t *addresses, size_t most)
{
    uintptr_t words[2]; /* the caller's frame, and where it goes on */
    size_t n = 0;
    while (n < most && frame % sizeof frame == 0 && read_frame(frame, words) && words[1] != 0) {
        addresses[n++] = words[1];
        if (words[0] <= frame || words[0] - frame > FRAME_MOST)
            break;
        frame = words[0];
    }
    return n;
}

NOINLINE size_t os_stack(uintptr_t *addresses, size_t most)
{
    enum { STACK_MAX = 64 };
    uintptr_t all[STACK_MAX];
    size_t want = most + OWN_MOST < STACK_MAX ? most + OWN_MOST : STACK_MAX, first = 0;
    size_t n = backtrace != NULL ? (size_t)backtrace((void **)all, (int)want)
                                 : follow_frames((uintptr_t)__builtin_frame_address(0), all, want);
    while (first < n && is_own(all[first]))
        first++;
    n = n - first < most ? n - first : most;
    memcpy(addresses, all + first, n * sizeof *all);
    return n;
}

void os_stack_name(uintptr_t address, char *text, size_t capacity)
{
    Dl_info info;
    if (dladdr == NULL || dladdr((void *)address, &info) == 0 || info.dli_fname == NULL) {
        snprintf(text, capacity, "0x%zx", (size_t)address);
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    int n = snprintf(text, capacity, "%.60s+0x%zx", slash != NULL ? slash + 1 : info.dli_fname,
                     (size_t)(address - (uintptr_t)info.dli_fbase));
    if (info.dli_sname != NULL && n > 0 && (size_t)n < capacity)
        snprintf(text + n, capacity - (size_t)n, " (%.80s+0x%zx)", info.dli_sname,
                 (size_t)(address - (uintptr_t)info.dli_saddr));
}
