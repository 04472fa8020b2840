/* SPDX-License-Identifier: MIT */
/* section.c: sections of memory and of files, their pools and their end. Named ones: named.c. */
#include "win32/section/section.h"

#include "win32/host/host_map.h"
#include "win32/host/meta.h"

#include <pthread.h>

#define POOL_START ((uint64_t)64 << 20) /* size of a fresh pool file; sparse */

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct section_pool *current_pool;

static void pool_release(struct section_pool *pool)
{
    if (atomic_fetch_sub(&pool->references, 1) != 1)
        return;
    host_file_close(pool->fd);
    meta_free(pool, sizeof(*pool));
}

/* Locked. The pool in use holds one reference to it. */
static DWORD pool_open(void)
{
    if (current_pool != NULL)
        return 0;
    struct section_pool *pool = meta_alloc(sizeof(*pool));
    if (pool == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    int error = host_memory_file(POOL_START, &pool->fd);
    if (error != 0) {
        meta_free(pool, sizeof(*pool));
        return win32_error(error);
    }
    atomic_init(&pool->references, 1);
    pool->size = POOL_START;
    current_pool = pool;
    return 0;
}

static DWORD pool_grow(struct section_pool *pool, uint64_t wanted)
{
    if (wanted <= pool->size)
        return 0;
    uint64_t size = wanted > 2 * pool->size ? wanted : 2 * pool->size;
    int error = host_file_resize(pool->fd, size);
    if (error != 0)
        return ERROR_NOT_ENOUGH_MEMORY;
    pool->size = size;
    return 0;
}

static DWORD pool_take(uint64_t bytes, struct section *section)
{
    pthread_mutex_lock(&pool_lock);
    DWORD error = pool_open();
    if (error == 0)
        error = pool_grow(current_pool, current_pool->used + bytes);
    if (error == 0) {
        section->pool = current_pool;
        section->pool_start = current_pool->used;
        section->pool_size = bytes;
        section->fd = current_pool->fd;
        current_pool->used += bytes;
        atomic_fetch_add(&current_pool->references, 1);
    }
    pthread_mutex_unlock(&pool_lock);
    return error;
}

static void pool_return(struct section *section)
{
    bool used = section->was_mapped || section->committed != NULL;
    if (used && !atomic_load(&section->pool->forked))
        host_file_punch(section->fd, section->pool_start, section->pool_size);
    pool_release(section->pool);
}

static struct section *section_alloc(uint64_t size, DWORD protect, DWORD flags)
{
    struct section *section = meta_alloc(sizeof(*section));
    if (section == NULL)
        return NULL;
    object_init(&section->object, OBJECT_SECTION);
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
    if ((flags & SEC_RESERVE) != 0)
        section->committed_bytes =
            round_up(round_up(size, PAGE_BYTES) / PAGE_BYTES / 8 + 8, GRANULE_BYTES);
    DWORD error = pool_take(section->committed_bytes + round_up(size, GRANULE_BYTES), section);
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
    host_mark_set(fd, 1u << OS_MARK_MAPPED);
    *out = section;
    return 0;
}

void section_commit_pages(struct section *section, uint64_t first, uint64_t end)
{
    for (uint64_t page = first; page < end; page++)
        atomic_fetch_or_explicit(&section->committed[page / 64], UINT64_C(1) << (page % 64),
                                 memory_order_release);
}

static void name_free(struct section *section)
{
    meta_free(section->name, 256);
    section->name = NULL;
}

void section_last_handle(struct object *object)
{
    struct section *section = (struct section *)object;
    if (section->name == NULL)
        return;
    host_object_leave(&section->shared, section->name, section->global);
    name_free(section);
}

void section_destroy(struct object *object)
{
    struct section *section = (struct section *)object;
    if (section->name != NULL) /* it never had a handle */
        section_last_handle(object);
    if (section->committed != NULL)
        host_unmap((uintptr_t)section->committed, section->committed_bytes);
    if (section->pool != NULL)
        pool_return(section);
    else
        host_file_close(section->fd);
    meta_free(section, sizeof(*section));
}

/* The child's lock must be there before the parent can give its own up: so it is taken before the
 * fork, for every named section. */
static void take_spare(struct object *object)
{
    struct section *section = (struct section *)object;
    if (section->name != NULL && section->spare_lock < 0)
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
    host_file_close(section->shared.lock_fd);
    section->shared.lock_fd = section->spare_lock;
    section->spare_lock = -1;
}

void section_fork_prepare(void)
{
    handle_each_section(take_spare);
    pthread_mutex_lock(&pool_lock);
    if (current_pool != NULL) {
        atomic_store(&current_pool->forked, true);
        pool_release(current_pool);
        current_pool = NULL;
    }
}

void section_fork_parent(void)
{
    pthread_mutex_unlock(&pool_lock);
    handle_each_section(drop_spare);
}

void section_fork_child(void)
{
    pthread_mutex_unlock(&pool_lock);
    handle_each_section(use_spare);
}
