/* SPDX-License-Identifier: MIT */
/* virtual.h: the parts of the Virtual functions that lie in different files. All with win32_lock
 * held, unless said otherwise; DWORD results are 0 or a Win32 error. */
#ifndef BARROW_WIN32_VIRTUAL_VIRTUAL_H
#define BARROW_WIN32_VIRTUAL_VIRTUAL_H

#include "barrow/memoryapi.h"
#include "win32/virtual/area.h"

/* The whole pages that [address, address + size) touches. False: the range wraps around or leaves
 * user space. */
bool page_range(uintptr_t address, size_t size, uintptr_t *start, uintptr_t *end);

/* Whether every page of [start, end) of the area is committed. */
bool pages_committed(const struct area *area, uintptr_t start, uintptr_t end);

/* What VirtualQuery answers; foreign memory included. In a view, pages from limit on are not looked at, so
 * the region may end there: the page map of a large copy-on-write view takes long to read. */
DWORD query_pages(uintptr_t address, uintptr_t limit, MEMORY_BASIC_INFORMATION *info);

/* Sets access in the kernel and protection in the table. */
DWORD protect_pages(struct area *area, uintptr_t start, uintptr_t end, DWORD protect);

/* MEM_RESET and MEM_RESET_UNDO of committed pages in [start, end). */
DWORD reset_pages(struct area *area, uintptr_t start, uintptr_t end);
DWORD undo_reset(struct area *area, uintptr_t start, uintptr_t end);
/* For pages that are decommitted. */
void forget_reset(struct area *area, uintptr_t start, uintptr_t end);

/* Write watch: called for a new area that is to be watched, for pages that become committed, and before VirtualProtect. */
DWORD watch_start(struct area *area);
DWORD watch_committed(struct area *area, uintptr_t start, uintptr_t end);
DWORD watch_protecting(struct area *area, uintptr_t start, uintptr_t end);
/* For a buffer that the system fills: all its pages count as written, filled or not. Without the
 * lock. */
void watch_buffer(const void *buffer, size_t size);

/* Writes to each page of a buffer of the program, and changes nothing: before the lock is taken, so
 * that a fault there can be answered. */
void buffer_touch(void *buffer, size_t size);

/* Views: see view.c. */
DWORD view_commit(struct area *view, uintptr_t start, uintptr_t end, DWORD protect);
DWORD view_protect(struct area *view, uintptr_t start, uintptr_t end, DWORD protect);
bool view_is_memory(const struct area *view); /* and not of a file */
/* The end of the run of pages, within [page, limit), that have one protection in the table and are
 * all committed, or all not: then *protect is 0. */
uintptr_t view_committed_run(const struct area *view, uintptr_t page, uintptr_t limit,
                             DWORD *protect);
/* The same, and *protect is what VirtualQuery is to answer: copied pages of a copy-on-write view are
 * a run of their own. Fails when the kernel does not tell which were copied. */
DWORD view_run(const struct area *view, uintptr_t page, uintptr_t *limit, DWORD *protect);
bool view_is_committed(const struct area *view, uintptr_t page);

/* Pages of views of SEC_RESERVE sections: see view_open.c. */
/* Of a new view. reserved_are_holes: a page has memory in the section's file once it is committed, and
 * not before. view->traps_holes tells whether hole_handler_needed is to be called. */
void view_open_new(struct area *view, bool reserved_are_holes);
/* Gives the kernel the protection that the table has, for the run of committed pages around page that
 * it has not opened yet. page is committed. False: the kernel refused. */
bool view_open_run(struct area *view, uintptr_t page);
/* The same for the committed pages of [start, end). */
void view_open_pages(struct area *view, uintptr_t start, uintptr_t end);
/* The same for all pages of the view, committed or not; and in all views of this process for the
 * committed pages within these bytes of the section. */
bool view_open_all(struct area *view);
void view_open_in_all(struct range_node *views, uint64_t start, uint64_t end);
/* Takes the access to a reserved page away. False: the kernel refused, or it has never had any. */
bool view_close_page(struct area *view, uintptr_t page);
bool view_is_open(const struct area *view, uintptr_t page);
void view_mark_opened(struct area *view, uintptr_t start, uintptr_t end);
/* In the child of a fork. */
void view_fork_child(void);

/* Puts a new view into its section's tree; takes one out of that and of the table, and unmaps it. */
void view_link(struct area *view);
void view_unmap(struct area *view);

/* The record of locked pages. Forgetting them is needed when pages go away. */
void locked_forget(uintptr_t start, uintptr_t end);
bool locked_get(uintptr_t page);

/* Sees to it that faults on guard pages and on pages committed elsewhere come to this library. */
void fault_handler_needed(void);
/* And accesses to holes that are trapped. */
void hole_handler_needed(void);

#endif
