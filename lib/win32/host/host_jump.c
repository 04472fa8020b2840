/* SPDX-License-Identifier: MIT */
/* host_jump.c: places and jumps, for x86-64 and 64-bit Arm.
 *
 * Words of a place: x86-64: rbx rbp r12 r13 r14 r15 rsp rip; aarch64: x19-x30 sp pc d8-d15.
 * Below the stack pointer of host_jump_across's caller 2 KiB stay free: the function that is gone
 * to may store arguments of calls above its stack pointer, in the space reserved for them. */
#include "win32/host/host_jump.h"

#include "win32/host/host_jump_asm.h"

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

/* clang-format off */
#if defined(__x86_64__)
#define TAKE                                                                                       \
    "movq (%rdi), %rbx\n movq 8(%rdi), %rbp\n movq 16(%rdi), %r12\n"                               \
    "movq 24(%rdi), %r13\n movq 32(%rdi), %r14\n movq 40(%rdi), %r15\n"

__asm__(".text\n"
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

#define TAKE                                                                                       \
    "ldp x19, x20, [x0]\n ldp x21, x22, [x0, #16]\n ldp x23, x24, [x0, #32]\n"                     \
    "ldp x25, x26, [x0, #48]\n ldp x27, x28, [x0, #64]\n ldr x29, [x0, #80]\n"                     \
    "ldp x16, x30, [x0, #96]\n"                                                                    \
    "ldp d8, d9, [x0, #112]\n ldp d10, d11, [x0, #128]\n"                                          \
    "ldp d12, d13, [x0, #144]\n ldp d14, d15, [x0, #160]\n"

__asm__(".text\n .balign 4\n"
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
#endif
/* clang-format on */
