/* SPDX-License-Identifier: MIT */
/* mapping_forms.c: the newer forms of the calls on file mappings, as far as they are for the calling
 * process, and the file behind a view. */
#include "win32/host/host_file.h"
#include "win32/host/text.h"
#include "win32/section/section.h"
#include "win32/virtual/protect.h"

#include "barrow/psapi.h"
#include "barrow/winbase.h"

#include <string.h>

/* A view has one of the kinds of a section, or PAGE_NOACCESS. */
static bool is_view_protection(DWORD protect)
{
    return protect_is_valid(protect) && (protect & (PAGE_GUARD | PROTECT_CACHE)) == 0;
}

/* Parameters that can be ignored: which node or which machine the memory is for. */
static DWORD check_parameters(const MEM_EXTENDED_PARAMETER *parameters, ULONG count)
{
    if (parameters == NULL && count != 0)
        return ERROR_INVALID_PARAMETER;
    for (ULONG i = 0; i < count; i++) {
        switch ((int)parameters[i].Type) {
        case MemExtendedParameterNumaNode:
        case MemExtendedParameterAttributeFlags:
            break;
        case MemExtendedParameterAddressRequirements:
            return ERROR_NOT_SUPPORTED;
        default:
            return ERROR_INVALID_PARAMETER;
        }
    }
    return 0;
}

static DWORD check_type(ULONG type)
{
    if ((type & MEM_REPLACE_PLACEHOLDER) != 0 || (type & MEM_LARGE_PAGES) != 0)
        return ERROR_NOT_SUPPORTED;
    return (type & ~(MEM_RESERVE | MEM_COMMIT | MEM_TOP_DOWN)) != 0 ? ERROR_INVALID_PARAMETER : 0;
}

PVOID MapViewOfFile3(HANDLE mapping, HANDLE process, PVOID address, ULONG64 offset, SIZE_T size,
                     ULONG type, ULONG protect, MEM_EXTENDED_PARAMETER *parameters,
                     ULONG parameter_count)
{
    DWORD error = is_this_process(process) ? check_type(type) : ERROR_INVALID_HANDLE;
    if (error == 0)
        error = check_parameters(parameters, parameter_count);
    if (error == 0 && !is_view_protection(protect))
        error = ERROR_INVALID_PARAMETER;
    return error != 0 ? fail_null(error)
                      : section_map_handle(mapping, protect, offset, size, address);
}

PVOID MapViewOfFile3FromApp(HANDLE mapping, HANDLE process, PVOID address, ULONG64 offset,
                            SIZE_T size, ULONG type, ULONG protect,
                            MEM_EXTENDED_PARAMETER *parameters, ULONG parameter_count)
{
    if ((protect & PROTECT_EXECUTE) != 0)
        return fail_null(ERROR_INVALID_PARAMETER);
    return MapViewOfFile3(mapping, process, address, offset, size, type, protect, parameters,
                          parameter_count);
}

PVOID MapViewOfFileNuma2(HANDLE mapping, HANDLE process, ULONG64 offset, PVOID address, SIZE_T size,
                         ULONG type, ULONG protect, ULONG node)
{
    (void)node;
    return MapViewOfFile3(mapping, process, address, offset, size, type, protect, NULL, 0);
}

PVOID MapViewOfFile2(HANDLE mapping, HANDLE process, ULONG64 offset, PVOID address, SIZE_T size,
                     ULONG type, ULONG protect)
{
    return MapViewOfFile3(mapping, process, address, offset, size, type, protect, NULL, 0);
}

LPVOID MapViewOfFileExNuma(HANDLE mapping, DWORD access, DWORD offset_high, DWORD offset_low,
                           SIZE_T size, LPVOID address, DWORD node)
{
    (void)node;
    return MapViewOfFileEx(mapping, access, offset_high, offset_low, size, address);
}

PVOID MapViewOfFileFromApp(HANDLE mapping, ULONG access, ULONG64 offset, SIZE_T size)
{
    if ((access & FILE_MAP_EXECUTE) != 0)
        return fail_null(ERROR_INVALID_PARAMETER);
    return MapViewOfFile(mapping, access, (DWORD)(offset >> 32), (DWORD)offset, size);
}

/* "Transient boost" is advice to the scheduler of another system. */
BOOL UnmapViewOfFileEx(PVOID address, ULONG flags)
{
    if ((flags & MEM_PRESERVE_PLACEHOLDER) != 0)
        return fail(ERROR_NOT_SUPPORTED);
    if ((flags & ~MEM_UNMAP_WITH_TRANSIENT_BOOST) != 0)
        return fail(ERROR_INVALID_PARAMETER);
    return UnmapViewOfFile(address);
}

