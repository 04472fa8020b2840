/* SPDX-License-Identifier: MIT */
/* section.h: what a file mapping's handle refers to. Windows calls it a section: a stretch of a
 * file or of shared memory, of which views are mapped. */
#ifndef BARROW_WIN32_SECTION_SECTION_H
#define BARROW_WIN32_SECTION_SECTION_H

#include "win32/handle/object.h"
#include "win32/host/host_file.h"
#include "win32/virtual/area.h"

/* Unnamed sections lie one behind the other in a memory file that they share, the pool, so that
 * 100,000 of them need one descriptor. Offsets are not used twice; the memory of a section that
 * goes is punched out. After a fork parent and child share a pool's memory, so both go on with a
 * new one, and what is in the old one is only given back with the pool. */
struct section_pool {
    atomic_uint references;
    int fd;
    uint64_t used;
    uint64_t size;
    atomic_bool forked;
};

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
    bool was_mapped;    /* a view was made: there may be memory behind it */
    struct area *views; /* of this process; guarded by win32_lock */
    char *name;         /* encoded, or NULL; gone with the last handle */
    bool global;
    struct host_object shared; /* when named */
    int spare_lock;            /* while a fork is under way: the child's lock */
};

/* Sections of memory; sizes are exact. Returns 0 or a Win32 error. */
DWORD section_new_memory(uint64_t size, DWORD protect, DWORD flags, struct section **out);
/* Of an open file; fd becomes the section's. */
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

void section_commit_pages(struct section *section, uint64_t first, uint64_t end);

void section_fork_prepare(void);
void section_fork_parent(void);
void section_fork_child(void);

#endif
