/* SPDX-License-Identifier: MIT */
/* windows.h: put this folder on the include path, and a Windows source that uses only memory, file
 * mappings and files compiles unchanged. With UNICODE defined, TCHAR is a 16-bit character and
 * TEXT("x") is u"x". */
#ifndef BARROW_WIN32_WINDOWS_H
#define BARROW_WIN32_WINDOWS_H

#include "../windef.h"

#include "../errhandlingapi.h"
#include "../fileapi.h"
#include "../handleapi.h"
#if defined(__has_include)
#if __has_include("../heapapi.h")
#include "../heapapi.h"
#endif
#endif
#include "../memoryapi.h"
#include "../processthreadsapi.h"
#include "../synchapi.h"
#include "../sysinfoapi.h"
#include "../winbase.h"

#include <stdarg.h>
#include <string.h>

/* Words of Microsoft's compiler. */
#ifndef _MSC_VER
#define __int8 char
#define __int16 short
#define __int32 int
#define __int64 long long
#define __cdecl
#define __stdcall
#endif

#if !defined(__cplusplus) && !defined(NOMINMAX)
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#endif

#endif
