/* SPDX-License-Identifier: MIT */
/* virtual_forms.c: the forms of VirtualAlloc and VirtualProtect for nodes of memory and for
 * applications from the store, which may not make memory executable. Nodes are advice, and are
 * ignored. */
#include "win32/virtual/protect.h"

#include "barrow/memoryapi.h"

LPVOID VirtualAllocExNuma(HANDLE process, LPVOID address, SIZE_T size, DWORD type, DWORD protect,
                          DWORD node)
{
    (void)node;
    return VirtualAllocEx(process, address, size, type, protect);
}

static bool is_executable(DWORD protect)
{
    return (protect & PROTECT_EXECUTE) != 0;
}

PVOID VirtualAllocFromApp(PVOID address, SIZE_T size, ULONG type, ULONG protect)
{
    return is_executable(protect) ? fail_null(ERROR_INVALID_PARAMETER)
                                  : VirtualAlloc(address, size, type, protect);
}

PVOID VirtualAlloc2FromApp(HANDLE process, PVOID address, SIZE_T size, ULONG type, ULONG protect,
                           MEM_EXTENDED_PARAMETER *parameters, ULONG parameter_count)
{
    return is_executable(protect)
               ? fail_null(ERROR_INVALID_PARAMETER)
               : VirtualAlloc2(process, address, size, type, protect, parameters, parameter_count);
}

BOOL VirtualProtectFromApp(PVOID address, SIZE_T size, ULONG protect, PULONG old)
{
    return is_executable(protect) ? fail(ERROR_INVALID_PARAMETER)
                                  : VirtualProtect(address, size, protect, old);
}
