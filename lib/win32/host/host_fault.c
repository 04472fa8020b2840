/* SPDX-License-Identifier: MIT */
/* host_fault.c: the handlers for faults and traps on Linux. They are installed only once something
 * needs them, and put in front again when by then the program has installed its own.
 *
 * An answer may take long and may leave by a jump, so it is not given on an alternate signal stack,
 * which is small and would be overwritten by the next signal. Instead, the handler that finds
 * itself there returns to an address that cannot be executed, with the alternate stack switched
 * off: the kernel then calls it again on the stack that the program was using. Only a stack that
 * has overflown leaves no choice. */
#include "win32/host/host_process.h"
#include "win32/host/host_registers.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

static enum host_fault (*_Atomic resolve_fault)(uintptr_t address, enum host_access access);
static enum host_fault (*_Atomic resolve_hole)(uintptr_t address);
static uint32_t guard_page_status, other_status;
static _Atomic(host_trap_answer *) give_answer;
static void (*say_last_words)(const struct host_trap *trap);

static struct earlier {
    int signal;
    struct sigaction action; /* what the program had */
} earlier[] = {
    { .signal = SIGSEGV }, { .signal = SIGBUS }, { .signal = SIGFPE }, { .signal = SIGILL }
};

static struct earlier *earlier_of(int number)
{
    struct earlier *at = earlier;
    while (at->signal != number)
        at++;
    return at;
}

/* ---- what happened ----------------------------------------------------------------------------*/

static const struct {
    int signal, code;
    enum host_trap_kind kind;
} kinds[] = {
    { SIGBUS, BUS_ADRALN, OS_TRAP_MISALIGNED },
    { SIGBUS, 0, OS_TRAP_PAGE_ERROR },
    { SIGFPE, FPE_INTOVF, OS_TRAP_INTEGER_OVERFLOW },
    { SIGFPE, FPE_FLTDIV, OS_TRAP_FLOAT_DIVIDE },
    { SIGFPE, FPE_FLTOVF, OS_TRAP_FLOAT_OVERFLOW },
    { SIGFPE, FPE_FLTUND, OS_TRAP_FLOAT_UNDERFLOW },
    { SIGFPE, FPE_FLTRES, OS_TRAP_FLOAT_INEXACT },
    { SIGFPE, FPE_FLTINV, OS_TRAP_FLOAT_INVALID },
    { SIGFPE, FPE_FLTSUB, OS_TRAP_BOUNDS },
    { SIGFPE, 0, OS_TRAP_INTEGER_DIVIDE },
    { SIGILL, ILL_PRVOPC, OS_TRAP_PRIVILEGED },
    { SIGILL, ILL_PRVREG, OS_TRAP_PRIVILEGED },
    { SIGILL, 0, OS_TRAP_ILLEGAL },
    { SIGSEGV, 0, OS_TRAP_ACCESS },
};

static enum host_trap_kind kind_of(int number, int code)
{
    size_t i = 0;
    while (kinds[i].signal != number || (kinds[i].code != code && kinds[i].code != 0))
        i++;
    return kinds[i].kind;
}

/* An access from just above the stack pointer to some frames below it, where there is no memory. */
static bool is_stack_overflow(uintptr_t address, uintptr_t sp)
{
    return address - (sp - 0x10000) < 0x11000;
}

static void describe(struct host_trap *trap, int number, const siginfo_t *info, ucontext_t *context,
                     enum host_fault what)
{
    uintptr_t address = (uintptr_t)info->si_addr;
    registers_get(context, &trap->registers);
    trap->give_up = false;
    trap->kind = kind_of(number, info->si_code);
    trap->access = registers_access(context, address);
    /* x86-64 does not say which address it was if no memory can have it. */
    trap->address = info->si_code == SI_KERNEL ? UINTPTR_MAX : address;
    if (what == OS_FAULT_GUARD)
        trap->kind = OS_TRAP_GUARD;
    else if (number == SIGSEGV && is_stack_overflow(address, trap->registers.sp))
        trap->kind = OS_TRAP_STACK;
}

/* ---- the way to the program's own stack -------------------------------------------------------*/

/* What the kernel has of a signal mask; the C library's type is larger than the context's field. */
#define MASK_BYTES 8

static THREAD_LOCAL struct {
    siginfo_t info;
    enum host_fault what;
    struct host_trap trap;
    stack_t stack;
    unsigned char mask[MASK_BYTES];
} on_the_way;

static bool stack_has(const stack_t *stack, uintptr_t address)
{
    return (stack->ss_flags & SS_DISABLE) == 0 &&
           address - (uintptr_t)stack->ss_sp < stack->ss_size;
}

static bool must_change_stack(const struct host_trap *trap, const ucontext_t *context)
{
    return trap->kind != OS_TRAP_STACK && stack_has(&context->uc_stack, (uintptr_t)trap) &&
           !stack_has(&context->uc_stack, trap->registers.sp);
}

