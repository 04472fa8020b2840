/* SPDX-License-Identifier: MIT */
/* symbols.h: what barrow-symbols.so has, if it was built: places in programs, by libdw of elfutils. */
#ifndef BARROW_TOOLS_SYMBOLS_H
#define BARROW_TOOLS_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

/* Writes "function at file:line", with the functions that it was inlined into behind it, for the call before an
 * offset from the beginning of a file that is mapped. "" when nothing is known. */
void symbols_describe(const char *file, uint64_t offset, char *text, size_t size);

#endif
