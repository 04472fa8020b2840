/* SPDX-License-Identifier: MIT */
/* area.h: the table of what the library has mapped for the program: reservations and views.
 * Everything here is called with win32_lock held. */
#ifndef BARROW_WIN32_VIRTUAL_AREA_H
#define BARROW_WIN32_VIRTUAL_AREA_H

#include "win32/host/internal.h"
#include "win32/host/interval_map.h"
#include "win32/host/range_tree.h"

struct section;

struct area {
    struct tree_node node;       /* key: the base, a multiple of 64 KiB */
    size_t size;                 /* bytes, whole pages */
    size_t span;                 /* bytes mapped: size, or up to the end of the last granule */
    struct interval_map protect; /* by address: protection of each page, 0 where only reserved */
    DWORD alloc_protect;         /* what it was reserved or mapped with */
    bool watched;                /* MEM_WRITE_WATCH */
    bool large;                  /* MEM_LARGE_PAGES */
    bool ragged;                 /* counted in area_ragged */
    bool loose;              /* the kernel may have decommitted pages open: see virtual_free.c */
    uint64_t *marks;         /* bit a page: written before it was decommitted; NULL when none */
    uint64_t *kept;          /* bit a page: held data when it was reset; NULL when none */
    struct section *section; /* the view's section, or NULL for private memory */
    uint64_t offset;         /* of the view in its section */
    uint64_t *opened;        /* bit a page of a SEC_RESERVE view: the kernel has its protection */
    bool traps_holes;        /* see view_open.c */
    bool has_closed;         /* a page was closed since */
    struct range_node in_section; /* by offset, in the section's tree of views */
};

static inline uintptr_t area_base(const struct area *area)
{
    return area->node.key;
}

static inline uintptr_t area_end(const struct area *area)
{
    return area->node.key + area->size;
}

/* The area whose pages include the address, or NULL. */
struct area *area_find(uintptr_t address);

/* Calls visit for each area. The call must not take any out. */
void area_each(void (*visit)(struct area *area));

/* The area whose mapped bytes include the address: also the unused rest of its last granule. */
struct area *area_spanning(uintptr_t address);

/* Where the next area above the address begins, or UINTPTR_MAX; and where the next below ends. */
uintptr_t area_next_start(uintptr_t address);
uintptr_t area_previous_end(uintptr_t address);

/* Takes a fresh area in, or out again with all that it holds but the mapping and the section. */
void area_insert(struct area *area);
void area_remove(struct area *area);

/* Takes an area out and unmaps it. Never fails: where the kernel can't cut a hole into a mapping,
 * since the process has too many, the pages lose their contents and go later. */
void area_retire(struct area *area);

/* The end of what lies at the address and is still to be unmapped; 0: nothing. */
uintptr_t area_leftover_end(uintptr_t address);

/* Sets the protection of pages in the table. interval_map_ready was called. */
void area_set_protect(struct area *area, uintptr_t start, uintptr_t end, DWORD protect);

/* A number that changes with each change of the table. */
uint64_t area_changes(void);

/* Maps size bytes (whole pages) of private memory at a multiple of 64 KiB. *base 0: anywhere; else
 * exactly there. *span becomes what was mapped. Returns 0 or a Win32 error. */
DWORD area_map(uintptr_t *base, size_t size, unsigned access, size_t *span);

/* The same within bounds, inclusive, at a multiple of alignment. */
DWORD area_map_within(uintptr_t *base, size_t size, unsigned access, uintptr_t lowest,
                      uintptr_t highest, uintptr_t alignment);

/* Finds room as area_map does, for a mapping that the caller then puts in place of it. */
DWORD area_map_hold(uintptr_t *base, size_t size);

/* For a mapping that the caller makes at once: an address to try, or 0; and where it came to lie,
 * at a multiple of 64 KiB. */
uintptr_t area_candidate(size_t size);
void area_placed(uintptr_t base);

/* Undoes area_map. */
bool area_unmap(uintptr_t base, size_t span);

/* Bit fields of one bit a page. */
size_t area_bitmap_bytes(const struct area *area);
uint64_t *area_bitmap_new(const struct area *area);

#endif
