/* SPDX-License-Identifier: MIT */
/* process.c: the process by kernel32 and ntdll, which every process has loaded. Text is UTF-8 for the layers above
 * and UTF-16 below. The environment is read at start-up only. */
#include "os/process.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#include <intrin.h>
#endif
#include <stdio.h>
#include <string.h>
#include <windows.h>

/* Text is UTF-8 in the layers above, UTF-16 below. */
enum { LONGEST = 32768 /* characters of a variable or a path, as Windows has it */ };

bool os_environment_is_there(void)
{
    return true;
}

bool os_environment_has_options(void)
{
    return true; /* asking for each is as quick */
}

static int to_utf8(const WCHAR *text, int length, char *out, int size)
{
    int n = WideCharToMultiByte(CP_UTF8, 0, text, length, out, size - 1, NULL, NULL);
    out[n] = '\0';
    return n;
}

/* Read at the start only, under the lock of the start. */
const char *os_environment(const char *name)
{
    static WCHAR wide[LONGEST];
    static char text[3 * LONGEST];
    WCHAR wide_name[64];
    DWORD error = GetLastError();
    MultiByteToWideChar(CP_UTF8, 0, name, -1, wide_name, sizeof wide_name / sizeof wide_name[0]);
    SetLastError(ERROR_SUCCESS);
    DWORD length = GetEnvironmentVariableW(wide_name, wide, LONGEST);
    bool is_there = length != 0 || GetLastError() != ERROR_ENVVAR_NOT_FOUND;
    to_utf8(wide, (int)length, text, sizeof text);
    SetLastError(error);
    return is_there ? text : NULL;
}

/* Variables' names have no case on Windows, but the library's are written in capitals. */
void os_environment_options(void (*each)(const char *name, size_t length))
{
    char name[128];
    WCHAR *all = GetEnvironmentStringsW();
    for (WCHAR *entry = all; entry != NULL && *entry != L'\0'; entry += wcslen(entry) + 1) {
        size_t length = wcscspn(entry, L"=");
        if (wcsncmp(entry, L"BARROW_", 7) == 0 && length < sizeof name / 3)
            each(name, (size_t)to_utf8(entry, (int)length, name, sizeof name));
    }
    if (all != NULL)
        FreeEnvironmentStringsW(all);
}

const struct barrow_config *os_program_config(void)
{
    HMODULE program = GetModuleHandleW(NULL);
    DWORD error = GetLastError();
    void *symbol = (void *)(uintptr_t)GetProcAddress(program, "barrow_process_heap");
    SetLastError(error);
    return symbol;
}

uint64_t os_milliseconds(void)
{
    return GetTickCount64();
}

static bool write_all(HANDLE file, const char *text, size_t length)
{
    DWORD written;
    for (; length > 0; text += written, length -= written)
        if (!WriteFile(file, text, (DWORD)length, &written, NULL) || written == 0)
            return false;
    return true;
}

void os_write_error(const char *text, size_t length)
{
    DWORD error = GetLastError();
    write_all(GetStdHandle(STD_ERROR_HANDLE), text, length);
    SetLastError(error);
}

bool os_is_path(const char *text)
{
    return strpbrk(text, "/\\:") != NULL;
}

bool os_append_file(const char *path, const char *text, size_t length)
{
    static WCHAR wide[LONGEST]; /* called once, at the end */
    if (MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, LONGEST) == 0)
        return false;
    HANDLE file = CreateFileW(wide, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                              OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    bool done = write_all(file, text, length);
    CloseHandle(file);
    return done;
}

bool os_is_loader(const void *code)
{
    (void)code;
    return false; /* Windows' loader has a heap of its own */
}

int os_process_id(void)
{
    return (int)GetCurrentProcessId();
}

int os_thread_id(void)
{
    return (int)GetCurrentThreadId();
}

#if defined(__x86_64__) || defined(_M_X64) && !defined(_M_ARM64EC)

#if defined(_MSC_VER)
#define READS_RANDOM
#else
#define READS_RANDOM __attribute__((target("rdrnd")))
#endif

READS_RANDOM static unsigned long long read_random(void)
{
    unsigned long long bits = 0;
    for (int tries = 0; tries < 10; tries++)
        if (_rdrand64_step(&bits))
            break;
    return bits;
}

/* 0 where the processor has no source. */
static unsigned long long processor_random(void)
{
    int registers[4];
    __cpuid(registers, 1);
    return registers[2] >> 30 & 1 ? read_random() : 0;
}

static uint64_t processor_clock(void)
{
    return __rdtsc();
}

#else

/* Arm's source is for the system alone on most processors. */
static unsigned long long processor_random(void)
{
    return 0;
}

static uint64_t processor_clock(void)
{
    ULONG64 cycles = 0;
    QueryThreadCycleTime(GetCurrentThread(), &cycles);
    return cycles;
}

#endif

/* The system's own source is in a DLL that may not be loaded here. The processor's is mixed with
 * clocks and the place of a local variable, which must do where there is none. */
uint64_t os_random(void)
{
    unsigned long long bits = processor_random();
    LARGE_INTEGER now;
    QueryPerformanceCounter(&now);
    uint64_t rest = ((uint64_t)now.QuadPart ^ processor_clock() << 20 ^ (uintptr_t)&bits) +
                    (uint64_t)GetCurrentThreadId() * 0xbf58476d1ce4e5b9U;
    return bits ^ (rest ^ rest >> 29) * 0x9e3779b97f4a7c15U;
}

static char program_name[256];

/* The part behind the last separator. */
void os_keep_program_name(void)
{
    static WCHAR path[LONGEST];
    DWORD length = GetModuleFileNameW(NULL, path, LONGEST), start = length;
    while (start > 0 && path[start - 1] != L'\\' && path[start - 1] != L'/')
        start--;
    to_utf8(path + start, (int)(length - start), program_name, sizeof program_name);
}

const char *os_program_name(void)
{
    return program_name;
}

/* As Windows' own heap ends a process that has damaged it: a debugger or the error reporting sees
 * this code, and no handler of the program's can go on. */
void os_abort(void)
{
    EXCEPTION_RECORD record = { .ExceptionCode = (DWORD)STATUS_HEAP_CORRUPTION,
                                .ExceptionFlags = EXCEPTION_NONCONTINUABLE };
    RaiseFailFastException(&record, NULL, FAIL_FAST_GENERATE_EXCEPTION_ADDRESS);
    TerminateProcess(GetCurrentProcess(), (UINT)STATUS_HEAP_CORRUPTION);
    for (;;)
        ;
}

#if BARROW_DEBUG
void os_assertion_failed(const char *what, const char *file, int line)
{
    char text[256];
    int n = snprintf(text, sizeof text, "barrow: %s:%d: assertion failed: %s\n", file, line, what);
    os_write_error(text, (size_t)n);
    os_abort();
}
#endif
