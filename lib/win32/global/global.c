/* SPDX-License-Identifier: MIT */
/* global.c: GlobalAlloc, LocalAlloc and their families. A fixed block is a block of the process
 * heap and its handle is its address; a moveable one has an entry, see global_entry.h. Global and
 * Local differ in few answers only: "global" tells them apart. */
#include "win32/global/global_entry.h"

#include "barrow/winbase.h"
#include "win32/heap/process_heap.h"

#define LOCK_MOST ((uintptr_t)255)

static bool is_block(const void *address)
{
    return ((uintptr_t)address & 15) == 0 && process_heap_size(address) != PROCESS_HEAP_NO_BLOCK;
}

static uintptr_t entry_flags(UINT flags, bool global)
{
    uintptr_t own = 0;
    if ((flags & (global ? GMEM_DISCARDABLE : LMEM_DISCARDABLE)) != 0)
        own |= DISCARDABLE;
    if (global && (flags & GMEM_DDESHARE) != 0)
        own |= DDESHARE;
    return own;
}

static HANDLE allocate_moveable(UINT flags, SIZE_T size, bool global)
{
    void *data = NULL;
    if (size != 0 && (data = process_heap_alloc(size, (flags & GMEM_ZEROINIT) != 0)) == NULL)
        return fail_null(ERROR_NOT_ENOUGH_MEMORY);
    entries_lock();
    struct global_entry *entry =
        entry_new(entry_flags(flags, global) | (data == NULL ? DISCARDED : 0));
    if (entry != NULL)
        entry_set_data(entry, data);
    entries_unlock();
    if (entry != NULL)
        return entry_handle(entry);
    if (data != NULL)
        process_heap_free(data);
    return fail_null(ERROR_NOT_ENOUGH_MEMORY);
}

static HANDLE allocate(UINT flags, SIZE_T size, bool global)
{
    win32_fork_register();
    if ((flags & GMEM_MOVEABLE) != 0)
        return allocate_moveable(flags, size, global);
    if (global && size == 0) /* as seen on Windows; LocalAlloc keeps 0 */
        size = 1;
    void *block = process_heap_alloc(size, (flags & GMEM_ZEROINIT) != 0);
    return block != NULL ? block : fail_null(ERROR_NOT_ENOUGH_MEMORY);
}

/* A fixed block gets an entry and keeps its contents. */
static HANDLE make_moveable(void *block, UINT flags)
{
    entries_lock();
    struct global_entry *entry = entry_new(entry_flags(flags, true));
    if (entry != NULL)
        entry_set_data(entry, block);
    entries_unlock();
    return entry != NULL ? entry_handle(entry) : fail_null(ERROR_NOT_ENOUGH_MEMORY);
}

static HANDLE reallocate_fixed(void *block, SIZE_T size, UINT flags, bool global)
{
    UINT discardable = global ? GMEM_DISCARDABLE : LMEM_DISCARDABLE;
    if (!is_block(block))
        return fail_null(ERROR_NOACCESS);
    if ((flags & GMEM_MODIFY) != 0)
        return global && (flags & GMEM_MOVEABLE) != 0 ? make_moveable(block, flags) : block;
    if ((flags & discardable) != 0)
        return fail_null(ERROR_INVALID_PARAMETER);
    void *moved = process_heap_realloc(block, size, (flags & GMEM_ZEROINIT) != 0,
                                       (flags & GMEM_MOVEABLE) == 0);
    return moved != NULL ? moved : fail_null(ERROR_NOT_ENOUGH_MEMORY);
}

static DWORD discard(struct global_entry *entry, UINT flags)
{
    if ((flags & GMEM_MOVEABLE) == 0 || entry_lock_count(entry) != 0)
        return ERROR_INVALID_PARAMETER;
    if (entry->data != NULL)
        process_heap_free(entry->data);
    entry_set_data(entry, NULL);
    entry->flags |= DISCARDED;
    return 0;
}

