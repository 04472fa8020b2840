/* SPDX-License-Identifier: MIT */
/* synchapi.h: Sleep alone, which many a program that shares memory needs. */
#ifndef BARROW_SYNCHAPI_H
#define BARROW_SYNCHAPI_H

#include "errhandlingapi.h"

#ifndef INFINITE
#define INFINITE 0xFFFFFFFFu
#endif

#define Sleep barrow_Sleep

#ifdef __cplusplus
extern "C" {
#endif

/* Waits that many milliseconds; 0 yields; INFINITE never returns. */
BARROW_API void WINAPI Sleep(DWORD milliseconds);

#ifdef __cplusplus
}
#endif

#endif
