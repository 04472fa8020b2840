/* SPDX-License-Identifier: MIT */
/* layout.c: the description of the heap, and the ELF note by which a reader of the process finds it:
 * see diag/layout.h. */
#include "diag/layout.h"

#include "barrow/barrow.h"
#include "heap/block.h"
#include "heap/process.h"
#include "heap/size_class.h"
#include "heap/threads.h"
#include "medium/layout.h"
#include "private/slots.h"
#include "region/layout.h"

#define TEXT(x)    TEXT_OF(x)
#define TEXT_OF(x) #x

/* size_class_bytes as a constant expression */
#define STEP(c)  ((c) < EVEN_CLASSES ? 1 : ((c)-EVEN_CLASSES) % 8 + 1)
#define POWER(c) ((c) < EVEN_CLASSES ? 0 : ((c)-EVEN_CLASSES) / 8)
#define BYTES(c)                                                                                   \
    ((c) < EVEN_CLASSES ? ((c) + 1) * 16 : (256 << POWER(c)) + (STEP(c) << 5 << POWER(c)))
#define FOUR(c)    BYTES(c), BYTES((c) + 1), BYTES((c) + 2), BYTES((c) + 3)
#define SIXTEEN(c) FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)

_Static_assert(SIZE_CLASSES == 48 && EVEN_CLASSES == 16, "as below");

extern const struct heap_layout heap_layout HIDDEN;

#if defined(__GNUC__)
__attribute__((used))
#endif
const struct heap_layout heap_layout = {
    .magic = LAYOUT_MAGIC,
    .version = LAYOUT_VERSION,
    .size = sizeof(struct heap_layout),
    .library =
        TEXT(BARROW_VERSION_MAJOR) "." TEXT(BARROW_VERSION_MINOR) "." TEXT(BARROW_VERSION_PATCH),
    .region = &region_layout,
    .threads = &threads_layout,
    .medium = &medium_layout,
    .slots = &slots_layout,
    .refused = &process_heap_refusals,
    .block_key = &block_key,
    .free_byte = BLOCK_FREE,
    .classes = SIZE_CLASSES,
    .block_bytes = { SIXTEEN(0), SIXTEEN(16), SIXTEEN(32) },
};

#ifdef __ELF__
_Static_assert(LAYOUT_NOTE_TYPE == 1 && sizeof LAYOUT_NOTE_NAME == 7, "as below");

__asm__(".pushsection .note.barrow, \"a\", %note\n"
        "    .balign 4\n"
        "    .long 7, 8, 1\n"
        "    .asciz \"barrow\"\n"
        "    .balign 4\n"
        "1:  .quad heap_layout - 1b\n"
        ".popsection");
#endif
