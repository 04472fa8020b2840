/* SPDX-License-Identifier: MIT */
/* fault.c: one handler for SIGSEGV and SIGBUS that reports the address and passes the signal on to the action that was
 * in place before. The handler keeps errno and takes no lock. */
#include "os/fault.h"

#include <errno.h>
#include <signal.h>

static void (*see_fault)(const void *address);
static struct sigaction earlier;

/* The access is made again when a handler returns: with the earlier action in place it ends as it
 * would have without us. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    if ((earlier.sa_flags & SA_SIGINFO) != 0)
        earlier.sa_sigaction(number, info, context);
    else if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN)
        earlier.sa_handler(number);
    else
        sigaction(number, &earlier, NULL);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code > 0) /* from the kernel, not from kill */
        see_fault(info->si_addr);
    errno = saved;
    pass_on(number, info, context);
}

/* SA_NODEFER, so that an earlier handler may leave by longjmp, as many do. */
void os_on_fault(void (*see)(const void *address))
{
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    see_fault = see;
    action.sa_sigaction = on_fault;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &earlier);
}
