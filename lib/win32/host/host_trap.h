/* SPDX-License-Identifier: MIT */
/* host_trap.h: faults and other traps of the processor, as an exception to be raised sees them. */
#ifndef BARROW_WIN32_HOST_HOST_TRAP_H
#define BARROW_WIN32_HOST_HOST_TRAP_H

#include "os/compiler.h"

enum host_trap_kind {
    OS_TRAP_ACCESS,     /* memory that may not be accessed so */
    OS_TRAP_GUARD,      /* a guard page, which is one no more */
    OS_TRAP_STACK,      /* the stack is exhausted */
    OS_TRAP_PAGE_ERROR, /* mapped memory with no file behind it */
    OS_TRAP_MISALIGNED,
    OS_TRAP_ILLEGAL,
    OS_TRAP_PRIVILEGED,
    OS_TRAP_INTEGER_DIVIDE,
    OS_TRAP_INTEGER_OVERFLOW,
    OS_TRAP_FLOAT_DIVIDE,
    OS_TRAP_FLOAT_OVERFLOW,
    OS_TRAP_FLOAT_UNDERFLOW,
    OS_TRAP_FLOAT_INEXACT,
    OS_TRAP_FLOAT_INVALID,
    OS_TRAP_BOUNDS
};

enum host_access { OS_ACCESS_READ, OS_ACCESS_WRITE, OS_ACCESS_EXECUTE };

struct host_registers {
    uint64_t pc, sp, flags;
    uint64_t general[31]; /* x86-64: rax rcx rdx rbx rbp rsi rdi r8-r15; aarch64: x0-x30 */
};

struct host_trap {
    enum host_trap_kind kind;
    enum host_access access;
    uintptr_t address; /* of the memory, UINTPTR_MAX where the processor does not say */
    struct host_registers registers;
    bool give_up; /* set by who has no answer, but knows that the process is to die of it */
};

/* Called in a signal handler, but on the stack that was in use, with the interrupted code's signal
 * mask; it may leave by a jump. True: go on where it happened, with the registers as they are in
 * *trap now. False: no answer. */
typedef bool host_trap_answer(struct host_trap *trap);

/* Calls `answer` for every trap, before the handlers that the program has installed by now. A trap that
 * it does not answer goes to them. Where there is none, the process dies of the signal, after a
 * call of last_words. Guard pages come as host_fault_handler's function tells. */
void host_trap_handler(host_trap_answer *answer, void (*last_words)(const struct host_trap *trap));

#endif
