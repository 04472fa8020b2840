/* SPDX-License-Identifier: MIT */
/* win32_types.h: Windows' types and its last error: the system's own on Windows, ours elsewhere. */
#ifndef BARROW_OS_WIN32_TYPES_H
#define BARROW_OS_WIN32_TYPES_H

#if defined(_WIN32)
#include <windows.h>
#define BARROW_USE_HEAPS /* what is defined here are barrow_HeapCreate and so on */

/* of Windows 8.1; MinGW-w64's headers lack it */
#if !defined(HEAP_OPTIMIZE_RESOURCES_CURRENT_VERSION)
#define HEAP_OPTIMIZE_RESOURCES_CURRENT_VERSION 1
#define HeapOptimizeResources                   ((HEAP_INFORMATION_CLASS)3)
typedef struct HEAP_OPTIMIZE_RESOURCES_INFORMATION {
    DWORD Version;
    DWORD Flags;
} HEAP_OPTIMIZE_RESOURCES_INFORMATION;
#endif
#else
#include "barrow/errhandlingapi.h"
#include "barrow/handleapi.h"
#include "barrow/memoryapi.h"
#endif

#endif
