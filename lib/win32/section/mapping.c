/* SPDX-License-Identifier: MIT */
/* mapping.c: MapViewOfFile, UnmapViewOfFile, FlushViewOfFile. */
#include "win32/section/section.h"
#include "win32/virtual/protect.h"
#include "win32/virtual/virtual.h"

#include "win32/host/host_map.h"
#include "win32/host/meta.h"

#include <errno.h>

/* Bits that say how to map, not what for. */
#define MAP_ADVICE (FILE_MAP_EXECUTE | FILE_MAP_RESERVE | FILE_MAP_LARGE_PAGES)

/* The protection that a view gets for the access it was asked with. FILE_MAP_COPY is also the bit of
 * SECTION_QUERY, so it counts only when no other right of a section is asked for. */
static DWORD protect_for_access(DWORD access)
{
    DWORD protect = PAGE_NOACCESS;
    if ((access & ~MAP_ADVICE) == FILE_MAP_COPY)
        protect = PAGE_WRITECOPY;
    else if ((access & FILE_MAP_WRITE) != 0)
        protect = PAGE_READWRITE;
    else if ((access & FILE_MAP_READ) != 0)
        protect = PAGE_READONLY;
    if ((access & FILE_MAP_EXECUTE) != 0 && protect != PAGE_NOACCESS)
        protect <<= 4; /* each PAGE_EXECUTE_ form is the plain form times 16 */
    return protect;
}

/* What the handle must have been opened with. */
static DWORD rights_needed(DWORD protect)
{
    DWORD rights = (protect & PROTECT_WRITE) != 0 ? SECTION_MAP_WRITE : SECTION_MAP_READ;
    if ((protect & PROTECT_EXECUTE) != 0)
        rights |= SECTION_MAP_EXECUTE;
    return rights;
}

static DWORD check_rights(const struct section *section, DWORD handle_access, DWORD protect)
{
    if ((rights_needed(protect) & ~handle_access) != 0)
        return ERROR_ACCESS_DENIED;
    if ((protect & PROTECT_WRITE) != 0 && (section->protect & PROTECT_WRITE) == 0)
        return ERROR_ACCESS_DENIED;
    if ((protect & PROTECT_EXECUTE) != 0 && (section->protect & PROTECT_EXECUTE) == 0)
        return ERROR_ACCESS_DENIED;
    return 0;
}

static DWORD check_extent(const struct section *section, uint64_t offset, SIZE_T *size)
{
    if (*size == 0) {
        if (offset >= section->size)
            return ERROR_INVALID_PARAMETER;
        *size = section->size - offset;
        return 0;
    }
    return offset > section->size || *size > section->size - offset ? ERROR_ACCESS_DENIED : 0;
}

struct stretch {
    int fd;
    uint64_t offset;
    size_t size;
    unsigned access;
    bool copy;
};

static int map_stretch(const struct stretch *s, uintptr_t *base, enum host_place place)
{
    return host_map_file(base, s->size, s->access, place, s->fd, s->offset, s->copy);
}

/* The kernel refuses a place of ours where the file's pages are huge ones, and finds one itself. */
static DWORD map_by_kernel(const struct stretch *s, uintptr_t *base)
{
    *base = 0;
    int error = map_stretch(s, base, OS_NEAR);
    if (error != 0)
        return win32_error(error);
    if (is_aligned(*base, GRANULE_BYTES))
        return 0;
    host_unmap(*base, s->size);
    return ERROR_INVALID_ADDRESS;
}

/* A free address range is found first and then mapped over. */
static DWORD map_over_room(const struct stretch *s, uintptr_t *base)
{
    *base = 0;
    DWORD refused = area_map_hold(base, s->size);
    if (refused != 0)
        return refused;
    int error = map_stretch(s, base, OS_REPLACE);
    if (error == 0)
        return 0;
    area_unmap(*base, s->size);
    return error == EINVAL ? map_by_kernel(s, base) : win32_error(error);
}

/* One mmap where the address tried is free. The file is nowhere mapped but where it stays: it would
 * count as mapped for as long as the kernel refuses to unmap it from a wrong place. */
static DWORD map_anywhere(const struct stretch *s, uintptr_t *base)
{
    *base = area_candidate(s->size);
    int error = *base != 0 ? map_stretch(s, base, OS_AT) : EEXIST;
    DWORD refused = 0;
    if (error == EEXIST)
        refused = map_over_room(s, base);
    else if (error == EINVAL)
        refused = map_by_kernel(s, base);
    else if (error != 0)
        refused = win32_error(error);
    if (refused == 0)
        area_placed(*base);
    return refused;
}

static DWORD map_at(struct area *view, uintptr_t *base, DWORD protect)
{
    struct section *section = view->section;
    struct stretch s = { .fd = section->fd,
                         .offset = section->start + view->offset,
                         .size = view->size,
                         .access = section->committed != NULL ? OS_NONE : protect_access(protect),
                         .copy = (protect & PROTECT_COPY) != 0 };
    if (*base == 0)
        return map_anywhere(&s, base);
    int error = map_stretch(&s, base, OS_AT);
    return error == EEXIST ? ERROR_INVALID_ADDRESS : (error != 0 ? win32_error(error) : 0);
}

/* Opens what is committed already, and puts the view into the section's tree. */
static void adopt(struct area *view)
{
    struct section *section = view->section;
    area_insert(view);
    view_link(view);
    section->was_mapped = true;
    object_retain(&section->object);
    if (section->committed == NULL)
        return;
    fault_handler_needed();
    view_open_new(view, section->pool == NULL);
    if (view->traps_holes)
        hole_handler_needed();
}

