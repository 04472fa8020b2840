/* SPDX-License-Identifier: MIT */
/* heap_mapped.c: the face of heaps in files and sections: handles and last errors. */
#include "win32/heap/heap.h"

#include "barrow/mapped_heap.h"
#include "heap/process.h"
#include "mapped/mapped.h"
#include "win32/section/section.h"

#include <string.h>

_Static_assert((int)BARROW_ROOT_NAME_SIZE == (int)MAPPED_ROOT_NAME, "names are copied whole");
_Static_assert((int)BARROW_ROOT_COUNT == (int)MAPPED_ROOT_COUNT, "the header says so");
_Static_assert((int)BARROW_HEAP_TYPE_SIZE == (int)MAPPED_TYPE_NAME, "names are copied whole");

/* The heap, or NULL with ERROR_INVALID_HANDLE. */
static struct mapped *mapped_from_handle(HANDLE handle)
{
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL || heap->kind != HEAP_MAPPED)
        return fail_null(ERROR_INVALID_HANDLE);
    return mapped_of(heap);
}

static BOOL done(uint32_t error)
{
    return error == 0 ? TRUE : fail(error);
}

/* ---- open and close ------------------------------------------------------------------------- */

static HANDLE open_heap(const struct mapped_wish *wish)
{
    enum {
        KNOWN = BARROW_HEAP_READ_ONLY | BARROW_HEAP_MUST_EXIST | BARROW_HEAP_MUST_BE_NEW |
                BARROW_HEAP_DURABLE_OPEN | BARROW_HEAP_REPAIR
    };
    struct private_heap *heap;
    bool both =
        (wish->flags & BARROW_HEAP_MUST_EXIST) != 0 && (wish->flags & BARROW_HEAP_MUST_BE_NEW) != 0;
    if ((wish->flags & ~(uint32_t)KNOWN) != 0 || both)
        return fail_null(ERROR_INVALID_PARAMETER);
    process_heap_start();
    if (private_process_heap() == NULL)
        return fail_null(ERROR_NOT_ENOUGH_MEMORY);
    uint32_t error = mapped_open(wish, &heap);
    return error == 0 ? heap : fail_null(error);
}

EXPORT HANDLE barrow_heap_open_file(const char *path, SIZE_T initial, SIZE_T maximum, DWORD flags)
{
    return barrow_heap_open_file_at(path, initial, maximum, flags, NULL);
}

EXPORT HANDLE barrow_heap_open_file_at(const char *path, SIZE_T initial, SIZE_T maximum,
                                       DWORD flags, void *address)
{
    struct mapped_wish wish = {
        .path = path, .initial = initial, .maximum = maximum, .flags = flags, .address = address
    };
    if (path == NULL)
        return fail_null(ERROR_INVALID_PARAMETER);
    return open_heap(&wish);
}

static HANDLE open_section(struct section *section, SIZE_T initial, SIZE_T maximum, DWORD flags)
{
    uint64_t capacity = section->size < MAPPED_HEAD ? 0 : section->size - MAPPED_HEAD;
    capacity &= ~(uint64_t)(BOUNDED_FILE_PAGE - 1);
    if (capacity == 0 || maximum > capacity)
        return fail_null(ERROR_INVALID_PARAMETER);
    struct mapped_wish wish = { .fd = section->fd,
                                .start = section->start,
                                .initial = initial,
                                .maximum = maximum != 0 ? maximum : capacity,
                                .flags = flags };
    return open_heap(&wish);
}

EXPORT HANDLE barrow_heap_open_section(HANDLE handle, SIZE_T initial, SIZE_T maximum, DWORD flags)
{
    struct object *object = handle_object(handle, &section_kind, NULL);
    if (object == NULL)
        return fail_null(ERROR_INVALID_HANDLE);
    HANDLE heap = open_section((struct section *)object, initial, maximum, flags);
    object_release(object);
    return heap;
}

EXPORT BOOL barrow_heap_close(HANDLE handle)
{
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL || heap->kind != HEAP_MAPPED)
        return fail(ERROR_INVALID_HANDLE);
    return done(mapped_close(heap));
}

EXPORT BOOL barrow_heap_sync(HANDLE handle)
{
    struct mapped *mapped = mapped_from_handle(handle);
    return mapped != NULL && done(mapped_sync(mapped));
}

