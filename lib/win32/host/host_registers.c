/* SPDX-License-Identifier: MIT */
/* host_registers.c: registers and the kind of access, from the context that the kernel gives a signal handler. Where the
 * kernel's record of the fault is missing (emulators of Arm), the instruction itself is decoded. No lock, no state. */
#include "win32/host/host_registers.h"

#include <string.h>

#if defined(__x86_64__)

static const int general[] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RBP,
                               REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10,
                               REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };
#define GENERAL (sizeof(general) / sizeof(general[0]))

void registers_get(const ucontext_t *context, struct host_registers *out)
{
    const greg_t *from = context->uc_mcontext.gregs;
    memset(out, 0, sizeof(*out));
    out->pc = (uint64_t)from[REG_RIP];
    out->sp = (uint64_t)from[REG_RSP];
    out->flags = (uint64_t)from[REG_EFL];
    for (size_t i = 0; i < GENERAL; i++)
        out->general[i] = (uint64_t)from[general[i]];
}

void registers_set(ucontext_t *context, const struct host_registers *in)
{
    greg_t *to = context->uc_mcontext.gregs;
    to[REG_RIP] = (greg_t)in->pc;
    to[REG_RSP] = (greg_t)in->sp;
    to[REG_EFL] = (greg_t)in->flags;
    for (size_t i = 0; i < GENERAL; i++)
        to[general[i]] = (greg_t)in->general[i];
}

__asm__(".text\n"
        ".globl host_detour\n.hidden host_detour\n.type host_detour, %function\n"
        ".globl host_detour_fault\n.hidden host_detour_fault\n"
        "host_detour: syscall\n xorl %eax, %eax\n"
        "host_detour_fault: movq (%rax), %rax\n ud2\n"
        ".size host_detour, . - host_detour\n");
extern const char host_detour[], host_detour_fault[];

void registers_set_detour(ucontext_t *context, long number, uintptr_t argument)
{
    greg_t *to = context->uc_mcontext.gregs;
    to[REG_RAX] = number;
    to[REG_RDI] = (greg_t)argument;
    to[REG_RSI] = 0;
    to[REG_RIP] = (greg_t)host_detour;
}

bool registers_are_of_detour(const ucontext_t *context)
{
    return context->uc_mcontext.gregs[REG_RIP] == (greg_t)host_detour_fault;
}

/* The page fault's error code: bit 1 is set for a write, bit 4 for an instruction. */
enum host_access registers_access(const ucontext_t *context, uintptr_t address)
{
    greg_t error = context->uc_mcontext.gregs[REG_ERR];
    (void)address;
    if ((error & 0x10) != 0)
        return OS_ACCESS_EXECUTE;
    return (error & 2) != 0 ? OS_ACCESS_WRITE : OS_ACCESS_READ;
}

#elif defined(__aarch64__)

void registers_get(const ucontext_t *context, struct host_registers *out)
{
    const mcontext_t *from = &context->uc_mcontext;
    out->pc = from->pc;
    out->sp = from->sp;
    out->flags = from->pstate;
    for (size_t i = 0; i < 31; i++)
        out->general[i] = from->regs[i];
}

void registers_set(ucontext_t *context, const struct host_registers *in)
{
    mcontext_t *to = &context->uc_mcontext;
    to->pc = in->pc;
    to->sp = in->sp;
    to->pstate = in->flags;
    for (size_t i = 0; i < 31; i++)
        to->regs[i] = in->general[i];
}

__asm__(".text\n.balign 4\n"
        ".globl host_detour\n.hidden host_detour\n.type host_detour, %function\n"
        ".globl host_detour_fault\n.hidden host_detour_fault\n"
        "host_detour: svc #0\n mov x0, #0\n"
        "host_detour_fault: ldr x0, [x0]\n .inst 0\n"
        ".size host_detour, . - host_detour\n");
extern const char host_detour[], host_detour_fault[];

void registers_set_detour(ucontext_t *context, long number, uintptr_t argument)
{
    mcontext_t *to = &context->uc_mcontext;
    to->regs[8] = (uint64_t)number;
    to->regs[0] = argument;
    to->regs[1] = 0;
    to->pc = (uintptr_t)host_detour;
}

bool registers_are_of_detour(const ucontext_t *context)
{
    return context->uc_mcontext.pc == (uintptr_t)host_detour_fault;
}

/* A record of the kernel's in the context, or 0: emulators leave it out. */
static uint64_t syndrome(const ucontext_t *context)
{
    const uint32_t esr_magic = 0x45535201;
    const unsigned char *at = (const unsigned char *)context->uc_mcontext.__reserved;
    const unsigned char *end = at + sizeof(context->uc_mcontext.__reserved);
    uint32_t head[2];
    uint64_t value;
    for (; at + sizeof(head) + sizeof(value) <= end; at += head[1]) {
        memcpy(head, at, sizeof(head));
        memcpy(&value, at + sizeof(head), sizeof(value));
        if (head[0] == esr_magic)
            return value;
        if (head[0] == 0 || head[1] < sizeof(head))
            break;
    }
    return 0;
}

/* Loads have bit 22 set in most instructions, and bit 23 in the sign-extending ones of a single
 * register. The atomic operations write, and so does the clearing of a cache line, which is no load
 * or store by its bits. */
static bool instruction_writes(uint32_t word)
{
    bool load_or_store = (word & 0x0A000000) == 0x08000000;
    bool single = (word & 0x3A000000) == 0x38000000;
    bool atomic = (word & 0x3B200C00) == 0x38200000;
    if (!load_or_store || atomic)
        return true;
    if (single && (word & 0x04000000) == 0)
        return (word & 0x00C00000) == 0;
    return (word & 0x00400000) == 0;
}

enum host_access registers_access(const ucontext_t *context, uintptr_t address)
{
    uintptr_t pc = context->uc_mcontext.pc;
    uint64_t why = syndrome(context);
    uint32_t word;
    if (address == pc || (why >> 26) == 0x20 || (why >> 26) == 0x21)
        return OS_ACCESS_EXECUTE;
    memcpy(&word, (const void *)pc, sizeof(word));
    bool write = why != 0 ? (why & 0x40) != 0 : instruction_writes(word);
    return write ? OS_ACCESS_WRITE : OS_ACCESS_READ;
}

#else
#error "host_registers.c knows x86-64 and 64-bit Arm"
#endif
