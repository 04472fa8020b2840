/* SPDX-License-Identifier: MIT */
/* virtual_alloc.c: VirtualAlloc and its forms: reserve, commit, and the dispatch of reset. */
#include "win32/virtual/protect.h"
#include "win32/virtual/virtual.h"

#include "win32/host/host_map.h"
#include "win32/host/meta.h"

#include <errno.h>

#define TYPE_KNOWN                                                                                 \
    (MEM_COMMIT | MEM_RESERVE | MEM_RESET | MEM_RESET_UNDO | MEM_TOP_DOWN | MEM_WRITE_WATCH |      \
     MEM_PHYSICAL | MEM_LARGE_PAGES)
#define TYPE_RESETS (MEM_RESET | MEM_RESET_UNDO)

struct request {
    uintptr_t address;
    size_t size;
    DWORD type;
    DWORD protect;
    uintptr_t lowest, highest, alignment; /* alignment 0: no requirements */
};

bool page_range(uintptr_t address, size_t size, uintptr_t *start, uintptr_t *end)
{
    if (address >= END_OF_USER || size > END_OF_USER - address)
        return false;
    *start = round_down(address, PAGE_BYTES);
    *end = round_up(address + size, PAGE_BYTES);
    return true;
}

bool pages_committed(const struct area *area, uintptr_t start, uintptr_t end)
{
    DWORD protect;
    for (uintptr_t at = start; at < end;) {
        if (area->section != NULL) {
            at = view_committed_run(area, at, end, &protect);
        } else {
            protect = interval_map_get(&area->protect, at);
            at = interval_map_next(&area->protect, at, end);
        }
        if (protect == 0)
            return false;
    }
    return true;
}

DWORD protect_pages(struct area *area, uintptr_t start, uintptr_t end, DWORD protect)
{
    if (!interval_map_ready())
        return ERROR_NOT_ENOUGH_MEMORY;
    int error = host_map_protect(start, end - start, protect_access(protect));
    if (error != 0)
        return error == ENOMEM ? ERROR_COMMITMENT_LIMIT : win32_error(error);
    if ((protect & PAGE_GUARD) != 0)
        fault_handler_needed();
    area_set_protect(area, start, end, protect);
    return 0;
}

static DWORD check_type(const struct request *r)
{
    if ((r->type & ~TYPE_KNOWN) != 0)
        return ERROR_INVALID_PARAMETER;
    if ((r->type & TYPE_RESETS) != 0)
        return r->type == MEM_RESET || r->type == MEM_RESET_UNDO ? 0 : ERROR_INVALID_PARAMETER;
    if ((r->type & (MEM_COMMIT | MEM_RESERVE)) == 0)
        return ERROR_INVALID_PARAMETER;
    if ((r->type & MEM_WRITE_WATCH) != 0 && (r->type & MEM_RESERVE) == 0)
        return ERROR_INVALID_PARAMETER;
    if ((r->type & MEM_LARGE_PAGES) != 0 && (~r->type & (MEM_COMMIT | MEM_RESERVE)) != 0)
        return ERROR_INVALID_PARAMETER;
    if ((r->type & MEM_PHYSICAL) != 0)
        return (r->type & ~MEM_TOP_DOWN) == (MEM_PHYSICAL | MEM_RESERVE) &&
                       r->protect == PAGE_READWRITE
                   ? ERROR_NOT_SUPPORTED
                   : ERROR_INVALID_PARAMETER;
    return 0;
}

static DWORD check_request(const struct request *r)
{
    if (r->size == 0)
        return ERROR_INVALID_PARAMETER;
    if (r->address != 0 && (r->address < LOWEST_ADDRESS || r->address > HIGHEST_ADDRESS))
        return ERROR_INVALID_PARAMETER;
    if (r->size > HIGHEST_ADDRESS + 1 - r->address)
        return ERROR_INVALID_PARAMETER;
    DWORD error = check_type(r);
    if (error == 0 && !protect_is_valid(r->protect))
        error = ERROR_INVALID_PARAMETER;
    if (error == 0 && (r->protect & PROTECT_COPY) != 0 &&
        (r->type != MEM_COMMIT || r->address == 0))
        error = ERROR_INVALID_PARAMETER;
    return error;
}

