/* SPDX-License-Identifier: MIT */
/* win32_types.h: Windows' types and its last error: the system's own on Windows, ours elsewhere. */
#ifndef BARROW_OS_WIN32_TYPES_H
#define BARROW_OS_WIN32_TYPES_H

#if defined(_WIN32)
#include <windows.h>
#define BARROW_USE_HEAPS /* what is defined here are barrow_HeapCreate and so on */
#else
#include "barrow/errhandlingapi.h"
#include "barrow/handleapi.h"
#include "barrow/memoryapi.h"
#endif

#endif
