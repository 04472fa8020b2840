/* SPDX-License-Identifier: MIT */
/* memory_access.c: memory that may not be accessible: IsBadReadPtr and its kin, ReadProcessMemory
 * and WriteProcessMemory. The questions are answered from what VirtualQuery knows; bytes are copied
 * by the kernel, which stops at a page that cannot be accessed and raises no signal. */
#include "win32/host/host_copy.h"
#include "win32/host/host_map.h"
#include "win32/section/section.h"
#include "win32/virtual/protect.h"
#include "win32/virtual/virtual.h"

#include "barrow/processthreadsapi.h"
#include "barrow/winbase.h"

#include <string.h>

/* As an access would: a guard page stops being one. With win32_lock. */
static void take_guard_away(uintptr_t page, DWORD protect)
{
    struct area *area = area_find(page);
    if (area != NULL)
        protect_pages(area, page, page + PAGE_BYTES, protect & ~PAGE_GUARD);
}

/* The end of the pages from page on that all allow the access, or page itself if it does not; those from
 * end on need not be looked at. With win32_lock. */
static uintptr_t accessible_until(uintptr_t page, uintptr_t end, unsigned access)
{
    MEMORY_BASIC_INFORMATION info;
    if (page >= END_OF_USER || query_pages(page, end, &info) != 0 || info.State != MEM_COMMIT)
        return page;
    if ((info.Protect & PAGE_GUARD) != 0) {
        take_guard_away(page, info.Protect);
        return page;
    }
    return (protect_access(info.Protect) & access) == access ? page + info.RegionSize : page;
}

static bool is_accessible(uintptr_t address, size_t bytes, unsigned access)
{
    uintptr_t end;
    if (bytes == 0)
        return true;
    if (__builtin_add_overflow(address, bytes, &end))
        return false;
    win32_lock();
    uintptr_t page = round_down(address, PAGE_BYTES), next = page;
    while (page < end && (next = accessible_until(page, end, access)) != page)
        page = next;
    win32_unlock();
    return page >= end;
}

BOOL IsBadReadPtr(const void *address, UINT_PTR bytes)
{
    return !is_accessible((uintptr_t)address, bytes, OS_READ);
}

BOOL IsBadWritePtr(LPVOID address, UINT_PTR bytes)
{
    return !is_accessible((uintptr_t)address, bytes, OS_READ | OS_WRITE);
}

BOOL IsBadCodePtr(FARPROC address)
{
    return !is_accessible((uintptr_t)address, 1, OS_READ);
}

/* Looks at the text page by page. wide: units of two bytes. */
static bool is_bad_text(const char *text, size_t bytes, bool wide)
{
    while (bytes > 0) {
        size_t in_page = PAGE_BYTES - ((uintptr_t)text & (PAGE_BYTES - 1));
        size_t n = in_page < bytes ? in_page : bytes;
        if (!is_accessible((uintptr_t)text, n, OS_READ))
            return true;
        for (size_t i = 0; i < n; i += wide ? sizeof(WCHAR) : 1) {
            if (text[i] == 0 && (!wide || text[i + 1] == 0))
                return false;
        }
        text += n;
        bytes -= n;
    }
    return false;
}

BOOL IsBadStringPtrA(LPCSTR text, UINT_PTR limit)
{
    return is_bad_text(text, limit, false);
}

BOOL IsBadStringPtrW(LPCWSTR text, UINT_PTR limit)
{
    size_t bytes = limit < SIZE_MAX / sizeof(WCHAR) ? limit * sizeof(WCHAR) : SIZE_MAX - 1;
    return is_bad_text((const char *)text, bytes, true);
}

/* Pages that were committed through another view are opened to the kernel at their first fault. A
 * system call causes no such fault, so they are opened before it. */
static void open_views(uintptr_t address, size_t bytes)
{
    uintptr_t start, end;
    if (!page_range(address, bytes, &start, &end))
        return;
    win32_lock();
    struct area *view = area_find(start);
    if (view != NULL && view->section != NULL && view->section->committed != NULL)
        view_open_pages(view, start, end < area_end(view) ? end : area_end(view));
    win32_unlock();
}

