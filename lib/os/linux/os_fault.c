/* SPDX-License-Identifier: MIT */
/* os_fault.c: the handler for SIGSEGV on Linux, installed only once something needs it, and put in
 * front again when by then the program has installed one of its own. */
#include "../os_process.h"

#include <errno.h>
#include <signal.h>

static enum os_fault (*resolve_fault)(uintptr_t address);
static uint32_t guard_page_status, other_status;
static struct sigaction earlier; /* what the program had */

static void die_of_it(void)
{
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
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

/* A handler that we pass faults on to may have us as its own earlier one, and send them back. */
static bool comes_back(const siginfo_t *info)
{
    return info->si_errno == (int)guard_page_status || info->si_errno == (int)other_status;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    enum os_fault what = OS_FAULT_OTHER;
    if (comes_back(info)) {
        die_of_it();
        return;
    }
    if (info->si_code > 0) /* from the kernel, not from kill */
        what = resolve_fault((uintptr_t)info->si_addr);
    errno = saved;
    if (what == OS_FAULT_RESOLVED)
        return;
    info->si_errno = (int)(what == OS_FAULT_GUARD ? guard_page_status : other_status);
    pass_on(number, info, context);
}

/* SA_NODEFER, so that an earlier handler may leave by longjmp, as many do. */
void os_fault_handler(enum os_fault (*resolve)(uintptr_t address), uint32_t guard_status,
                      uint32_t status)
{
    struct sigaction now, action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    if (sigaction(SIGSEGV, NULL, &now) != 0)
        return;
    if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault)
        return;
    earlier = now;
    resolve_fault = resolve;
    guard_page_status = guard_status;
    other_status = status;
    action.sa_sigaction = on_fault;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, NULL);
}
