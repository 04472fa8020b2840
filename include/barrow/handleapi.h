/* SPDX-License-Identifier: MIT */
/* handleapi.h: closing and duplicating handles. Any thread may call these at any time; a handle
 * value is not used again while the process lives, so a closed one stays invalid. */
#ifndef BARROW_HANDLEAPI_H
#define BARROW_HANDLEAPI_H

#include "errhandlingapi.h"

#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)

#define CloseHandle          barrow_CloseHandle
#define DuplicateHandle      barrow_DuplicateHandle
#define GetHandleInformation barrow_GetHandleInformation

#define HANDLE_FLAG_INHERIT 0x00000001u

#ifdef __cplusplus
extern "C" {
#endif

/* Closes a handle of a file or a file mapping. FALSE with ERROR_INVALID_HANDLE when it is no live
 * handle. The pseudo handle of the process may be closed, to no effect. */
BARROW_API BOOL WINAPI CloseHandle(HANDLE object);

/* A second handle of the same object. Both processes must be the calling one. access is ignored
 * with DUPLICATE_SAME_ACCESS in options; rights that a file was not opened with are
 * ERROR_ACCESS_DENIED. DUPLICATE_CLOSE_SOURCE closes source, whatever the result.
 * Errors: ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER, ERROR_ACCESS_DENIED,
 * ERROR_NOT_ENOUGH_MEMORY. */
BARROW_API BOOL WINAPI DuplicateHandle(HANDLE source_process, HANDLE source, HANDLE target_process,
                                       LPHANDLE target, DWORD access, BOOL inherit, DWORD options);

/* Stores 0: handles are inherited by fork, never through an exec. ERROR_INVALID_HANDLE. */
BARROW_API BOOL WINAPI GetHandleInformation(HANDLE object, LPDWORD flags);

#ifdef __cplusplus
}
#endif

#endif
