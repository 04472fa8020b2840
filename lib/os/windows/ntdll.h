/* SPDX-License-Identifier: MIT */
/* ntdll.h: what <windows.h> does not declare. All of it is in Windows 8.1 and in Wine. */
#ifndef BARROW_OS_WINDOWS_NTDLL_H
#define BARROW_OS_WINDOWS_NTDLL_H

#include <windows.h>

/* WaitOnAddress and its companion are these; kernel32 itself does not export them. */
NTSYSAPI LONG NTAPI RtlWaitOnAddress(const void *address, const void *compare, SIZE_T size,
                                     const LARGE_INTEGER *timeout);
NTSYSAPI void NTAPI RtlWakeAddressSingle(const void *address);
NTSYSAPI void NTAPI RtlWakeAddressAll(const void *address);

/* The process ends: all threads but this one have been stopped where they were. */
NTSYSAPI BOOLEAN NTAPI RtlDllShutdownInProgress(void);

#endif
