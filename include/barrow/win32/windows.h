/* SPDX-License-Identifier: MIT */
/* windows.h: put this folder on the include path, and a Windows source that uses only memory, file
 * mappings, files and structured exceptions compiles unchanged. With UNICODE defined, TCHAR is a
 * 16-bit character and TEXT("x") is u"x". */
#ifndef BARROW_WIN32_WINDOWS_H
#define BARROW_WIN32_WINDOWS_H

#include "../windef.h"

#include "../errhandlingapi.h"
#include "../excpt.h"
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

/* libstdc++ has a __try too, and means try by it. So in C++ the word is ours in the file that is
 * compiled and libstdc++'s in all files that it includes; those have BARROW_TRY. */
#undef __try
#if defined(__cplusplus) && __has_include(<bits/exception_defines.h>)
#include <bits/exception_defines.h>
#undef __try
#define BARROW_SECOND(first, second, ...) second
#define BARROW_CHOOSE(...)                BARROW_SECOND(__VA_ARGS__)
#define BARROW_LEVEL_0                    ~, OURS
#define BARROW_LEVEL(level)               BARROW_CHOOSE(BARROW_LEVEL_##level, THEIRS, ~)
#define BARROW_WHOSE(level)               BARROW_LEVEL(level)
#define BARROW_PASTE(a, b)                a##b
#define BARROW_JOIN(a, b)                 BARROW_PASTE(a, b)
#define BARROW_WORD_OURS                  BARROW_TRY
#define BARROW_WORD_THEIRS                try
#define __try BARROW_JOIN(BARROW_WORD_, BARROW_WHOSE(__INCLUDE_LEVEL__))
#else
#define __try BARROW_TRY
#endif
#define __except BARROW_EXCEPT
#define __finally BARROW_FINALLY
#define __leave BARROW_LEAVE
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
