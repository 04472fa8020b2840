/* SPDX-License-Identifier: MIT */
/* ntdll.h: what ntdll exports and the SDK's winternl.h leaves out. */
#ifndef BARROW_REDIRECT_NTDLL_H
#define BARROW_REDIRECT_NTDLL_H

#include <windows.h>
/* needs what windows.h defines */
#include <winternl.h>

struct ldr_notification {
    ULONG flags;
    const UNICODE_STRING *full_name;
    const UNICODE_STRING *base_name;
    void *base;
    ULONG size;
};

typedef void CALLBACK ldr_notify(ULONG reason, const struct ldr_notification *data, void *context);
typedef void CALLBACK ldr_visit(const LDR_DATA_TABLE_ENTRY *module, void *context, BOOLEAN *stop);

NTSYSAPI NTSTATUS NTAPI LdrRegisterDllNotification(ULONG flags, ldr_notify *notify, void *context,
                                                   void **cookie);
NTSYSAPI NTSTATUS NTAPI LdrEnumerateLoadedModules(BOOLEAN reserved, ldr_visit *visit,
                                                  void *context);

NTSYSAPI NTSTATUS NTAPI LdrLoadDll(const WCHAR *path, ULONG *flags, const UNICODE_STRING *name,
                                   HMODULE *module);
NTSYSAPI NTSTATUS NTAPI LdrLockLoaderLock(ULONG flags, ULONG *state, ULONG_PTR *cookie);
NTSYSAPI NTSTATUS NTAPI LdrUnlockLoaderLock(ULONG flags, ULONG_PTR cookie);

void *NTAPI RtlAllocateHeap(HANDLE heap, ULONG flags, SIZE_T size);
NTSYSAPI void *NTAPI RtlReAllocateHeap(HANDLE heap, ULONG flags, void *block, SIZE_T size);
NTSYSAPI SIZE_T NTAPI RtlSizeHeap(HANDLE heap, ULONG flags, const void *block);
NTSYSAPI BOOLEAN NTAPI RtlValidateHeap(HANDLE heap, ULONG flags, const void *block);
NTSYSAPI ULONG NTAPI RtlCompactHeap(HANDLE heap, ULONG flags);
NTSYSAPI BOOLEAN NTAPI RtlLockHeap(HANDLE heap);
NTSYSAPI BOOLEAN NTAPI RtlUnlockHeap(HANDLE heap);
NTSYSAPI NTSTATUS NTAPI NtAllocateVirtualMemory(HANDLE process, void **address, ULONG_PTR zero_bits,
                                                SIZE_T *size, ULONG type, ULONG access);
NTSYSAPI BOOLEAN NTAPI RtlEqualUnicodeString(const UNICODE_STRING *a, const UNICODE_STRING *b,
                                             BOOLEAN without_case);

#endif
