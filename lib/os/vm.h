/* SPDX-License-Identifier: MIT */
/* vm.h: address space and memory of this process. Sizes in bytes; addresses and sizes are multiples
 * of the page size. No function touches errno, so that free() and a background thread without
 * thread-local storage may call them all. */
#ifndef BARROW_OS_VM_H
#define BARROW_OS_VM_H

#include "os/compiler.h"

/* Asked from the system once, not assumed: 4, 16 or 64 KiB. */
size_t os_page_size(void);

/* Address space without access and without accounting; NULL when the system refuses. */
void *os_reserve(size_t size);

/* The same, so that what is `offset` bytes from its start is a multiple of `align`, a power of two.
 * `size` and `offset` are multiples of 64 KiB. */
void *os_reserve_aligned(size_t size, size_t align, size_t offset);

/* Reserved memory that is not committed, and tables of ours that are mostly empty, are left out of core
 * dumps: of any memory, the whole pages. What is committed afterwards is dumped. Advice: may do nothing. */
void os_exclude_from_dumps(const void *address, size_t size);

/* Makes reserved memory, or memory that nobody needs, readable and writable: it reads as zero where it
 * was not committed before, and may do so where it was. False when the system has none to promise. */
bool os_commit(void *address, size_t size);

/* Makes committed memory inaccessible; what it holds may be gone. */
bool os_forbid(void *address, size_t size);

/* The same, and executable. False also where the system forbids memory that is both. */
bool os_commit_executable(void *address, size_t size);

/* The contents are no longer needed: gives the memory back. After an os_recommit, it reads as zero.
 * False when the system refuses, as it does for locked memory: then nothing has changed. */
bool os_purge(void *address, size_t size);

/* Whether a purge has met memory that the program had locked (mlock), so that more of what it frees may
 * be; and the end of the lock, for memory that is free, unless new memory is locked too (mlockall). */
#if defined(_WIN32)
ALWAYS_INLINE bool os_locks_memory(void)
{
    return false; /* decommitting ends a lock */
}
ALWAYS_INLINE void os_unlock_memory(void *address, size_t size)
{
    (void)address;
    (void)size;
}
#else
bool os_locks_memory(void);
void os_unlock_memory(void *address, size_t size);
#endif

/* os_recommit: memory that may have been purged is to be used again. False when the system has none
 * to promise; never where it keeps what it has promised (OS_RECOMMITS is 0). OS_RELEASES_PARTS: part
 * of a reservation can be given back (os_release).
 * os_discard: like os_purge, but the memory may be used at once: it holds zeros or what was there.
 */
#if defined(_WIN32)
enum { OS_RECOMMITS = 1, OS_RELEASES_PARTS = 0 };
bool os_recommit(void *address, size_t size);
bool os_discard(void *address, size_t size);
#else
enum { OS_RECOMMITS = 0, OS_RELEASES_PARTS = 1 };
ALWAYS_INLINE bool os_recommit(void *address, size_t size)
{
    (void)address;
    (void)size;
    return true;
}

ALWAYS_INLINE bool os_discard(void *address, size_t size)
{
    return os_purge(address, size);
}
#endif

/* Has the pages of committed memory brought at once that would otherwise come one by one when they
 * are touched. Advice: may do nothing. */
void os_populate(void *address, size_t size);

/* Like os_purge, and undoes what os_move did to the mapping. */
bool os_renew(void *address, size_t size);

/* Moves the pages of [from, from+size) to [to, to+size) without copying; `from` reads as zero
 * afterwards. Both ranges must be committed. Where the system can't, `from` is as it was, but the
 * contents of `to` may be gone, or even its addresses be no longer ours. */
enum os_moved { OS_NOT_MOVED, OS_MOVED, OS_TARGET_LOST };
enum os_moved os_move(void *from, void *to, size_t size);

/* Asks for huge pages over the range, or declines them. Advice: may do nothing. */
void os_advise_huge(void *address, size_t size, bool wanted);

/* The first `size` bytes of a file, shared with whoever has mapped them too; NULL when it can't be had. */
void *os_map_shared(const char *path, size_t size);

/* Gives address space and memory back. False when the system refuses, as it may when a part of a mapping is
 * to go and the process may have no more of them: then nothing has changed. */
bool os_release(void *address, size_t size);

/* Whether there is so much address space to be had now: who reserves some looks whether it is a small part
 * of what the process may have. */
bool os_has_address_space(size_t size);

/* Whether the system would let so much memory be committed now. It is asked, and gives nothing. */
bool os_has_memory(size_t size);

#endif
