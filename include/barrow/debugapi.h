/* SPDX-License-Identifier: MIT */
/* debugapi.h: messages for a debugger, and questions about it. Every call may be made from any
 * thread; none changes the last error. */
#ifndef BARROW_DEBUGAPI_H
#define BARROW_DEBUGAPI_H

#include "errhandlingapi.h"

#define OutputDebugStringA barrow_OutputDebugStringA
#define OutputDebugStringW barrow_OutputDebugStringW
#define IsDebuggerPresent  barrow_IsDebuggerPresent
#define DebugBreak         barrow_DebugBreak

#ifdef UNICODE
#define OutputDebugString OutputDebugStringW
#else
#define OutputDebugString OutputDebugStringA
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the text to standard error as it is, without buffering. NULL writes nothing. */
BARROW_API void WINAPI OutputDebugStringA(LPCSTR text);
BARROW_API void WINAPI OutputDebugStringW(LPCWSTR text);

/* Whether another process traces this one (TracerPid in /proc/self/status). */
BARROW_API BOOL WINAPI IsDebuggerPresent(void);

/* Stops in the debugger by SIGTRAP; without one, that signal ends the process. */
BARROW_API void WINAPI DebugBreak(void);

#ifdef __cplusplus
}
#endif

#endif
