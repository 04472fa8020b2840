/* SPDX-License-Identifier: MIT */
/* processthreadsapi.h: the calling process and thread, values of each thread, and the end of the
 * process. Threads are made with pthread_create: see docs/porting.md. Every call may be made from
 * any thread. */
#ifndef BARROW_PROCESSTHREADSAPI_H
#define BARROW_PROCESSTHREADSAPI_H

#include "handleapi.h"
#include "memoryapi.h"

/* Indexes of TlsAlloc are below TLS_MAXIMUM_AVAILABLE, as on Windows. */
#define TLS_OUT_OF_INDEXES    0xFFFFFFFFu
#define TLS_MINIMUM_AVAILABLE 64
#define TLS_MAXIMUM_AVAILABLE 1088

#define GetCurrentProcess     barrow_GetCurrentProcess
#define GetCurrentProcessId   barrow_GetCurrentProcessId
#define GetCurrentThreadId    barrow_GetCurrentThreadId
#define GetProcessId          barrow_GetProcessId
#define SwitchToThread        barrow_SwitchToThread
#define TlsAlloc              barrow_TlsAlloc
#define TlsFree               barrow_TlsFree
#define TlsGetValue           barrow_TlsGetValue
#define TlsSetValue           barrow_TlsSetValue
#define ExitProcess           barrow_ExitProcess
#define TerminateProcess      barrow_TerminateProcess
#define FlushInstructionCache barrow_FlushInstructionCache

#ifdef __cplusplus
extern "C" {
#endif

/* The pseudo handle (HANDLE)-1, which means the calling process. Never fails. */
BARROW_API HANDLE WINAPI GetCurrentProcess(void);

/* getpid's answer. Never fails. */
BARROW_API DWORD WINAPI GetCurrentProcessId(void);

/* The process's number by its handle. 0 with ERROR_INVALID_HANDLE for another process. */
BARROW_API DWORD WINAPI GetProcessId(HANDLE process);

/* gettid's answer: no two threads of the system have the same. Never fails. */
BARROW_API DWORD WINAPI GetCurrentThreadId(void);

/* Lets another thread run that is ready for the processor. Returns TRUE: the kernel does not tell
 * whether there was one. */
BARROW_API BOOL WINAPI SwitchToThread(void);

/* An index for a value that each thread has of its own, NULL in each at first. TLS_OUT_OF_INDEXES
 * with ERROR_NO_MORE_ITEMS when all are in use. Nothing is called for the value when a thread ends:
 * as on Windows, the thread frees what it refers to. */
BARROW_API DWORD WINAPI TlsAlloc(void);

/* Gives an index back. The threads' values are not freed. FALSE with ERROR_INVALID_PARAMETER when
 * the index is not in use. */
BARROW_API BOOL WINAPI TlsFree(DWORD index);

/* The calling thread's value. Success sets the last error to ERROR_SUCCESS, since the value may be
 * NULL too; an index of TLS_MAXIMUM_AVAILABLE or more gives NULL and ERROR_INVALID_PARAMETER. */
BARROW_API LPVOID WINAPI TlsGetValue(DWORD index);

/* Sets it. FALSE with ERROR_INVALID_PARAMETER for an index of TLS_MAXIMUM_AVAILABLE or more, and
 * with ERROR_NOT_ENOUGH_MEMORY: a thread's values take memory when the first of 64 is set. */
BARROW_API BOOL WINAPI TlsSetValue(DWORD index, LPVOID value);

/* Ends the process as exit does: the functions of atexit and destructors run, streams are flushed.
 * The shell sees the code's lower 8 bits. Does not return. */
BARROW_API __attribute__((noreturn)) void WINAPI ExitProcess(UINT code);

/* Ends the calling process at once, as _exit does. FALSE with ERROR_INVALID_HANDLE for another
 * process. */
BARROW_API BOOL WINAPI TerminateProcess(HANDLE process, UINT code);

/* Makes code that was written to memory visible to the processor's instruction fetch. address NULL:
 * needs nothing here. FALSE with ERROR_INVALID_HANDLE for another process. */
BARROW_API BOOL WINAPI FlushInstructionCache(HANDLE process, LPCVOID address, SIZE_T bytes);

#ifdef __cplusplus
}
#endif

#endif
