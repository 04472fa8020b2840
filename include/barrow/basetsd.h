/* SPDX-License-Identifier: MIT */
/* basetsd.h: Windows' integer types of fixed width and of pointer width. */
#ifndef BARROW_BASETSD_H
#define BARROW_BASETSD_H

#include <stddef.h>
#include <stdint.h>

typedef int8_t INT8;
typedef int16_t INT16;
typedef int32_t INT32;
typedef int64_t INT64;
typedef uint8_t UINT8;
typedef uint16_t UINT16;
typedef uint32_t UINT32;
typedef uint64_t UINT64;
typedef int32_t LONG32;
typedef int64_t LONG64;
typedef uint32_t ULONG32;
typedef uint64_t ULONG64;
typedef uint32_t DWORD32;
typedef uint64_t DWORD64;

typedef intptr_t INT_PTR;
typedef uintptr_t UINT_PTR;
typedef intptr_t LONG_PTR;
typedef uintptr_t ULONG_PTR, *PULONG_PTR;
typedef ULONG_PTR DWORD_PTR, *PDWORD_PTR;

typedef size_t SIZE_T, *PSIZE_T;
typedef ptrdiff_t SSIZE_T, *PSSIZE_T;

#define MAXUINT8  ((UINT8)0xFF)
#define MAXUINT16 ((UINT16)0xFFFF)
#define MAXUINT32 ((UINT32)0xFFFFFFFFu)
#define MAXUINT64 ((UINT64)UINT64_MAX)
#define MAXINT8   ((INT8)INT8_MAX)
#define MAXINT16  ((INT16)INT16_MAX)
#define MAXINT32  ((INT32)INT32_MAX)
#define MAXINT64  ((INT64)INT64_MAX)
#define MAXUINT   0xFFFFFFFFu
#define MAXINT    INT32_MAX
#define MININT    INT32_MIN
#define MAXULONG  0xFFFFFFFFu
#define MAXSIZE_T ((SIZE_T)SIZE_MAX)

/* Conversions between pointers or handles and 32-bit integers. A handle keeps its value on the way
 * to 32 bits and back; a pointer loses its upper half. */
#define HandleToULong(h) ((uint32_t)(uintptr_t)(h))
#define HandleToLong(h)  ((int32_t)(intptr_t)(h))
#define ULongToHandle(n) ((void *)(uintptr_t)(uint32_t)(n))
#define LongToHandle(n)  ((void *)(intptr_t)(int32_t)(n))
#define PtrToUlong(p)    ((uint32_t)(uintptr_t)(p))
#define PtrToLong(p)     ((int32_t)(intptr_t)(p))
#define PtrToUint(p)     ((unsigned int)(uintptr_t)(p))
#define PtrToInt(p)      ((int)(intptr_t)(p))
#define PtrToUshort(p)   ((unsigned short)(uintptr_t)(p))
#define PtrToShort(p)    ((short)(intptr_t)(p))
#define UlongToPtr(n)    ((void *)(uintptr_t)(uint32_t)(n))
#define LongToPtr(n)     ((void *)(intptr_t)(int32_t)(n))
#define UIntToPtr(n)     ((void *)(uintptr_t)(unsigned int)(n))
#define IntToPtr(n)      ((void *)(intptr_t)(int)(n))
#define ULongToPtr       UlongToPtr
#define UlongToHandle    ULongToHandle
#define PtrToULong       PtrToUlong
#define HandleToUlong    HandleToULong

#endif
