/* SPDX-License-Identifier: MIT */
/* process.c: the ends of the process, its numbers and its program, and text for a debugger. */
#include "win32/host/internal.h"

#include "barrow/debugapi.h"
#include "barrow/libloaderapi.h"
#include "barrow/processthreadsapi.h"
#include "os/thread.h"
#include "win32/host/host_program.h"
#include "win32/host/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ExitProcess(UINT code)
{
    exit((int)code);
}

BOOL TerminateProcess(HANDLE process, UINT code)
{
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    _exit((int)code);
}

DWORD GetProcessId(HANDLE process)
{
    return is_this_process(process) ? GetCurrentProcessId() : (DWORD)fail(ERROR_INVALID_HANDLE);
}

DWORD GetCurrentThreadId(void)
{
    return host_thread();
}

BOOL SwitchToThread(void)
{
    os_yield();
    return TRUE;
}

BOOL FlushInstructionCache(HANDLE process, LPCVOID address, SIZE_T bytes)
{
    char *start = (char *)(uintptr_t)address;
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    if (address != NULL)
        __builtin___clear_cache(start, start + bytes);
    return TRUE;
}

void OutputDebugStringA(LPCSTR text)
{
    if (text != NULL)
        host_write_error(text, strlen(text));
}

void OutputDebugStringW(LPCWSTR text)
{
    char utf8[512];
    size_t n = 0;
    if (text == NULL)
        return;
    while (*text != 0) {
        if (n > sizeof(utf8) - 4) {
            host_write_error(utf8, n);
            n = 0;
        }
        n += text_from_character(&text, utf8 + n);
    }
    host_write_error(utf8, n);
}

BOOL IsDebuggerPresent(void)
{
    return host_is_traced();
}

void DebugBreak(void)
{
    host_break();
}

HMODULE GetModuleHandleA(LPCSTR name)
{
    return name == NULL ? (HMODULE)host_program_base() : fail_null(ERROR_MOD_NOT_FOUND);
}

HMODULE GetModuleHandleW(LPCWSTR name)
{
    return name == NULL ? (HMODULE)host_program_base() : fail_null(ERROR_MOD_NOT_FOUND);
}

static DWORD program_path(HMODULE module, char *path, size_t capacity)
{
    if (module != NULL && (uintptr_t)module != host_program_base())
        return ERROR_MOD_NOT_FOUND;
    return host_program_path(path, capacity) == 0 ? 0 : ERROR_GEN_FAILURE;
}

DWORD GetModuleFileNameA(HMODULE module, LPSTR buffer, DWORD size)
{
    char path[TEXT_ROOM];
    DWORD error = program_path(module, path, sizeof(path));
    if (error != 0)
        return (DWORD)fail(error);
    size_t length = strlen(path);
    bool fits = length < size;
    SetLastError(fits ? ERROR_SUCCESS : ERROR_INSUFFICIENT_BUFFER);
    if (size == 0)
        return 0;
    memcpy(buffer, path, fits ? length : size - 1);
    buffer[fits ? length : size - 1] = '\0';
    return fits ? (DWORD)length : size;
}

DWORD GetModuleFileNameW(HMODULE module, LPWSTR buffer, DWORD size)
{
    char path[TEXT_ROOM];
    DWORD error = program_path(module, path, sizeof(path));
    if (error != 0)
        return (DWORD)fail(error);
    size_t length = text_to_utf16(path, strlen(path), buffer, size != 0 ? size - 1 : 0);
    bool fits = length < size;
    SetLastError(fits ? ERROR_SUCCESS : ERROR_INSUFFICIENT_BUFFER);
    if (size == 0)
        return 0;
    buffer[fits ? length : size - 1] = 0;
    return fits ? (DWORD)length : size;
}
