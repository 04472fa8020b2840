/* SPDX-License-Identifier: MIT */
/* errhandlingapi.h: the last error, one for each thread.
 *
 * A call that fails sets it. A call that succeeds leaves it alone, but for CreateFileMapping,
 * CreateFile with CREATE_ALWAYS or OPEN_ALWAYS, and the last GlobalUnlock or LocalUnlock. errno is
 * not part of this interface and may change in any call. */
#ifndef BARROW_ERRHANDLINGAPI_H
#define BARROW_ERRHANDLINGAPI_H

#include "winerror.h"
#include "winnt.h"

#define GetLastError barrow_GetLastError
#define SetLastError barrow_SetLastError

#ifdef __cplusplus
extern "C" {
#endif

/* The calling thread's last error. Never fails. */
BARROW_API DWORD WINAPI GetLastError(void);

/* Sets it. Never fails. */
BARROW_API void WINAPI SetLastError(DWORD code);

#ifdef __cplusplus
}
#endif

#endif
