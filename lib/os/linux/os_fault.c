/* SPDX-License-Identifier: MIT */
/* os_fault.c: the handler for SIGSEGV on Linux, installed only once something needs it. */
#include "../os_process.h"

#include <errno.h>
#include <signal.h>

static enum os_fault (*resolve_fault)(uintptr_t address);
static uint32_t guard_page_status;
static struct sigaction earlier; /* what the program had */
static bool installed;

static void die_of_it(void)
{
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV); /* blocked until the handler returns */
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    if ((earlier.sa_flags & SA_SIGINFO) != 0)
        earlier.sa_sigaction(number, info, context);
    else if (earlier.sa_handler == SIG_DFL || earlier.sa_handler == SIG_IGN)
        die_of_it();
    else
        earlier.sa_handler(number);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    enum os_fault what = OS_FAULT_OTHER;
    if (info->si_code > 0) /* from the kernel, not from kill */
        what = resolve_fault((uintptr_t)info->si_addr);
    if (what == OS_FAULT_GUARD)
        info->si_errno = (int)guard_page_status;
    errno = saved;
    if (what != OS_FAULT_RESOLVED)
        pass_on(number, info, context);
}

/* SA_NODEFER, so that an earlier handler may leave by longjmp, as many do. */
void os_fault_handler(enum os_fault (*resolve)(uintptr_t address), uint32_t guard_status)
{
    if (installed)
        return;
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    action.sa_sigaction = on_fault;
    sigemptyset(&action.sa_mask);
    resolve_fault = resolve;
    guard_page_status = guard_status;
    installed = sigaction(SIGSEGV, &action, &earlier) == 0;
}
