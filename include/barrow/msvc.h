/* SPDX-License-Identifier: MIT */
/* msvc.h: the words that Microsoft's compiler and its run-time headers have without any include:
 * __declspec, __int64, __forceinline, __try, the annotations of sal.h, and so on. All headers of the
 * folder win32 include this one; the headers of the folder barrow itself do not, so that native code
 * keeps its name space. */
#ifndef BARROW_MSVC_H
#define BARROW_MSVC_H

#include "excpt.h"
#include "sal.h"

#include <stdarg.h>
#include <string.h>

/* An attribute of __declspec that is not listed here is a compile error. */
#define BARROW_DECLSPEC_align(n)          __attribute__((aligned(n)))
#define BARROW_DECLSPEC_allocate(segment) __attribute__((section(segment)))
#define BARROW_DECLSPEC_allocator
#define BARROW_DECLSPEC_code_seg(segment) __attribute__((section(segment)))
#define BARROW_DECLSPEC_deprecated        __attribute__((deprecated))
#define BARROW_DECLSPEC_dllexport         __attribute__((visibility("default")))
#define BARROW_DECLSPEC_dllimport
#define BARROW_DECLSPEC_empty_bases
#define BARROW_DECLSPEC_guard(how)
#define BARROW_DECLSPEC_noalias
#define BARROW_DECLSPEC_noinline __attribute__((noinline))
#define BARROW_DECLSPEC_noreturn __attribute__((noreturn))
#define BARROW_DECLSPEC_nothrow  __attribute__((nothrow))
#define BARROW_DECLSPEC_novtable
#define BARROW_DECLSPEC_restrict
#define BARROW_DECLSPEC_safebuffers
#define BARROW_DECLSPEC_selectany __attribute__((weak))
#define BARROW_DECLSPEC_uuid(text)
#ifdef __cplusplus
#define BARROW_DECLSPEC_thread thread_local
#else
#define BARROW_DECLSPEC_thread _Thread_local
#endif
#undef __declspec
#define __declspec(attribute) BARROW_DECLSPEC_##attribute
#define _declspec(attribute) BARROW_DECLSPEC_##attribute

#define __int8 char
#define __int16 short
#define __int32 int
#define __int64 long long
#define __cdecl
#define __stdcall
#define __fastcall
#define __thiscall
#define __vectorcall
#define _cdecl
#define _stdcall
#define __forceinline inline __attribute__((always_inline))
#define _forceinline __forceinline
#define _inline inline
#define __unaligned
#define __ptr64
#define __w64
#define __assume(condition) ((condition) ? (void)0 : __builtin_unreachable())
#define __debugbreak()      __builtin_trap()

#define FORCEINLINE  __forceinline
#define CFORCEINLINE __forceinline
#define UNALIGNED
#define UNALIGNED64
#define POINTER_32
#define POINTER_64
#define DECLSPEC_ALIGN(n)   __declspec(align(n))
#define DECLSPEC_CACHEALIGN __declspec(align(64))
#define DECLSPEC_IMPORT     __declspec(dllimport)
#define DECLSPEC_NOINLINE   __declspec(noinline)
#define DECLSPEC_NORETURN   __declspec(noreturn)
#define DECLSPEC_NOTHROW    __declspec(nothrow)
#define DECLSPEC_NOVTABLE
#define DECLSPEC_SELECTANY  __declspec(selectany)
#define DECLSPEC_DEPRECATED __declspec(deprecated)
#define DECLSPEC_UUID(text)

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

/* Takes any arguments and evaluates none of them. */
enum { __noop = 0 };
#define __noop(...) ((void)0)

#define _countof(array) (sizeof(array) / sizeof((array)[0]))

#endif