BOOL UnmapViewOfFile2(HANDLE process, PVOID address, ULONG flags)
{
    return is_this_process(process) ? UnmapViewOfFileEx(address, flags)
                                    : fail(ERROR_INVALID_HANDLE);
}

HANDLE CreateFileMappingNumaA(HANDLE file, LPSECURITY_ATTRIBUTES attributes, DWORD protect,
                              DWORD size_high, DWORD size_low, LPCSTR name, DWORD node)
{
    (void)node;
    return CreateFileMappingA(file, attributes, protect, size_high, size_low, name);
}

HANDLE CreateFileMappingNumaW(HANDLE file, LPSECURITY_ATTRIBUTES attributes, DWORD protect,
                              DWORD size_high, DWORD size_low, LPCWSTR name, DWORD node)
{
    (void)node;
    return CreateFileMappingW(file, attributes, protect, size_high, size_low, name);
}

HANDLE CreateFileMappingFromApp(HANDLE file, PSECURITY_ATTRIBUTES attributes, ULONG protect,
                                ULONG64 size, PCWSTR name)
{
    if ((protect & PROTECT_EXECUTE) != 0)
        return fail_null(ERROR_INVALID_PARAMETER);
    return CreateFileMappingW(file, attributes, protect, (DWORD)(size >> 32), (DWORD)size, name);
}

HANDLE CreateFileMapping2(HANDLE file, SECURITY_ATTRIBUTES *attributes, ULONG access, ULONG protect,
                          ULONG flags, ULONG64 size, PCWSTR name,
                          MEM_EXTENDED_PARAMETER *parameters, ULONG parameter_count)
{
    (void)access;
    DWORD error = check_parameters(parameters, parameter_count);
    if (error != 0)
        return fail_null(error);
    return CreateFileMappingW(file, attributes, protect | flags, (DWORD)(size >> 32), (DWORD)size,
                              name);
}

HANDLE OpenFileMappingFromApp(ULONG access, BOOL inherit, PCWSTR name)
{
    return OpenFileMappingW(access, inherit, name);
}

/* The section of the view at an address, retained; NULL when there is no view. */
static struct section *section_at(LPVOID address)
{
    struct section *section = NULL;
    win32_lock();
    struct area *view = area_find((uintptr_t)address);
    if (view != NULL && view->section != NULL) {
        section = view->section;
        object_retain(&section->object);
    }
    win32_unlock();
    return section;
}

/* Returns 0 or an error. */
static DWORD file_of_view(LPVOID address, char *path, size_t capacity)
{
    struct section *section = section_at(address);
    if (section == NULL)
        return ERROR_UNEXP_NET_ERR; /* sic: so Windows translates the status "invalid address" */
    DWORD error = section->is_file ? 0 : ERROR_FILE_INVALID;
    if (error == 0 && host_file_path(section->fd, path, capacity) != 0)
        error = ERROR_GEN_FAILURE;
    object_release(&section->object);
    return error;
}

static DWORD check_request(HANDLE process, const void *buffer, DWORD size)
{
    if (!is_this_process(process))
        return ERROR_INVALID_HANDLE;
    if (buffer == NULL)
        return ERROR_INVALID_PARAMETER;
    return size == 0 ? ERROR_INSUFFICIENT_BUFFER : 0;
}

/* What both forms answer from: `path` has TEXT_ROOM bytes. */
static DWORD path_of_view(HANDLE process, void *address, const void *buffer, DWORD size, char *path)
{
    DWORD error = check_request(process, buffer, size);
    return error != 0 ? error : file_of_view(address, path, TEXT_ROOM);
}

DWORD GetMappedFileNameA(HANDLE process, LPVOID address, LPSTR buffer, DWORD size)
{
    char path[TEXT_ROOM];
    DWORD error = path_of_view(process, address, buffer, size, path);
    if (error != 0)
        return (DWORD)fail(error);
    DWORD length = (DWORD)strnlen(path, size);
    memcpy(buffer, path, length);
    buffer[length < size ? length : size - 1] = '\0';
    return length;
}

DWORD GetMappedFileNameW(HANDLE process, LPVOID address, LPWSTR buffer, DWORD size)
{
    char path[TEXT_ROOM];
    DWORD error = path_of_view(process, address, buffer, size, path);
    if (error != 0)
        return (DWORD)fail(error);
    size_t units = text_to_utf16(path, strlen(path), buffer, size);
    DWORD length = units < size ? (DWORD)units : size;
    buffer[length < size ? length : size - 1] = 0;
    return length;
}
