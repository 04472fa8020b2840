/* SPDX-License-Identifier: MIT */
/* errhandlingapi.h: the last error, one for each thread; exceptions and those who handle them.
 *
 * A call that fails sets it. A call that succeeds keeps it, except CreateFileMapping, CreateFile
 * with CREATE_ALWAYS or OPEN_ALWAYS, GetFileSize, HeapCompact, and the last GlobalUnlock or
 * LocalUnlock. errno is
 * not part of this interface and may change in any call.
 *
 * An exception, whether raised by RaiseException or by a fault, is shown to the vectored handlers
 * of the process, first to last; then to the blocks of <barrow/excpt.h> that the thread is in, from
 * the innermost outward; then to the filter of SetUnhandledExceptionFilter. A fault that none of
 * them answers goes to the handler for its signal that the program had before; without one, as for
 * any other exception, a line is written to standard error and the process ends: by the fault's
 * signal, else by abort(). Vectored handlers and filters may do what they like, raise exceptions
 * too: no lock is held. They run on the stack of the code that raised. Of faults, the library knows
 * from the first block or the first of the calls below on. */
#ifndef BARROW_ERRHANDLINGAPI_H
#define BARROW_ERRHANDLINGAPI_H

#include "excpt.h"
#include "winerror.h"
#include "winnt.h"

#define GetLastError                   barrow_GetLastError
#define SetLastError                   barrow_SetLastError
#define RaiseException                 barrow_RaiseException
#define AddVectoredExceptionHandler    barrow_AddVectoredExceptionHandler
#define RemoveVectoredExceptionHandler barrow_RemoveVectoredExceptionHandler
#define AddVectoredContinueHandler     barrow_AddVectoredContinueHandler
#define RemoveVectoredContinueHandler  barrow_RemoveVectoredContinueHandler
#define SetUnhandledExceptionFilter    barrow_SetUnhandledExceptionFilter
#define UnhandledExceptionFilter       barrow_UnhandledExceptionFilter

typedef LONG(WINAPI *PTOP_LEVEL_EXCEPTION_FILTER)(PEXCEPTION_POINTERS pointers);
typedef PTOP_LEVEL_EXCEPTION_FILTER LPTOP_LEVEL_EXCEPTION_FILTER;

#ifdef __cplusplus
extern "C" {
#endif

/* The calling thread's last error. Never fails. */
BARROW_API DWORD WINAPI GetLastError(void);

/* Sets it. Never fails. */
BARROW_API void WINAPI SetLastError(DWORD code);

/* Raises an exception in the calling thread. Of flags, EXCEPTION_NONCONTINUABLE counts; of the
 * arguments (which may be NULL), the first 15. Returns when a handler or filter says
 * EXCEPTION_CONTINUE_EXECUTION, except for a noncontinuable exception: that raises
 * EXCEPTION_NONCONTINUABLE_EXCEPTION. Any thread. */
BARROW_API void WINAPI RaiseException(DWORD code, DWORD flags, DWORD count,
                                      const ULONG_PTR *arguments);

/* Has handler see every exception of every thread, before all handlers there are (first not 0) or
 * after them. It answers EXCEPTION_CONTINUE_SEARCH or EXCEPTION_CONTINUE_EXECUTION. The same
 * function may be added several times. Returns a handle for Remove, or NULL with
 * ERROR_NOT_ENOUGH_MEMORY. Any thread, handlers too. */
BARROW_API PVOID WINAPI AddVectoredExceptionHandler(ULONG first,
                                                    PVECTORED_EXCEPTION_HANDLER handler);

/* Nonzero, or 0 for what is no such handle. A call of the handler that another thread is about to
 * make may still happen. Any thread, the handler itself too. */
BARROW_API ULONG WINAPI RemoveVectoredExceptionHandler(PVOID handle);

/* The same for handlers that are called when an exception has been answered with
 * EXCEPTION_CONTINUE_EXECUTION, in turn until one of them answers that too. */
BARROW_API PVOID WINAPI AddVectoredContinueHandler(ULONG first,
                                                   PVECTORED_EXCEPTION_HANDLER handler);
BARROW_API ULONG WINAPI RemoveVectoredContinueHandler(PVOID handle);

/* Sets the filter that is asked about exceptions nobody handles; NULL: none. Returns the one
 * before. EXCEPTION_EXECUTE_HANDLER ends the process without the line on standard error. Any
 * thread. */
BARROW_API LPTOP_LEVEL_EXCEPTION_FILTER WINAPI
SetUnhandledExceptionFilter(LPTOP_LEVEL_EXCEPTION_FILTER filter);

/* For a block's filter: asks that filter. Without it, or when it answers EXCEPTION_CONTINUE_SEARCH,
 * writes the line to standard error and answers EXCEPTION_EXECUTE_HANDLER. */
BARROW_API LONG WINAPI UnhandledExceptionFilter(PEXCEPTION_POINTERS pointers);

#ifdef __cplusplus
}
#endif

#endif
