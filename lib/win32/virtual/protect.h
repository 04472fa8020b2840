/* SPDX-License-Identifier: MIT */
/* protect.h: Windows' page protections: which are valid, and what they mean to the kernel. */
#ifndef BARROW_WIN32_VIRTUAL_PROTECT_H
#define BARROW_WIN32_VIRTUAL_PROTECT_H

#include "win32/host/internal.h"

#define PROTECT_KIND(protect) ((protect)&0xFFu)
#define PROTECT_COPY          (PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY)
#define PROTECT_CACHE         (PAGE_NOCACHE | PAGE_WRITECOMBINE)
#define PROTECT_EXECUTE                                                                            \
    (PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY)
#define PROTECT_WRITE (PAGE_READWRITE | PAGE_EXECUTE_READWRITE)

/* Exactly one kind, and only modifiers that go with it. Copy-on-write counts as valid. */
bool protect_is_valid(DWORD protect);

/* OS_READ, OS_WRITE, OS_EXEC for pages of that protection; none for guard pages. */
unsigned protect_access(DWORD protect);

/* The protection that foreign pages of that access have. */
DWORD protect_of_access(unsigned access, bool copy);

/* Whether pages of a view may get protection wanted when the view was mapped with view. */
bool protect_fits_view(DWORD view, DWORD wanted);

#endif
