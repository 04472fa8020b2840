/* SPDX-License-Identifier: MIT */
/* profileapi.h: the clock for measuring intervals. Any thread may call these. */
#ifndef BARROW_PROFILEAPI_H
#define BARROW_PROFILEAPI_H

#include "errhandlingapi.h"

#define QueryPerformanceCounter   barrow_QueryPerformanceCounter
#define QueryPerformanceFrequency barrow_QueryPerformanceFrequency

#ifdef __cplusplus
extern "C" {
#endif

/* The monotonic clock in ticks of 100 ns, and the number of ticks in a second: 10,000,000. Both
 * return TRUE; FALSE with ERROR_NOACCESS for NULL. */
BARROW_API BOOL WINAPI QueryPerformanceCounter(PLARGE_INTEGER ticks);
BARROW_API BOOL WINAPI QueryPerformanceFrequency(PLARGE_INTEGER ticks_per_second);

#ifdef __cplusplus
}
#endif

#endif
