/* SPDX-License-Identifier: MIT */
/* host_program.c: see host_program.h. */
#include "win32/host/host_program.h"

#include "os/linux/syscall.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint32_t host_thread(void)
{
    return (uint32_t)syscall4(SYS_gettid, 0, 0, 0, 0);
}

/* The program itself is the first that the C library lists. */
static int note_base(struct dl_phdr_info *info, size_t size, void *base)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_LOAD) {
            *(uintptr_t *)base = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            break;
        }
    }
    return 1;
}

uintptr_t host_program_base(void)
{
    uintptr_t base = 0;
    dl_iterate_phdr(note_base, &base);
    return base;
}

int host_program_path(char *path, size_t capacity)
{
    ssize_t n = readlink("/proc/self/exe", path, capacity - 1);
    if (n < 0)
        return errno;
    path[n] = '\0';
    return 0;
}

void host_write_error(const char *text, size_t bytes)
{
    while (bytes > 0) {
        long n = syscall4(SYS_write, STDERR_FILENO, (long)text, (long)bytes, 0);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return;
        text += n;
        bytes -= (size_t)n;
    }
}

bool host_is_traced(void)
{
    static const char label[] = "\nTracerPid:\t";
    char text[2048];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    const char *found = strstr(text, label);
    return found != NULL && atol(found + sizeof(label) - 1) != 0;
}

void host_break(void)
{
    raise(SIGTRAP);
}