static DWORD make_view(struct section *section, uint64_t offset, SIZE_T bytes, DWORD protect,
                       uintptr_t *base)
{
    struct area *view = meta_alloc(sizeof(*view));
    if (view == NULL || !interval_map_ready()) {
        meta_free(view, sizeof(*view));
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    view->section = section;
    view->offset = offset;
    view->size = view->span = round_up(bytes, PAGE_BYTES);
    view->alloc_protect = protect;
    if (section->committed != NULL)
        view->opened = area_bitmap_new(view);
    DWORD error = section->committed != NULL && view->opened == NULL ? ERROR_NOT_ENOUGH_MEMORY
                                                                     : map_at(view, base, protect);
    if (error != 0) {
        meta_free(view->opened, area_bitmap_bytes(view));
        meta_free(view, sizeof(*view));
        return error;
    }
    view->node.key = *base;
    interval_map_set(&view->protect, *base, *base + view->size, protect);
    if ((protect & PROTECT_COPY) != 0)
        host_pagemap_keep(); /* should it fail, the calls that need it try again */
    adopt(view);
    return 0;
}

static DWORD map_view(struct section *section, DWORD handle_access, DWORD protect, uint64_t offset,
                      SIZE_T size, uintptr_t *base)
{
    DWORD error = check_rights(section, handle_access, protect);
    if (error == 0)
        error = check_extent(section, offset, &size);
    if (error != 0)
        return error;
    if (size > HIGHEST_ADDRESS - *base)
        return ERROR_INVALID_PARAMETER;
    if ((section->flags & (SEC_NOCACHE | SEC_WRITECOMBINE)) != 0 && protect != PAGE_NOACCESS)
        protect |= (section->flags & SEC_NOCACHE) != 0 ? PAGE_NOCACHE : PAGE_WRITECOMBINE;
    win32_lock();
    error = make_view(section, offset, size, protect, base);
    win32_unlock();
    return error;
}

LPVOID section_map_handle(HANDLE mapping, DWORD protect, uint64_t offset, SIZE_T size,
                          LPVOID address)
{
    uintptr_t base = (uintptr_t)address;
    DWORD handle_access;
    if (!is_aligned(offset, GRANULE_BYTES) || !is_aligned(base, GRANULE_BYTES))
        return fail_null(ERROR_MAPPED_ALIGNMENT);
    if (base > HIGHEST_ADDRESS)
        return fail_null(ERROR_INVALID_PARAMETER);
    struct object *object = handle_object(mapping, &section_kind, &handle_access);
    if (object == NULL)
        return fail_null(ERROR_INVALID_HANDLE);
    DWORD error = map_view((struct section *)object, handle_access, protect, offset, size, &base);
    object_release(object);
    return error != 0 ? fail_null(error) : (LPVOID)base;
}

LPVOID MapViewOfFileEx(HANDLE mapping, DWORD access, DWORD offset_high, DWORD offset_low,
                       SIZE_T size, LPVOID address)
{
    uint64_t offset = (uint64_t)offset_high << 32 | offset_low;
    return section_map_handle(mapping, protect_for_access(access), offset, size, address);
}

LPVOID MapViewOfFile(HANDLE mapping, DWORD access, DWORD offset_high, DWORD offset_low, SIZE_T size)
{
    return MapViewOfFileEx(mapping, access, offset_high, offset_low, size, NULL);
}

BOOL UnmapViewOfFile(LPCVOID address)
{
    struct object *section = NULL;
    DWORD error = ERROR_INVALID_ADDRESS;
    win32_lock();
    struct area *view = area_find((uintptr_t)address);
    if (view != NULL && view->section != NULL) {
        section = (struct object *)view->section;
        view_unmap(view);
        error = 0;
    }
    win32_unlock();
    if (error != 0)
        return fail(error);
    object_release(section);
    return TRUE;
}

/* The part of a file that is to be written, and its section, retained; *section NULL: there is
 * nothing to write. Locked. */
static DWORD find_flushed(uintptr_t address, SIZE_T size, struct section **section,
                          uint64_t *offset, uint64_t *bytes)
{
    uintptr_t start, end;
    if (!page_range(address, size, &start, &end))
        return ERROR_INVALID_ADDRESS;
    struct area *view = area_find(start);
    if (view == NULL || view->section == NULL)
        return ERROR_INVALID_ADDRESS;
    if (size == 0)
        end = area_end(view);
    if (end > area_end(view))
        return ERROR_INVALID_ADDRESS;
    if (!view->section->is_file || (view->alloc_protect & PROTECT_COPY) != 0)
        return 0;
    *section = view->section;
    *offset = view->offset + (start - area_base(view));
    *bytes = end - start;
    object_retain(&view->section->object);
    return 0;
}

/* The call to the kernel may wait for the disk, so it is made without the lock; the section's
 * reference keeps its descriptor open meanwhile. */
BOOL FlushViewOfFile(LPCVOID address, SIZE_T size)
{
    struct section *section = NULL;
    uint64_t offset, bytes;
    win32_lock();
    DWORD error = find_flushed((uintptr_t)address, size, &section, &offset, &bytes);
    win32_unlock();
    if (section != NULL) {
        int failed = host_file_start_writing(section->fd, offset, bytes);
        error = failed != 0 ? win32_error(failed) : 0;
        object_release(&section->object);
    }
    return error != 0 ? fail(error) : TRUE;
}
