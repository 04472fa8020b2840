/* SPDX-License-Identifier: MIT */
/* host_jump_asm.h: what the assembler of host_jump.c and exception/exception_begin.c shares.
 *
 * FUNCTION(name, globl or hidden) and END(name) frame a function. KEEP(to, frame) stores the caller's place in
 * the words at `to` (a register), where `frame` bytes were taken from the stack since the call. */
#ifndef BARROW_WIN32_HOST_HOST_JUMP_ASM_H
#define BARROW_WIN32_HOST_HOST_JUMP_ASM_H

#define FUNCTION(name, visibility)                                                                 \
    ".globl " #name "\n." #visibility " " #name "\n.type " #name ", %function\n" #name ":\n"
#define END(name) ".size " #name ", . - " #name "\n"

/* clang-format off */
#if defined(__x86_64__)
#define KEEP(to, frame)                                                                            \
    "movq %rbx, (" to ")\n movq %rbp, 8(" to ")\n movq %r12, 16(" to ")\n"                         \
    "movq %r13, 24(" to ")\n movq %r14, 32(" to ")\n movq %r15, 40(" to ")\n"                      \
    "leaq 8+" frame "(%rsp), %rax\n movq %rax, 48(" to ")\n"                                       \
    "movq " frame "(%rsp), %rax\n movq %rax, 56(" to ")\n"
#elif defined(__aarch64__)
#define KEEP(to, frame)                                                                                 \
    "stp x19, x20, [" to "]\n stp x21, x22, [" to ", #16]\n stp x23, x24, [" to ", #32]\n"         \
    "stp x25, x26, [" to ", #48]\n stp x27, x28, [" to ", #64]\n stp x29, x30, [" to ", #80]\n"    \
    "add x16, sp, #" frame "\n stp x16, x30, [" to ", #96]\n"                                                  \
    "stp d8, d9, [" to ", #112]\n stp d10, d11, [" to ", #128]\n"                                  \
    "stp d12, d13, [" to ", #144]\n stp d14, d15, [" to ", #160]\n"
#else
#error "host_jump.c knows x86-64 and 64-bit Arm"
#endif
/* clang-format on */

#endif
