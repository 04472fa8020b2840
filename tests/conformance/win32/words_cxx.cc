// SPDX-License-Identifier: MIT
// words_cxx.cc: a C++ source as for Windows, beside the headers of the C++ library. Built with char and,
// with UNICODE, with 16-bit characters. It ends with 0 when all of it works.
#include <string>
#include <vector>
#include <Windows.h>

#include <malloc.h>
#include <Psapi.h>
#include <strsafe.h>
#include <tchar.h>

static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

struct __declspec(align(32)) Aligned {
    int value;
};

extern "C" __declspec(dllexport) int __stdcall half(_In_ int whole, _Out_opt_ int *rest);

int __stdcall half(int whole, int *rest)
{
    if (rest != nullptr)
        *rest = whole % 2;
    return whole / 2;
}

static BOOL CALLBACK initialise(PINIT_ONCE, PVOID, PVOID *)
{
    return TRUE;
}

static DWORD raised()
{
    DWORD code = 0;
    __try {
        RaiseException(5, 0, 0, nullptr);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
    }
    return code;
}

static bool locks_work()
{
    CRITICAL_SECTION section;
    LONG count = 0;
    InitializeCriticalSection(&section);
    EnterCriticalSection(&section);
    AcquireSRWLockShared(&lock);
    InterlockedIncrement(&count);
    InterlockedExchangeAdd(&count, 2);
    ReleaseSRWLockShared(&lock);
    LeaveCriticalSection(&section);
    DeleteCriticalSection(&section);
    WakeAllConditionVariable(&changed);
    return count == 3 && InitOnceExecuteOnce(&once, initialise, nullptr, nullptr);
}

int _tmain(int argc, TCHAR *argv[])
{
    TCHAR text[20];
    int rest = 7;
    void *block = _aligned_malloc(10, 32);
    _aligned_free(block);
    StringCchPrintf(text, _countof(text), TEXT("%s %I64u"), TEXT("x"), static_cast<ULONGLONG>(5));
    const bool fine = locks_work() && raised() == 5 && alignof(Aligned) == 32 &&
                      half(5, &rest) == 2 && rest == 1 && block != nullptr &&
                      _tcscmp(text, TEXT("x 5")) == 0 && argc == 2 &&
                      _tcscmp(argv[1], TEXT("argument")) == 0;
    return fine ? 0 : 1;
}