/* Both pointers of one length, and as many bytes as could be copied. Returns 0 or an error; *own is
 * the caller's side, whose fault is another error. */
static DWORD copy(void *to, const void *from, size_t bytes, const void *own, SIZE_T *done)
{
    open_views((uintptr_t)to, bytes);
    open_views((uintptr_t)from, bytes);
    int error = host_copy_memory(to, from, bytes, done);
    if (error != 0)
        return win32_error(error);
    if (*done == bytes)
        return 0;
    unsigned access = own == to ? OS_WRITE : OS_READ;
    return is_accessible((uintptr_t)own + *done, 1, access) ? ERROR_PARTIAL_COPY : ERROR_NOACCESS;
}

static bool wraps(const void *address, size_t bytes)
{
    uintptr_t end;
    return __builtin_add_overflow((uintptr_t)address, bytes, &end);
}

static BOOL answer(DWORD error, SIZE_T done, SIZE_T *transferred)
{
    if (transferred != NULL)
        *transferred = done;
    return error != 0 ? fail(error) : TRUE;
}

BOOL ReadProcessMemory(HANDLE process, LPCVOID address, LPVOID buffer, SIZE_T bytes, SIZE_T *read)
{
    SIZE_T done = 0;
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    if (wraps(address, bytes) || wraps(buffer, bytes))
        return answer(ERROR_NOACCESS, 0, read);
    DWORD error = copy(buffer, address, bytes, buffer, &done);
    return answer(error, done, read);
}

/* Code may be written to although its pages are not writable: a debugger sets breakpoints so. */
static DWORD write_code(void *to, const void *from, size_t bytes, SIZE_T *done)
{
    ASSERT(!win32_lock_is_mine());
    DWORD before, ignored;
    if (!VirtualProtect(to, bytes, PAGE_EXECUTE_READWRITE, &before))
        return GetLastError();
    DWORD error = copy(to, from, bytes, from, done);
    VirtualProtect(to, bytes, before, &ignored);
    __builtin___clear_cache(to, (char *)to + bytes);
    return error;
}

/* Bytes within one region. */
static DWORD write_region(const MEMORY_BASIC_INFORMATION *region, void *to, const void *from,
                          size_t bytes, SIZE_T *done)
{
    DWORD kind = PROTECT_KIND(region->Protect);
    if (region->State != MEM_COMMIT)
        return ERROR_INVALID_ADDRESS;
    if (kind == PAGE_EXECUTE || kind == PAGE_EXECUTE_READ)
        return write_code(to, from, bytes, done);
    if ((kind & (PROTECT_WRITE | PROTECT_COPY)) == 0)
        return ERROR_NOACCESS;
    return copy(to, from, bytes, from, done);
}

static DWORD write_regions(char *to, const char *from, size_t bytes, SIZE_T *done)
{
    DWORD error = 0;
    while (error == 0 && *done < bytes) {
        MEMORY_BASIC_INFORMATION region;
        SIZE_T now = 0;
        if (VirtualQuery(to + *done, &region, sizeof(region)) == 0)
            return ERROR_INVALID_ADDRESS;
        size_t left = (uintptr_t)region.BaseAddress + region.RegionSize - (uintptr_t)(to + *done);
        size_t n = left < bytes - *done ? left : bytes - *done;
        error = write_region(&region, to + *done, from + *done, n, &now);
        *done += now;
    }
    return error != 0 && *done != 0 ? ERROR_PARTIAL_COPY : error;
}

BOOL WriteProcessMemory(HANDLE process, LPVOID address, LPCVOID buffer, SIZE_T bytes,
                        SIZE_T *written)
{
    SIZE_T done = 0;
    DWORD before = GetLastError();
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    if (wraps(address, bytes) || wraps(buffer, bytes))
        return answer(ERROR_NOACCESS, 0, written);
    DWORD error = write_regions(address, buffer, bytes, &done);
    SetLastError(before);
    return answer(error, done, written);
}