EXPORT BOOL barrow_heap_snapshot(HANDLE handle, const char *path)
{
    struct mapped *mapped = mapped_from_handle(handle);
    if (mapped == NULL)
        return FALSE;
    return path != NULL ? done(mapped_snapshot(mapped, path)) : fail(ERROR_INVALID_PARAMETER);
}

/* ---- places --------------------------------------------------------------------------------- */

EXPORT uint64_t barrow_heap_offset(HANDLE handle, const void *address)
{
    struct mapped *mapped = mapped_from_handle(handle);
    if (mapped == NULL || address == NULL)
        return 0;
    uintptr_t offset = (uintptr_t)address - (uintptr_t)mapped->base;
    if (offset >= MAPPED_HEAD && offset < mapped->size)
        return offset;
    SetLastError(ERROR_INVALID_PARAMETER);
    return 0;
}

EXPORT void *barrow_heap_pointer(HANDLE handle, uint64_t offset)
{
    struct mapped *mapped = mapped_from_handle(handle);
    if (mapped == NULL || offset == 0)
        return NULL;
    if (offset >= MAPPED_HEAD && offset < mapped_file_end(mapped))
        return mapped->base + offset;
    return fail_null(ERROR_INVALID_PARAMETER);
}

EXPORT HANDLE barrow_mapped_heap_of(const void *address)
{
    struct mapped *mapped = mapped_around(address);
    return mapped != NULL ? mapped_handle(mapped) : NULL;
}

/* ---- roots and facts ------------------------------------------------------------------------ */

EXPORT BOOL barrow_heap_set_root(HANDLE handle, const char *name, const void *block)
{
    struct mapped *mapped = mapped_from_handle(handle);
    return mapped != NULL && done(mapped_set_root(mapped, name, block));
}

EXPORT void *barrow_heap_root(HANDLE handle, const char *name)
{
    struct mapped *mapped = mapped_from_handle(handle);
    if (mapped == NULL)
        return NULL;
    void *block = mapped_root(mapped, name);
    return block != NULL ? block : fail_null(ERROR_FILE_NOT_FOUND);
}

EXPORT BOOL barrow_heap_next_root(HANDLE handle, DWORD *position, char name[BARROW_ROOT_NAME_SIZE],
                                  void **block)
{
    struct mapped *mapped = mapped_from_handle(handle);
    if (mapped == NULL)
        return FALSE;
    if (position == NULL || name == NULL || block == NULL)
        return fail(ERROR_INVALID_PARAMETER);
    uint32_t next = *position;
    bool found = mapped_next_root(mapped, &next, name, block);
    *position = next;
    return found ? TRUE : fail(ERROR_NO_MORE_ITEMS);
}

static void add_facts(const struct mapped *mapped, struct barrow_mapped_heap_info *all)
{
    const struct mapped_state *state = mapped->state;
    struct mapped_type type = mapped_type(mapped);
    all->file_size = mapped_file_end(mapped);
    all->maximum = mapped->size - MAPPED_HEAD;
    all->user_version = type.version;
    memcpy(all->type, type.name, sizeof all->type - 1);
    all->openings = state->openings;
    all->recoveries = state->recoveries;
    all->syncs = state->sync_number;
    all->damaged = state->damaged;
    all->read_only = mapped->read_only;
}

EXPORT BOOL barrow_mapped_heap_info(HANDLE handle, struct barrow_mapped_heap_info *info)
{
    struct mapped *mapped = mapped_from_handle(handle);
    if (mapped == NULL)
        return FALSE;
    if (info == NULL || info->size < sizeof info->size)
        return fail(ERROR_INVALID_PARAMETER);
    struct barrow_mapped_heap_info all = { 0 };
    add_facts(mapped, &all);
    all.size = info->size < sizeof all ? info->size : sizeof all;
    memcpy(info, &all, all.size);
    return TRUE;
}

EXPORT BOOL barrow_heap_set_type(HANDLE handle, const char *type, uint64_t version)
{
    struct mapped *mapped = mapped_from_handle(handle);
    return mapped != NULL && done(mapped_set_type(mapped, type, version));
}

EXPORT BOOL barrow_heap_collect(HANDLE handle, barrow_trace_call *trace, void *context,
                                uint64_t *freed)
{
    struct mapped *mapped = mapped_from_handle(handle);
    uint64_t count = 0;
    if (mapped == NULL)
        return FALSE;
    uint32_t error = mapped_collect(mapped, handle, (mapped_trace *)trace, context, &count);
    if (freed != NULL)
        *freed = count;
    return done(error);
}
