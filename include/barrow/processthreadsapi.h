/* SPDX-License-Identifier: MIT */
/* processthreadsapi.h: the calling process's handle and number. */
#ifndef BARROW_PROCESSTHREADSAPI_H
#define BARROW_PROCESSTHREADSAPI_H

#include "handleapi.h"

#define GetCurrentProcess   barrow_GetCurrentProcess
#define GetCurrentProcessId barrow_GetCurrentProcessId

#ifdef __cplusplus
extern "C" {
#endif

/* The pseudo handle (HANDLE)-1, which stands for the calling process. Never fails. */
BARROW_API HANDLE WINAPI GetCurrentProcess(void);

/* getpid's answer. Never fails. */
BARROW_API DWORD WINAPI GetCurrentProcessId(void);

#ifdef __cplusplus
}
#endif

#endif
