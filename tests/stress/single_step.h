/* SPDX-License-Identifier: MIT */
/* single_step.h: a call is stopped after each of its instructions, by x86-64's trap flag. */
#ifndef BARROW_TESTS_SINGLE_STEP_H
#define BARROW_TESTS_SINGLE_STEP_H

#include <signal.h>
#include <ucontext.h>

enum { TRAP_FLAG = 0x100 };

static volatile sig_atomic_t stepping;
static void (*volatile stepped_hook)(void);

static void on_trap(int signal, siginfo_t *info, void *context)
{
    greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
    (void)signal;
    (void)info;
    if (!stepping) {
        *flags &= ~TRAP_FLAG;
        return;
    }
    *flags |= TRAP_FLAG;
    stepped_hook();
}

/* To be called once; 0: it worked. */
static int single_step_prepare(void)
{
    struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
    sigemptyset(&action.sa_mask);
    return sigaction(SIGTRAP, &action, NULL);
}

/* Calls the function, and the hook, in a signal handler, after each instruction of it. */
static void single_step(void call(void), void hook(void))
{
    stepped_hook = hook;
    stepping = 1;
    raise(SIGTRAP);
    call();
    stepping = 0;
}

#endif
