/* SPDX-License-Identifier: MIT */
/* A Windows source linked with an installed barrow: headers by their own names, in the spellings
 * that such sources use. */
#include <Windows.h>

#include <malloc.h>
#include <memoryapi.h>
#include <Psapi.h>
#include <StrSafe.h>
#include <TCHAR.H>

static CRITICAL_SECTION lock;

int _tmain(void)
{
    TCHAR text[32];
    InitializeCriticalSection(&lock);
    EnterCriticalSection(&lock);
    char *view = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    void *aligned = _aligned_malloc(100, 64);
    LeaveCriticalSection(&lock);
    if (view == NULL || aligned == NULL || (ULONG_PTR)aligned % 64 != 0)
        return 1;
    if (FAILED(StringCchPrintf(text, ARRAYSIZE(text), TEXT("%I64d"), (LONGLONG)1 << 40)))
        return 1;
    _aligned_free(aligned);
    return _tcscmp(text, TEXT("1099511627776")) != 0 || !VirtualFree(view, 0, MEM_RELEASE);
}
