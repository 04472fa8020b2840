/* SPDX-License-Identifier: MIT */
/* section.h: what a file mapping's handle refers to. Windows calls it a section: a stretch of a
 * file or of shared memory, of which views are mapped. */
#ifndef BARROW_WIN32_SECTION_SECTION_H
#define BARROW_WIN32_SECTION_SECTION_H

#include "win32/handle/object.h"
#include "win32/host/host_file.h"
#include "win32/virtual/area.h"

struct section_pool; /* see pool.c */

/* Larger sections of memory are refused. */
#define SECTION_NAME_ROOM 256 /* of the encoded name */
#define SECTION_MOST      ((uint64_t)1 << 46)

struct section {
    struct object object;
    DWORD protect;             /* PAGE_ kind, without SEC_ flags */
    DWORD flags;               /* SEC_ flags */
    bool is_file;              /* of a file; else of memory */
    uint64_t size;             /* exact bytes */
    int fd;                    /* owned, unless of a pool */
    uint64_t start;            /* of the data in fd */
    struct section_pool *pool; /* or NULL */
    uint64_t pool_start;       /* all that the section has of the pool */
    uint64_t pool_size;
    _Atomic uint64_t *committed; /* SEC_RESERVE: a bit a page, in shared memory; else NULL */
    size_t committed_bytes;
    bool was_mapped;          /* a view was made: there may be memory behind it */
    struct range_node *views; /* of this process, by offset; guarded by win32_lock */
    char *name;               /* encoded, SECTION_NAME_ROOM bytes, or NULL */
    bool global;
    struct host_object shared; /* when named */
    int spare_lock;            /* while a fork is in progress: the child's lock */
};

/* A section with one reference and nothing in it but these, or NULL. */
struct section *section_alloc(uint64_t size, DWORD protect, DWORD flags);

/* Sections of memory; sizes are exact. Returns 0 or a Win32 error. */
DWORD section_new_memory(uint64_t size, DWORD protect, DWORD flags, struct section **out);
/* Of an open file, which is marked as mapped; fd becomes the section's. */
DWORD section_new_file(int fd, uint64_t size, DWORD protect, DWORD flags, struct section **out);

/* Opens the named section, or makes it with what *fresh says (size, protect, flags; for a file
 * section also fd and is_file). fresh NULL: only open. *existed: it was there. */
DWORD section_named(const char *name, const struct section *fresh, struct section **out,
                    bool *existed);

/* Whether the page with that number is committed. */
static inline bool section_page_committed(const struct section *section, uint64_t page)
{
    return (atomic_load_explicit(&section->committed[page / 64], memory_order_acquire) >>
                (page % 64) &
            1) != 0;
}

/* Commits pages by number, in every process. ERROR_COMMITMENT_LIMIT: a named section's file system
 * has no room for them; then none of them is. */
DWORD section_commit_pages(struct section *section, uint64_t first, uint64_t end);

/* The bytes of the bit field of a section of that size, whole granules; 0 without SEC_RESERVE. */
uint64_t section_committed_bytes(uint64_t size, DWORD flags);

/* Whether CreateFileMapping takes the protection (without SEC_ flags). */
bool section_protect_is_valid(DWORD protect);

/* SECTION_MAP_READ and so on, from the generic rights and FILE_MAP_EXECUTE. */
DWORD section_rights(DWORD access);

/* The memory of unnamed sections: a place in a memory file. pool_take fills in pool, pool_start,
 * pool_size and fd, and returns 0 or a Win32 error. The place reads as zero. */
DWORD pool_take(struct section *section, uint64_t bytes);
void pool_return(struct section *section);
void pool_fork_prepare(void);
void pool_fork_release(void);

/* Maps a view with a protection, which is a valid one without PAGE_GUARD. NULL with the last error
 * set. */
LPVOID section_map_handle(HANDLE mapping, DWORD protect, uint64_t offset, SIZE_T size,
                          LPVOID address);

void section_fork_prepare(void);
void section_fork_parent(void);
void section_fork_child(void);

#endif
