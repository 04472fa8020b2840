/* SPDX-License-Identifier: MIT */
/* timezoneapi.h: conversions between the kinds of time. Any thread may call these. */
#ifndef BARROW_TIMEZONEAPI_H
#define BARROW_TIMEZONEAPI_H

#include "errhandlingapi.h"
#include "minwinbase.h"

#define FileTimeToSystemTime    barrow_FileTimeToSystemTime
#define SystemTimeToFileTime    barrow_SystemTimeToFileTime
#define FileTimeToLocalFileTime barrow_FileTimeToLocalFileTime
#define CompareFileTime         barrow_CompareFileTime

#ifdef __cplusplus
extern "C" {
#endif

/* Conversions of a count of 100 ns since 1601 (UTC) to a date and back; the day of the week in *time
 * is not read. FALSE with ERROR_INVALID_PARAMETER: a count of 2^63 or more, or no valid date. */
BARROW_API BOOL WINAPI FileTimeToSystemTime(const FILETIME *count, LPSYSTEMTIME time);
BARROW_API BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME *time, LPFILETIME count);

/* Adds what local time is ahead of UTC now; as on Windows, summer time at the given time is not
 * looked at. FALSE with ERROR_INVALID_PARAMETER as above. */
BARROW_API BOOL WINAPI FileTimeToLocalFileTime(const FILETIME *count, LPFILETIME local);

/* -1, 0 or 1: the first is earlier, the same, or later. */
BARROW_API LONG WINAPI CompareFileTime(const FILETIME *first, const FILETIME *second);

#ifdef __cplusplus
}
#endif

#endif
