/* SPDX-License-Identifier: MIT */
/* host_jump.c: places and jumps, for x86-64 and 64-bit Arm.
 *
 * Words of a place: x86-64: rbx rbp r12 r13 r14 r15 rsp rip; aarch64: x19-x30 sp pc d8-d15.
 * Below the stack pointer of host_jump_across's caller 2 KiB stay free: the function that is gone
 * to may store arguments of calls above its stack pointer, where it has room for them. */
#include "win32/host/host_jump.h"

/* AddressSanitizer must forget the stack that is left. */
extern void __asan_handle_no_return(void) __attribute__((weak));

extern void __asan_unpoison_memory_region(const volatile void *start, size_t size)
    __attribute__((weak));

void host_jump_may_use(const void *variable, size_t size)
{
    if (__asan_unpoison_memory_region != NULL)
        __asan_unpoison_memory_region(variable, size);
}

_Noreturn void host_jump_registers(const struct host_jump *place, long value);

_Noreturn void host_jump_to(const struct host_jump *place, long value)
{
    if (__asan_handle_no_return != NULL)
        __asan_handle_no_return();
    host_jump_registers(place, value);
}

#define FUNCTION(name, visibility)                                                                 \
    ".globl " #name "\n." #visibility " " #name "\n.type " #name ", %function\n" #name ":\n"
#define END(name) ".size " #name ", . - " #name "\n"

#if defined(__x86_64__)
/* clang-format off */
#define KEEP(to, frame)                                                                            \
    "movq %rbx, (" to ")\n movq %rbp, 8(" to ")\n movq %r12, 16(" to ")\n"                         \
    "movq %r13, 24(" to ")\n movq %r14, 32(" to ")\n movq %r15, 40(" to ")\n"                      \
    "leaq 8+" frame "(%rsp), %rax\n movq %rax, 48(" to ")\n"                                       \
    "movq " frame "(%rsp), %rax\n movq %rax, 56(" to ")\n"
#define TAKE                                                                                       \
    "movq (%rdi), %rbx\n movq 8(%rdi), %rbp\n movq 16(%rdi), %r12\n"                               \
    "movq 24(%rdi), %r13\n movq 32(%rdi), %r14\n movq 40(%rdi), %r15\n"

__asm__(".text\n"
        FUNCTION(barrow_try_begin, globl)
        ".cfi_startproc\n endbr64\n"
        KEEP("%rdi", "0")
        "jmp barrow_try_push\n .cfi_endproc\n"
        END(barrow_try_begin)

        FUNCTION(barrow_finally_begin, globl)
        ".cfi_startproc\n endbr64\n"
        "subq $72, %rsp\n .cfi_adjust_cfa_offset 72\n"
        KEEP("%rsp", "72")
        "movq %rsp, %rdx\n call barrow_finally_push\n"
        "addq $72, %rsp\n .cfi_adjust_cfa_offset -72\n"
        "ret\n .cfi_endproc\n"
        END(barrow_finally_begin)

        FUNCTION(host_jump_registers, hidden)
        ".cfi_startproc\n endbr64\n"
        TAKE
        "movq 48(%rdi), %rsp\n"
        "movq %rsi, %rax\n"
        "jmp *56(%rdi)\n .cfi_endproc\n"
        END(host_jump_registers)

        FUNCTION(host_jump_across, hidden)
        ".cfi_startproc\n endbr64\n"
        KEEP("%rsi", "0")
        TAKE
        "subq $2048, %rsp\n andq $-64, %rsp\n"
        "movq %rdx, %rax\n"
        "jmp *56(%rdi)\n .cfi_endproc\n"
        END(host_jump_across));

#elif defined(__aarch64__)

#define KEEP(to, frame)                                                                                 \
    "stp x19, x20, [" to "]\n stp x21, x22, [" to ", #16]\n stp x23, x24, [" to ", #32]\n"         \
    "stp x25, x26, [" to ", #48]\n stp x27, x28, [" to ", #64]\n stp x29, x30, [" to ", #80]\n"    \
    "add x16, sp, #" frame "\n stp x16, x30, [" to ", #96]\n"                                                  \
    "stp d8, d9, [" to ", #112]\n stp d10, d11, [" to ", #128]\n"                                  \
    "stp d12, d13, [" to ", #144]\n stp d14, d15, [" to ", #160]\n"
#define TAKE                                                                                       \
    "ldp x19, x20, [x0]\n ldp x21, x22, [x0, #16]\n ldp x23, x24, [x0, #32]\n"                     \
    "ldp x25, x26, [x0, #48]\n ldp x27, x28, [x0, #64]\n ldr x29, [x0, #80]\n"                     \
    "ldp x16, x30, [x0, #96]\n"                                                                    \
    "ldp d8, d9, [x0, #112]\n ldp d10, d11, [x0, #128]\n"                                          \
    "ldp d12, d13, [x0, #144]\n ldp d14, d15, [x0, #160]\n"

__asm__(".text\n .balign 4\n"
        FUNCTION(barrow_try_begin, globl)
        ".cfi_startproc\n hint #34\n" /* bti c */
        KEEP("x0", "0")
        "b barrow_try_push\n .cfi_endproc\n"
        END(barrow_try_begin)

        FUNCTION(barrow_finally_begin, globl)
        ".cfi_startproc\n hint #34\n"
        "sub sp, sp, #192\n .cfi_adjust_cfa_offset 192\n"
        "mov x2, sp\n"
        KEEP("x2", "192")
        "str x30, [sp, #176]\n .cfi_offset x30, -16\n"
        "bl barrow_finally_push\n"
        "ldr x30, [sp, #176]\n"
        "add sp, sp, #192\n .cfi_adjust_cfa_offset -192\n"
        "ret\n .cfi_endproc\n"
        END(barrow_finally_begin)

        FUNCTION(host_jump_registers, hidden)
        ".cfi_startproc\n hint #34\n"
        TAKE
        "mov sp, x16\n mov x0, x1\n ret\n .cfi_endproc\n"
        END(host_jump_registers)

        FUNCTION(host_jump_across, hidden)
        ".cfi_startproc\n hint #34\n"
        KEEP("x1", "0")
        TAKE
        "sub x16, sp, #2048\n and x16, x16, #-64\n mov sp, x16\n"
        "mov x0, x2\n ret\n .cfi_endproc\n"
        END(host_jump_across));
/* clang-format on */
#else
#error "host_jump.c knows x86-64 and 64-bit Arm"
#endif
