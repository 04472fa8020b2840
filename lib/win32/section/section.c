/* SPDX-License-Identifier: MIT */
/* section.c: sections of memory and of files, and their end. Named ones: named.c; the memory of those
 * without a name: pool.c. */
#include "win32/section/section.h"
#include "win32/virtual/virtual.h"

#include "win32/host/host_map.h"
#include "win32/host/meta.h"

#include "barrow/memoryapi.h"

struct section *section_alloc(uint64_t size, DWORD protect, DWORD flags)
{
    struct section *section = meta_alloc(sizeof(*section));
    if (section == NULL)
        return NULL;
    object_init(&section->object, &section_kind);
    section->size = size;
    section->protect = protect;
    section->flags = flags;
    section->fd = section->shared.lock_fd = section->spare_lock = -1;
    return section;
}

static DWORD map_committed(struct section *section, uint64_t offset)
{
    uintptr_t address = 0;
    int error = host_map_file(&address, section->committed_bytes, OS_READ | OS_WRITE, OS_NEAR,
                              section->fd, offset, false);
    if (error != 0)
        return ERROR_NOT_ENOUGH_MEMORY;
    section->committed = (_Atomic uint64_t *)address;
    return 0;
}

DWORD section_new_memory(uint64_t size, DWORD protect, DWORD flags, struct section **out)
{
    struct section *section = section_alloc(size, protect, flags);
    if (section == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    section->committed_bytes = section_committed_bytes(size, flags);
    DWORD error = pool_take(section, section->committed_bytes + round_up(size, GRANULE_BYTES));
    if (error == 0 && section->committed_bytes != 0)
        error = map_committed(section, section->pool_start);
    if (error != 0) {
        object_release(&section->object);
        return error;
    }
    section->start = section->pool_start + section->committed_bytes;
    *out = section;
    return 0;
}

DWORD section_new_file(int fd, uint64_t size, DWORD protect, DWORD flags, struct section **out)
{
    struct section *section = section_alloc(size, protect, flags);
    if (section == NULL) {
        host_file_close(fd);
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    section->fd = fd;
    section->is_file = true;
    *out = section;
    return 0;
}

uint64_t section_committed_bytes(uint64_t size, DWORD flags)
{
    uint64_t pages = round_up(size, PAGE_BYTES) / PAGE_BYTES;
    return (flags & SEC_RESERVE) != 0 ? round_up(pages / 8 + 8, GRANULE_BYTES) : 0;
}

bool section_protect_is_valid(DWORD protect)
{
    switch (protect) {
    case PAGE_READONLY:
    case PAGE_READWRITE:
    case PAGE_WRITECOPY:
    case PAGE_EXECUTE_READ:
    case PAGE_EXECUTE_READWRITE:
    case PAGE_EXECUTE_WRITECOPY:
        return true;
    default:
        return false;
    }
}

DWORD section_rights(DWORD access)
{
    DWORD rights = access & SECTION_ALL_ACCESS;
    if ((access & GENERIC_READ) != 0)
        rights |= SECTION_QUERY | SECTION_MAP_READ;
    if ((access & GENERIC_WRITE) != 0)
        rights |= SECTION_MAP_WRITE;
    if ((access & (GENERIC_EXECUTE | FILE_MAP_EXECUTE)) != 0)
        rights |= SECTION_MAP_EXECUTE;
    if ((access & (GENERIC_ALL | MAXIMUM_ALLOWED)) != 0)
        rights |= SECTION_ALL_ACCESS;
    return rights;
}

/* A named section lies in /dev/shm, which may be small. The memory of the pages, and of their bits,
 * is there before anybody takes them for committed: to find none at the access would be a SIGBUS. */
static bool reserve_pages(const struct section *section, uint64_t first, uint64_t end)
{
    uint64_t bits = section->start - section->committed_bytes + first / 64 * 8;
    if (section->pool != NULL || first >= end)
        return true;
    return host_file_reserve(section->fd, bits, (end - 1) / 64 * 8 + 8 - first / 64 * 8) == 0 &&
           host_file_reserve(section->fd, section->start + first * PAGE_BYTES,
                             (end - first) * PAGE_BYTES) == 0;
}

DWORD section_commit_pages(struct section *section, uint64_t first, uint64_t end)
{
    if (!reserve_pages(section, first, end))
        return ERROR_COMMITMENT_LIMIT;
    for (uint64_t page = first; page < end; page++)
        atomic_fetch_or_explicit(&section->committed[page / 64], UINT64_C(1) << (page % 64),
                                 memory_order_release);
    return 0;
}

static void section_last_handle(struct object *object)
{
    struct section *section = (struct section *)object;
    if (section->name != NULL)
        host_object_leave(&section->shared, section->name, section->global);
}

static void section_destroy(struct object *object)
{
    struct section *section = (struct section *)object;
    if (section->shared.lock_fd >= 0) /* it never had a handle */
        section_last_handle(object);
    if (section->committed != NULL)
        host_unmap((uintptr_t)section->committed, section->committed_bytes);
    if (section->pool != NULL)
        pool_return(section);
    else
        host_file_close(section->fd);
    meta_free(section->name, SECTION_NAME_ROOM);
    meta_free(section, sizeof(*section));
}

/* A copy may do more than its source, within the section's own protection, which each mapping
 * checks. */
static bool section_may_grant(DWORD own, DWORD *wanted)
{
    (void)own;
    *wanted = section_rights(*wanted);
    return true;
}

const struct object_kind section_kind = { .last_handle = section_last_handle,
                                          .destroy = section_destroy,
                                          .may_grant = section_may_grant };

/* The child's lock must be there before the parent can give its own up: so it is taken before the
 * fork, for every named section. */
static void take_spare(struct object *object)
{
    struct section *section = (struct section *)object;
    if (section->shared.lock_fd >= 0 && section->spare_lock < 0)
        section->spare_lock = host_object_lock_again(&section->shared);
}

static void drop_spare(struct object *object)
{
    struct section *section = (struct section *)object;
    host_file_close(section->spare_lock);
    section->spare_lock = -1;
}

static void use_spare(struct object *object)
{
    struct section *section = (struct section *)object;
    if (section->spare_lock < 0)
        return;
    host_object_use_lock(&section->shared, section->spare_lock);
    section->spare_lock = -1;
}

void section_fork_prepare(void)
{
    handle_each(&section_kind, take_spare);
    pool_fork_prepare();
}

void section_fork_parent(void)
{
    pool_fork_release();
    handle_each(&section_kind, drop_spare);
}

void section_fork_child(void)
{
    view_fork_child();
    pool_fork_release();
    handle_each(&section_kind, use_spare);
}
