/* SPDX-License-Identifier: MIT */
/* minwinbase.h: OVERLAPPED, PROCESS_HEAP_ENTRY, the codes of exceptions, and the names of memcpy
 * and memset that Windows sources use. */
#ifndef BARROW_MINWINBASE_H
#define BARROW_MINWINBASE_H

#include "winnt.h"

/* Only the offset is used: every transfer here is synchronous. */
typedef struct _OVERLAPPED {
    ULONG_PTR Internal;
    ULONG_PTR InternalHigh;
    __extension__ union {
        __extension__ struct {
            DWORD Offset;
            DWORD OffsetHigh;
        };
        PVOID Pointer;
    };
    HANDLE hEvent;
} OVERLAPPED, *LPOVERLAPPED;

#define LOCKFILE_FAIL_IMMEDIATELY 0x00000001u
#define LOCKFILE_EXCLUSIVE_LOCK   0x00000002u

typedef enum _GET_FILEEX_INFO_LEVELS {
    GetFileExInfoStandard,
    GetFileExMaxInfoLevel
} GET_FILEEX_INFO_LEVELS;

typedef struct _SYSTEMTIME {
    WORD wYear; /* 1601 to 30827 */
    WORD wMonth;
    WORD wDayOfWeek; /* 0: Sunday */
    WORD wDay;
    WORD wHour;
    WORD wMinute;
    WORD wSecond;
    WORD wMilliseconds;
} SYSTEMTIME, *PSYSTEMTIME, *LPSYSTEMTIME;

/* What HeapWalk tells of a piece of a heap. Sizes are in bytes; those of pieces beyond 4 GiB are
 * cut to MAXDWORD, which HeapSize is not. */
typedef struct _PROCESS_HEAP_ENTRY {
    PVOID lpData;      /* start of the block's data, or of the region or range */
    DWORD cbData;      /* block: the size asked for; region: its header; range: its length */
    BYTE cbOverhead;   /* bytes that the heap adds to a block */
    BYTE iRegionIndex; /* number of the region; 64 for a large block outside regions */
    WORD wFlags;       /* PROCESS_HEAP_...; 0 for a free block */
    __extension__ union {
        struct {
            HANDLE hMem;
            DWORD dwReserved[3];
        } Block; /* with PROCESS_HEAP_ENTRY_MOVEABLE, which is never set here */
        struct {
            DWORD dwCommittedSize;
            DWORD dwUnCommittedSize;
            LPVOID lpFirstBlock;
            LPVOID lpLastBlock; /* the first address behind the region's last piece */
        } Region;               /* with PROCESS_HEAP_REGION */
    };
} PROCESS_HEAP_ENTRY, *LPPROCESS_HEAP_ENTRY, *PPROCESS_HEAP_ENTRY;

BARROW_LAYOUT(sizeof(PROCESS_HEAP_ENTRY) == 40);
BARROW_LAYOUT(offsetof(PROCESS_HEAP_ENTRY, wFlags) == 14);
BARROW_LAYOUT(offsetof(PROCESS_HEAP_ENTRY, Region.lpFirstBlock) == 24);

#define PROCESS_HEAP_REGION            0x0001u
#define PROCESS_HEAP_UNCOMMITTED_RANGE 0x0002u
#define PROCESS_HEAP_ENTRY_BUSY        0x0004u
#define PROCESS_HEAP_SEG_ALLOC         0x0008u
#define PROCESS_HEAP_ENTRY_MOVEABLE    0x0010u
#define PROCESS_HEAP_ENTRY_DDESHARE    0x0020u

#define EXCEPTION_ACCESS_VIOLATION         STATUS_ACCESS_VIOLATION
#define EXCEPTION_IN_PAGE_ERROR            STATUS_IN_PAGE_ERROR
#define EXCEPTION_GUARD_PAGE               STATUS_GUARD_PAGE_VIOLATION
#define EXCEPTION_DATATYPE_MISALIGNMENT    STATUS_DATATYPE_MISALIGNMENT
#define EXCEPTION_BREAKPOINT               STATUS_BREAKPOINT
#define EXCEPTION_SINGLE_STEP              STATUS_SINGLE_STEP
#define EXCEPTION_INVALID_HANDLE           STATUS_INVALID_HANDLE
#define EXCEPTION_ILLEGAL_INSTRUCTION      STATUS_ILLEGAL_INSTRUCTION
#define EXCEPTION_NONCONTINUABLE_EXCEPTION STATUS_NONCONTINUABLE_EXCEPTION
#define EXCEPTION_INVALID_DISPOSITION      STATUS_INVALID_DISPOSITION
#define EXCEPTION_ARRAY_BOUNDS_EXCEEDED    STATUS_ARRAY_BOUNDS_EXCEEDED
#define EXCEPTION_FLT_DENORMAL_OPERAND     STATUS_FLOAT_DENORMAL_OPERAND
#define EXCEPTION_FLT_DIVIDE_BY_ZERO       STATUS_FLOAT_DIVIDE_BY_ZERO
#define EXCEPTION_FLT_INEXACT_RESULT       STATUS_FLOAT_INEXACT_RESULT
#define EXCEPTION_FLT_INVALID_OPERATION    STATUS_FLOAT_INVALID_OPERATION
#define EXCEPTION_FLT_OVERFLOW             STATUS_FLOAT_OVERFLOW
#define EXCEPTION_FLT_STACK_CHECK          STATUS_FLOAT_STACK_CHECK
#define EXCEPTION_FLT_UNDERFLOW            STATUS_FLOAT_UNDERFLOW
#define EXCEPTION_INT_DIVIDE_BY_ZERO       STATUS_INTEGER_DIVIDE_BY_ZERO
#define EXCEPTION_INT_OVERFLOW             STATUS_INTEGER_OVERFLOW
#define EXCEPTION_PRIV_INSTRUCTION         STATUS_PRIVILEGED_INSTRUCTION
#define EXCEPTION_STACK_OVERFLOW           STATUS_STACK_OVERFLOW
#define CONTROL_C_EXIT                     STATUS_CONTROL_C_EXIT

#define CopyMemory       RtlCopyMemory
#define MoveMemory       RtlMoveMemory
#define FillMemory       RtlFillMemory
#define ZeroMemory       RtlZeroMemory
#define EqualMemory      RtlEqualMemory
#define SecureZeroMemory RtlSecureZeroMemory

#endif