static DWORD resize(struct global_entry *entry, SIZE_T size, UINT flags)
{
    bool zero = (flags & GMEM_ZEROINIT) != 0;
    bool in_place = entry_lock_count(entry) != 0 && (flags & GMEM_MOVEABLE) == 0;
    void *data = entry->data == NULL ? process_heap_alloc(size, zero)
                                     : process_heap_realloc(entry->data, size, zero, in_place);
    if (data == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    entry_set_data(entry, data);
    entry->flags &= ~(uintptr_t)DISCARDED;
    return 0;
}

static DWORD reallocate_entry(struct global_entry *entry, SIZE_T size, UINT flags, bool global)
{
    bool discardable = (flags & (global ? GMEM_DISCARDABLE : LMEM_DISCARDABLE)) != 0;
    if (entry == NULL)
        return ERROR_INVALID_HANDLE;
    if ((flags & GMEM_MODIFY) != 0) {
        entry->flags |= discardable ? DISCARDABLE : 0;
        return 0;
    }
    if (discardable)
        return ERROR_INVALID_PARAMETER;
    return size == 0 ? discard(entry, flags) : resize(entry, size, flags);
}

static HANDLE reallocate(HANDLE handle, SIZE_T size, UINT flags, bool global)
{
    if (handle == NULL)
        return fail_null(ERROR_INVALID_HANDLE);
    if (!is_entry_handle(handle))
        return reallocate_fixed(handle, size, flags, global);
    entries_lock();
    DWORD error = reallocate_entry(entry_of(handle), size, flags, global);
    entries_unlock();
    return error == 0 ? handle : fail_null(error);
}

static void *lock_moveable(HANDLE handle)
{
    void *data = NULL;
    DWORD error = ERROR_INVALID_HANDLE;
    entries_lock();
    struct global_entry *entry = entry_of(handle);
    if (entry != NULL) {
        data = entry->data;
        error = ERROR_DISCARDED;
        if (data != NULL && entry_lock_count(entry) < LOCK_MOST)
            entry->flags += (uintptr_t)1 << LOCK_SHIFT;
    }
    entries_unlock();
    return data != NULL ? data : fail_null(error);
}

/* Takes one lock away; *left is what remains. Returns a Win32 error, with ERROR_NOT_LOCKED for none
 * there. */
static DWORD unlock_moveable(HANDLE handle, uintptr_t *left)
{
    DWORD error = 0;
    entries_lock();
    struct global_entry *entry = entry_of(handle);
    if (entry == NULL) {
        error = ERROR_INVALID_HANDLE;
    } else if (entry_lock_count(entry) == 0) {
        error = ERROR_NOT_LOCKED;
    } else {
        entry->flags -= (uintptr_t)1 << LOCK_SHIFT;
        *left = entry_lock_count(entry);
    }
    entries_unlock();
    return error;
}

static UINT flags_of_entry(const struct global_entry *entry, bool global)
{
    UINT flags = (UINT)entry_lock_count(entry);
    if ((entry->flags & DISCARDABLE) != 0)
        flags |= global ? GMEM_DISCARDABLE : LMEM_DISCARDABLE;
    if ((entry->flags & DISCARDED) != 0)
        flags |= GMEM_DISCARDED;
    if ((entry->flags & DDESHARE) != 0) /* only GlobalAlloc sets it */
        flags |= GMEM_DDESHARE;
    return flags;
}

static UINT flags_of(HANDLE handle, bool global)
{
    UINT flags = GMEM_INVALID_HANDLE;
    if (!is_entry_handle(handle)) {
        if (is_block(handle))
            return 0;
        SetLastError(global ? ERROR_INVALID_HANDLE : ERROR_NOACCESS);
        return GMEM_INVALID_HANDLE;
    }
    entries_lock();
    const struct global_entry *entry = entry_of(handle);
    if (entry != NULL)
        flags = flags_of_entry(entry, global);
    entries_unlock();
    if (entry == NULL)
        SetLastError(ERROR_INVALID_HANDLE);
    return flags;
}

static SIZE_T size_of(HANDLE handle)
{
    SIZE_T size = PROCESS_HEAP_NO_BLOCK;
    if (is_entry_handle(handle)) {
        entries_lock();
        const struct global_entry *entry = entry_of(handle);
        if (entry != NULL)
            size = entry->data != NULL ? process_heap_size(entry->data) : 0;
        entries_unlock();
    } else if (is_block(handle)) {
        size = process_heap_size(handle);
    }
    if (size != PROCESS_HEAP_NO_BLOCK)
        return size;
    SetLastError(ERROR_INVALID_HANDLE);
    return 0;
}

static HANDLE handle_for(LPCVOID address, bool global)
{
    HANDLE handle = NULL;
    entries_lock();
    struct global_entry *entry = entry_with(address);
    if (entry != NULL)
        handle = entry_handle(entry);
    entries_unlock();
    if (handle == NULL && is_block(address))
        handle = (HANDLE)(uintptr_t)address;
    return handle != NULL ? handle : fail_null(global ? ERROR_INVALID_HANDLE : ERROR_NOACCESS);
}

static HANDLE free_moveable(HANDLE handle)
{
    entries_lock();
    struct global_entry *entry = entry_of(handle);
    void *data = entry != NULL ? entry->data : NULL;
    if (entry != NULL)
        entry_free(entry);
    entries_unlock();
    if (data != NULL)
        process_heap_free(data);
    if (entry != NULL)
        return NULL;
    SetLastError(ERROR_INVALID_HANDLE);
    return handle;
}

static HANDLE free_any(HANDLE handle)
{
    if (handle == NULL)
        return NULL;
    if (is_entry_handle(handle))
        return free_moveable(handle);
    if (is_block(handle)) {
        process_heap_free(handle);
        return NULL;
    }
    SetLastError(ERROR_NOACCESS);
    return handle;
}

HGLOBAL GlobalAlloc(UINT flags, SIZE_T size)
{
    return allocate(flags, size, true);
}

HLOCAL LocalAlloc(UINT flags, SIZE_T size)
{
    return allocate(flags, size, false);
}

HGLOBAL GlobalReAlloc(HGLOBAL handle, SIZE_T size, UINT flags)
{
    return reallocate(handle, size, flags, true);
}

HLOCAL LocalReAlloc(HLOCAL handle, SIZE_T size, UINT flags)
{
    return reallocate(handle, size, flags, false);
}

LPVOID GlobalLock(HGLOBAL handle)
{
    if (is_entry_handle(handle))
        return lock_moveable(handle);
    return is_block(handle) ? handle : fail_null(ERROR_INVALID_HANDLE);
}

LPVOID LocalLock(HLOCAL handle)
{
    if (is_entry_handle(handle))
        return lock_moveable(handle);
    return is_block(handle) ? handle : NULL;
}

BOOL GlobalUnlock(HGLOBAL handle)
{
    uintptr_t left = 0;
    if (!is_entry_handle(handle))
        return TRUE;
    DWORD error = unlock_moveable(handle, &left);
    if (error == 0 && left != 0)
        return TRUE;
    SetLastError(error);
    return error == ERROR_INVALID_HANDLE; /* so it is on Windows */
}

BOOL LocalUnlock(HLOCAL handle)
{
    uintptr_t left = 0;
    if (!is_entry_handle(handle))
        return fail(ERROR_NOT_LOCKED);
    DWORD error = unlock_moveable(handle, &left);
    return error == 0 && left != 0 ? TRUE : fail(error);
}

SIZE_T GlobalSize(HGLOBAL handle)
{
    return size_of(handle);
}

SIZE_T LocalSize(HLOCAL handle)
{
    return size_of(handle);
}

UINT GlobalFlags(HGLOBAL handle)
{
    return flags_of(handle, true);
}

UINT LocalFlags(HLOCAL handle)
{
    return flags_of(handle, false);
}

HGLOBAL GlobalHandle(LPCVOID address)
{
    return handle_for(address, true);
}

HLOCAL LocalHandle(LPCVOID address)
{
    return handle_for(address, false);
}

HGLOBAL GlobalFree(HGLOBAL handle)
{
    return free_any(handle);
}

HLOCAL LocalFree(HLOCAL handle)
{
    return free_any(handle);
}
