/* SPDX-License-Identifier: MIT */
/* checked.h: the checked mode (BARROW_CHECKS): malloc's calls over blocks with guards, filled when
 * fresh and when freed, kept for a while before they are used again. Whatever is found wrong is
 * told in one line, and ends the process. Any thread; errno is left alone. */
#ifndef BARROW_HEAP_CHECKED_H
#define BARROW_HEAP_CHECKED_H

#include "diag/checks_option.h"
#include "os/compiler.h"

struct checked_settings {
    bool on; /* all calls of malloc's family go here */
    struct checks_option option;
};

/* Set before the first block is handed out, not changed after. */
extern struct checked_settings checked_settings;

#define checked_is_on() unlikely(checked_settings.on)

/* Called once, before there is a theap. */
void checked_start(const struct checks_option *option);

/* Called once, when the library is there as a whole: starts to sample. */
void checked_start_sampling(void);

/* As the functions of heap.h. align is a power of two, 1 and up; with `zero` it is 16 at most. */
void *checked_alloc(size_t align, size_t size, bool zero);
void checked_free(void *block, const char *call);
void *checked_realloc(void *block, size_t size, const char *call);
size_t checked_usable_size(const void *block, const char *call);
bool checked_resize_in_place(void *block, size_t size, const char *call);
bool checked_is_block(const void *address);

/* Looks at all blocks, in use and in quarantine, and ends the process if one is damaged. While
 * other threads go on, blocks that change just now are passed over. */
void checked_check(const char *call);

/* In the child of fork. */
void checked_after_fork(void);

#endif