static void send_to_own_stack(const struct host_trap *trap, const siginfo_t *info,
                              ucontext_t *context, enum host_fault what)
{
    static const stack_t none = { .ss_flags = SS_DISABLE };
    on_the_way.info = *info;
    on_the_way.what = what;
    on_the_way.trap = *trap;
    on_the_way.stack = context->uc_stack;
    on_the_way.stack.ss_flags &= ~SS_ONSTACK;
    memcpy(on_the_way.mask, &context->uc_sigmask, MASK_BYTES);
    registers_set_detour(context, SYS_sigaltstack, (uintptr_t)&none);
    memset(&context->uc_sigmask, 0xFF, MASK_BYTES);
    sigdelset(&context->uc_sigmask, SIGSEGV);
}

/* The context becomes that of the trap. */
static enum host_fault arrive_on_own_stack(struct host_trap *trap, siginfo_t *info,
                                           ucontext_t *context)
{
    sigaltstack(&on_the_way.stack, NULL);
    context->uc_stack = on_the_way.stack;
    *trap = on_the_way.trap;
    registers_set(context, &trap->registers);
    memcpy(&context->uc_sigmask, on_the_way.mask, MASK_BYTES);
    *info = on_the_way.info;
    return on_the_way.what;
}

/* ---- the handler ------------------------------------------------------------------------------*/

static void die_of_it(int number)
{
    signal(number, SIG_DFL);
    raise(number);
}

static void pass_on(int number, siginfo_t *info, void *context, const struct host_trap *trap)
{
    const struct sigaction *action = &earlier_of(number)->action;
    bool give_up = trap != NULL && trap->give_up;
    if (!give_up && (action->sa_flags & SA_SIGINFO) != 0) {
        action->sa_sigaction(number, info, context);
    } else if (give_up || action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN) {
        if (trap != NULL && !give_up)
            say_last_words(trap);
        die_of_it(number);
    } else {
        action->sa_handler(number);
    }
}

/* A handler that we pass faults on to may have us as its own earlier one, and send them back. */
static bool comes_back(const siginfo_t *info)
{
    return info->si_errno != 0 &&
           (info->si_errno == (int)guard_page_status || info->si_errno == (int)other_status);
}

/* True: there is nothing more to do than to return. */
static bool answer(struct host_trap *trap, ucontext_t *context)
{
    host_trap_answer *give = give_answer;
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, &context->uc_sigmask, &now);
    if (give(trap)) {
        registers_set(context, &trap->registers);
        return true;
    }
    pthread_sigmask(SIG_SETMASK, &now, NULL);
    return false;
}

/* True: somebody has an answer to the trap, or it is on its way to another stack. */
static bool see_to(struct host_trap *trap, const siginfo_t *info, ucontext_t *context,
                   enum host_fault what)
{
    if (!must_change_stack(trap, context))
        return answer(trap, context);
    send_to_own_stack(trap, info, context, what);
    return true;
}

static void on_trap(int number, siginfo_t *info, ucontext_t *context)
{
    struct host_trap trap;
    enum host_fault what = OS_FAULT_OTHER;
    bool answering = give_answer != NULL;
    if (number == SIGSEGV && registers_are_of_detour(context)) {
        what = arrive_on_own_stack(&trap, info, context);
        number = info->si_signo;
    } else {
        uintptr_t address = (uintptr_t)info->si_addr;
        if (number == SIGSEGV && resolve_fault != NULL)
            what = resolve_fault(address, registers_access(context, address));
        if (number == SIGBUS && info->si_code == BUS_ADRERR && resolve_hole != NULL)
            what = resolve_hole(address);
        if (what == OS_FAULT_RESOLVED)
            return;
        describe(&trap, number, info, context, what);
    }
    if (answering && see_to(&trap, info, context, what))
        return;
    info->si_errno = (int)(what == OS_FAULT_GUARD ? guard_page_status : other_status);
    pass_on(number, info, context, answering ? &trap : NULL);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (comes_back(info))
        die_of_it(number);
    else if (info->si_code > 0) /* from the kernel, not from kill */
        on_trap(number, info, context);
    else
        pass_on(number, info, context, NULL);
    errno = saved;
}

/* SA_NODEFER, so that an earlier handler may leave by longjmp, as many do. */
static void come_first(int number)
{
    struct sigaction now, action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    if (sigaction(number, NULL, &now) != 0)
        return;
    if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault)
        return;
    earlier_of(number)->action = now;
    action.sa_sigaction = on_fault;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void host_fault_handler(enum host_fault (*resolve)(uintptr_t address, enum host_access access),
                        uint32_t guard_status, uint32_t status)
{
    if (resolve_fault != resolve) {
        guard_page_status = guard_status;
        other_status = status;
        resolve_fault = resolve;
    }
    come_first(SIGSEGV);
}

void host_hole_handler(enum host_fault (*resolve)(uintptr_t address))
{
    resolve_hole = resolve;
    come_first(SIGBUS);
}

void host_trap_handler(host_trap_answer *answer_with,
                       void (*last_words)(const struct host_trap *trap))
{
    if (give_answer != answer_with) {
        say_last_words = last_words;
        give_answer = answer_with;
    }
    for (size_t i = 0; i < sizeof(earlier) / sizeof(earlier[0]); i++)
        come_first(earlier[i].signal);
}