/* Large pages: the address and size must be whole ones, and the kernel must have some ready. */
static DWORD map_large(uintptr_t *base, size_t size, unsigned access)
{
    size_t large = host_large_page_size();
    if (large == 0)
        return ERROR_NO_SYSTEM_RESOURCES;
    if (!is_aligned(size, large) || !is_aligned(*base, large))
        return ERROR_INVALID_PARAMETER;
    int error = host_map_large(base, size, access, *base == 0 ? OS_NEAR : OS_AT);
    if (error == EEXIST)
        return ERROR_INVALID_ADDRESS;
    return error != 0 ? ERROR_NO_SYSTEM_RESOURCES : 0;
}

static DWORD map_request(const struct request *r, uintptr_t *base, size_t size, size_t *span)
{
    unsigned access = (r->type & MEM_COMMIT) != 0 ? protect_access(r->protect) : OS_NONE;
    *span = size;
    if ((r->type & MEM_LARGE_PAGES) != 0)
        return map_large(base, size, access);
    if (r->alignment != 0)
        return area_map_within(base, size, access, r->lowest, r->highest, r->alignment);
    return area_map(base, size, access, span);
}

static DWORD start_watch(struct area *area, bool committed)
{
    DWORD error = watch_start(area);
    if (error != 0)
        return error;
    return committed ? watch_committed(area, area_base(area), area_end(area)) : 0;
}

/* Fills in the new area's record, which is in no table yet. */
static DWORD set_up(struct area *area, const struct request *r, uintptr_t base, size_t size)
{
    bool committed = (r->type & MEM_COMMIT) != 0;
    area->node.key = base;
    area->size = size;
    area->alloc_protect = r->protect;
    area->large = (r->type & MEM_LARGE_PAGES) != 0;
    if (committed)
        interval_map_set(&area->protect, base, base + size, r->protect);
    if (committed && (r->protect & PAGE_GUARD) != 0)
        fault_handler_needed();
    return (r->type & MEM_WRITE_WATCH) != 0 ? start_watch(area, committed) : 0;
}

static DWORD reserve(const struct request *r, uintptr_t *result)
{
    uintptr_t base = round_down(r->address, GRANULE_BYTES);
    size_t size = round_up(r->address + r->size, PAGE_BYTES) - base;
    struct area *area = meta_alloc(sizeof(*area));
    if (area == NULL || !interval_map_ready()) {
        meta_free(area, sizeof(*area));
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    DWORD error = map_request(r, &base, size, &area->span);
    if (error != 0) {
        meta_free(area, sizeof(*area));
        return error;
    }
    error = set_up(area, r, base, size);
    area_insert(area);
    if (error != 0) {
        area_unmap(base, area->span);
        area_remove(area);
        return error;
    }
    *result = base;
    return 0;
}

/* Decommitted pages that the kernel has left open may have been written since. */
static DWORD drop_writes(const struct area *area, uintptr_t start, uintptr_t end)
{
    int error = 0;
    for (uintptr_t at = start, next; at < end && error == 0; at = next) {
        next = interval_map_next(&area->protect, at, end);
        if (interval_map_get(&area->protect, at) == 0)
            error = host_map_discard(at, next - at);
    }
    return error != 0 ? win32_error(error) : 0;
}

static DWORD commit(struct area *area, uintptr_t start, uintptr_t end, DWORD protect)
{
    protect = (protect & ~PROTECT_CACHE) | (area->alloc_protect & PROTECT_CACHE);
    if (area->section != NULL)
        return view_commit(area, start, end, protect);
    if (area->loose) {
        DWORD error = drop_writes(area, start, end);
        if (error != 0)
            return error;
    }
    if (area->watched) {
        DWORD error = watch_committed(area, start, end);
        if (error != 0)
            return error;
    }
    return protect_pages(area, start, end, protect);
}

/* Commit, reset and undo: the range must lie in one area. */
static DWORD change(const struct request *r, uintptr_t *result)
{
    uintptr_t start, end;
    if (!page_range(r->address, r->size, &start, &end))
        return ERROR_INVALID_PARAMETER;
    struct area *area = area_find(start);
    bool is_view = area != NULL && area->section != NULL;
    if ((r->protect & PROTECT_COPY) != 0 && !is_view) /* only pages of views can be copied */
        return ERROR_INVALID_PARAMETER;
    if (area == NULL || end > area_end(area))
        return ERROR_INVALID_ADDRESS;
    *result = start;
    if (r->type == MEM_RESET)
        return reset_pages(area, start, end);
    if (r->type == MEM_RESET_UNDO)
        return undo_reset(area, start, end);
    return commit(area, start, end, r->protect);
}

static LPVOID allocate(struct request *r)
{
    uintptr_t result = 0;
    DWORD error = check_request(r);
    if (error != 0)
        return fail_null(error);
    if (r->address == 0 && (r->type & MEM_COMMIT) != 0)
        r->type |= MEM_RESERVE;
    if (r->address == 0 && (r->type & MEM_RESERVE) == 0)
        return fail_null(ERROR_INVALID_ADDRESS);
    win32_lock();
    error = (r->type & MEM_RESERVE) != 0 ? reserve(r, &result) : change(r, &result);
    win32_unlock();
    return error != 0 ? fail_null(error) : (LPVOID)result;
}

LPVOID VirtualAlloc(LPVOID address, SIZE_T size, DWORD type, DWORD protect)
{
    struct request r = { (uintptr_t)address, size, type, protect, 0, 0, 0 };
    return allocate(&r);
}

LPVOID VirtualAllocEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type, DWORD protect)
{
    if (!is_this_process(process))
        return fail_null(ERROR_INVALID_HANDLE);
    return VirtualAlloc(address, size, type, protect);
}

