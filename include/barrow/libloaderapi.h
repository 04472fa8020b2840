/* SPDX-License-Identifier: MIT */
/* libloaderapi.h: the program's own module. Modules are loaded with dlopen: see docs/porting.md.
 * Every call may be made from any thread. */
#ifndef BARROW_LIBLOADERAPI_H
#define BARROW_LIBLOADERAPI_H

#include "errhandlingapi.h"

#define GetModuleHandleA   barrow_GetModuleHandleA
#define GetModuleHandleW   barrow_GetModuleHandleW
#define GetModuleFileNameA barrow_GetModuleFileNameA
#define GetModuleFileNameW barrow_GetModuleFileNameW

#ifdef UNICODE
#define GetModuleHandle   GetModuleHandleW
#define GetModuleFileName GetModuleFileNameW
#else
#define GetModuleHandle   GetModuleHandleA
#define GetModuleFileName GetModuleFileNameA
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The handle of the program itself, for NULL: the address at which it is loaded. For any other name
 * NULL with ERROR_MOD_NOT_FOUND. */
BARROW_API HMODULE WINAPI GetModuleHandleA(LPCSTR name);
BARROW_API HMODULE WINAPI GetModuleHandleW(LPCWSTR name);

/* The full path of the program, for NULL or its handle. Returns the length, and sets the last error
 * to ERROR_SUCCESS. A buffer that is too small gets the first part with a terminating zero, and
 * the result is its size in characters, with ERROR_INSUFFICIENT_BUFFER. 0 with ERROR_MOD_NOT_FOUND
 * for another module. */
BARROW_API DWORD WINAPI GetModuleFileNameA(HMODULE module, LPSTR buffer, DWORD size);
BARROW_API DWORD WINAPI GetModuleFileNameW(HMODULE module, LPWSTR buffer, DWORD size);

#ifdef __cplusplus
}
#endif

#endif
