/* SPDX-License-Identifier: MIT */
/* exception_begin.c: where __try and __finally blocks begin, for x86-64 and 64-bit Arm. Both functions of
 * <barrow/excpt.h> keep their caller's place, which only assembler can:
 *
 * barrow_try_begin puts it in the first words of its argument and goes on as barrow_try_push;
 * barrow_finally_begin puts it on its stack and has barrow_finally_push do the rest. */
#include "win32/exception/exception.h"

#include "win32/host/host_jump_asm.h"

/* clang-format off */
#if defined(__x86_64__)
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
        END(barrow_finally_begin));

#elif defined(__aarch64__)
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
        END(barrow_finally_begin));
#endif
/* clang-format on */