static DWORD take_requirements(struct request *r, const MEM_ADDRESS_REQUIREMENTS *wanted)
{
    if (wanted == NULL || r->alignment != 0 || r->address != 0 || (r->type & MEM_RESERVE) == 0)
        return ERROR_INVALID_PARAMETER;
    r->lowest = (uintptr_t)wanted->LowestStartingAddress;
    r->highest = (uintptr_t)wanted->HighestEndingAddress;
    r->alignment = wanted->Alignment != 0 ? wanted->Alignment : GRANULE_BYTES;
    if (r->lowest == 0)
        r->lowest = LOWEST_ADDRESS;
    if (r->highest == 0)
        r->highest = HIGHEST_ADDRESS;
    bool valid = is_aligned(r->lowest, GRANULE_BYTES) && is_aligned(r->highest + 1, PAGE_BYTES) &&
                 r->lowest >= LOWEST_ADDRESS && r->highest <= HIGHEST_ADDRESS &&
                 r->lowest < r->highest && r->alignment >= GRANULE_BYTES &&
                 (r->alignment & (r->alignment - 1)) == 0 && r->alignment <= HIGHEST_ADDRESS;
    return valid ? 0 : ERROR_INVALID_PARAMETER;
}

static DWORD take_parameter(struct request *r, const MEM_EXTENDED_PARAMETER *parameter)
{
    switch ((int)parameter->Type) {
    case MemExtendedParameterAddressRequirements:
        return take_requirements(r, (const MEM_ADDRESS_REQUIREMENTS *)parameter->Pointer);
    case MemExtendedParameterNumaNode: /* a preference */
        return 0;
    case MemExtendedParameterAttributeFlags:
        return parameter->ULong64 == 0 ? 0 : ERROR_NOT_SUPPORTED;
    default:
        return ERROR_INVALID_PARAMETER;
    }
}

PVOID VirtualAlloc2(HANDLE process, PVOID address, SIZE_T size, ULONG type, ULONG protect,
                    MEM_EXTENDED_PARAMETER *parameters, ULONG parameter_count)
{
    struct request r = { (uintptr_t)address, size, type, protect, 0, 0, 0 };
    if (process != NULL && !is_this_process(process))
        return fail_null(ERROR_INVALID_HANDLE);
    if (parameter_count != 0 && parameters == NULL)
        return fail_null(ERROR_INVALID_PARAMETER);
    if ((type & (MEM_RESERVE_PLACEHOLDER | MEM_REPLACE_PLACEHOLDER)) != 0)
        return fail_null(ERROR_NOT_SUPPORTED);
    if (address == NULL && (type & MEM_COMMIT) != 0)
        r.type |= MEM_RESERVE;
    for (ULONG i = 0; i < parameter_count; i++) {
        DWORD error = take_parameter(&r, &parameters[i]);
        if (error != 0)
            return fail_null(error);
    }
    return allocate(&r);
}

SIZE_T GetLargePageMinimum(void)
{
    return host_large_pages_free() > 0 ? host_large_page_size() : 0;
}
