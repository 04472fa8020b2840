/* SPDX-License-Identifier: MIT */
/* note.c: the ELF note by which who reads the process finds heap_layout, see diag/layout.h. */
#include "diag/layout.h"

_Static_assert(LAYOUT_NOTE_TYPE == 1 && sizeof LAYOUT_NOTE_NAME == 7, "as below");

__asm__(".pushsection .note.barrow, \"a\", %note\n"
        "    .balign 4\n"
        "    .long 7, 8, 1\n"
        "    .asciz \"barrow\"\n"
        "    .balign 4\n"
        "1:  .quad heap_layout - 1b\n"
        ".popsection");
