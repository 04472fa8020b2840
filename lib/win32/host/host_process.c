/* SPDX-License-Identifier: MIT */
/* host_process.c: counters on Linux, from /proc. No call here allocates. */
#include "win32/host/host_process.h"
#include "win32/host/host_call.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static bool read_text(const char *path, char *text, size_t capacity)
{
    int fd = (int)call_openat(AT_FDCWD, path, O_RDONLY, 0);
    if (fd < 0)
        return false;
    long n = call_read(fd, text, capacity - 1);
    call_close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The number behind a name, in kilobytes; as bytes. 0 when the name is not there. */
static uint64_t kilobytes(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    if (at == NULL)
        return 0;
    at += strlen(name);
    while (*at == ' ' || *at == '\t')
        at++;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return value * 1024;
}

bool host_counters(struct host_counters *out)
{
    char text[4096];
    struct rusage usage;
    memset(out, 0, sizeof(*out));
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        out->page_faults = (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
    if (!read_text("/proc/self/status", text, sizeof(text)))
        return false;
    out->resident = kilobytes(text, "VmRSS:");
    out->resident_peak = kilobytes(text, "VmHWM:");
    out->private_bytes = kilobytes(text, "RssAnon:") + kilobytes(text, "VmSwap:");
    return true;
}

bool host_memory(struct host_memory *out)
{
    char text[4096];
    memset(out, 0, sizeof(*out));
    if (!read_text("/proc/meminfo", text, sizeof(text)))
        return false;
    out->total = kilobytes(text, "MemTotal:");
    out->available = kilobytes(text, "MemAvailable:");
    out->swap_total = kilobytes(text, "SwapTotal:");
    out->swap_free = kilobytes(text, "SwapFree:");
    out->address_space = (uint64_t)1 << 47;
    if (read_text("/proc/self/status", text, sizeof(text)))
        out->address_space_used = kilobytes(text, "VmSize:");
    return true;
}

unsigned host_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

uint64_t host_processor_mask(void)
{
    unsigned n = host_processors();
    return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

void host_sleep(uint32_t milliseconds)
{
    struct timespec left = { .tv_sec = milliseconds / 1000,
                             .tv_nsec = (long)(milliseconds % 1000) * 1000000 };
    while (syscall4(SYS_nanosleep, (long)&left, (long)&left, 0, 0) == -EINTR)
        continue;
}
