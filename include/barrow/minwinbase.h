/* SPDX-License-Identifier: MIT */
/* minwinbase.h: OVERLAPPED, and the names of memcpy and memset that Windows sources use. */
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

#define CopyMemory RtlCopyMemory
#define MoveMemory RtlMoveMemory
#define FillMemory RtlFillMemory
#define ZeroMemory RtlZeroMemory

#endif
