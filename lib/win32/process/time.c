/* SPDX-License-Identifier: MIT */
/* time.c: the clocks and the kinds of time. FILETIME counts 100 ns from 1601-01-01 in the proleptic
 * Gregorian calendar; dates are computed from day numbers that begin with a March, so that the leap
 * day is a year's last. */
#include "win32/host/internal.h"

#include "barrow/profileapi.h"
#include "barrow/sysinfoapi.h"
#include "barrow/timezoneapi.h"
#include "win32/host/host_wait.h"

#include <time.h>

#define TICKS_PER_SECOND UINT64_C(10000000)
#define TICKS_PER_MS     UINT64_C(10000)
#define NS_PER_TICK      100
#define NS_PER_MS        UINT64_C(1000000)
#define SECONDS_PER_DAY  86400
#define EPOCH_1970       UINT64_C(11644473600) /* seconds from 1601 */
#define DAYS_PER_ERA     146097                /* 400 years */
#define DAYS_TO_1601     584694                /* from 0000-03-01 */

BOOL QueryPerformanceCounter(PLARGE_INTEGER ticks)
{
    if (ticks == NULL)
        return fail(ERROR_NOACCESS);
    ticks->QuadPart = (LONGLONG)(host_clock() / NS_PER_TICK);
    return TRUE;
}

BOOL QueryPerformanceFrequency(PLARGE_INTEGER ticks_per_second)
{
    if (ticks_per_second == NULL)
        return fail(ERROR_NOACCESS);
    ticks_per_second->QuadPart = (LONGLONG)TICKS_PER_SECOND;
    return TRUE;
}

/* As Windows' clock, this one goes on while the machine is suspended. */
ULONGLONG GetTickCount64(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (ULONGLONG)now.tv_sec * 1000 + (ULONGLONG)now.tv_nsec / NS_PER_MS;
}

DWORD GetTickCount(void)
{
    return (DWORD)GetTickCount64();
}

static uint64_t count_of(const FILETIME *time)
{
    return (uint64_t)time->dwHighDateTime << 32 | time->dwLowDateTime;
}

static void set_count(LPFILETIME time, uint64_t count)
{
    time->dwLowDateTime = (DWORD)count;
    time->dwHighDateTime = (DWORD)(count >> 32);
}

void GetSystemTimeAsFileTime(LPFILETIME time)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    set_count(time, ((uint64_t)now.tv_sec + EPOCH_1970) * TICKS_PER_SECOND +
                        (uint64_t)now.tv_nsec / NS_PER_TICK);
}

void GetSystemTime(LPSYSTEMTIME time)
{
    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    FileTimeToSystemTime(&now, time);
}

void GetLocalTime(LPSYSTEMTIME time)
{
    FILETIME now, local;
    GetSystemTimeAsFileTime(&now);
    FileTimeToLocalFileTime(&now, &local);
    FileTimeToSystemTime(&local, time);
}

/* Year, month and day of a day number from 1601-01-01. */
static void set_date(LPSYSTEMTIME time, uint64_t days)
{
    uint64_t day = days + DAYS_TO_1601;
    uint64_t era = day / DAYS_PER_ERA, in_era = day % DAYS_PER_ERA;
    uint64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    uint64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * in_year + 2) / 153; /* 0 is March */
    time->wDay = (WORD)(in_year - (153 * month + 2) / 5 + 1);
    time->wMonth = (WORD)(month < 10 ? month + 3 : month - 9);
    time->wYear = (WORD)(era * 400 + year + (time->wMonth <= 2));
    time->wDayOfWeek = (WORD)((days + 1) % 7); /* 1601-01-01 was a Monday */
}

static uint64_t days_of_date(const SYSTEMTIME *time)
{
    uint64_t year = (uint64_t)time->wYear - (time->wMonth <= 2);
    uint64_t month = (time->wMonth + 9u) % 12;
    uint64_t in_year = (153 * month + 2) / 5 + time->wDay - 1;
    uint64_t in_era = year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + in_year;
    return year / 400 * DAYS_PER_ERA + in_era - DAYS_TO_1601;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool is_valid(const SYSTEMTIME *time)
{
    return time->wYear >= 1601 && time->wYear <= 30827 && time->wMonth >= 1 && time->wMonth <= 12 &&
           time->wDay >= 1 && time->wDay <= days_in_month(time->wYear, time->wMonth) &&
           time->wHour < 24 && time->wMinute < 60 && time->wSecond < 60 &&
           time->wMilliseconds < 1000;
}

BOOL FileTimeToSystemTime(const FILETIME *count, LPSYSTEMTIME time)
{
    uint64_t ticks = count_of(count);
    if (ticks > INT64_MAX)
        return fail(ERROR_INVALID_PARAMETER);
    uint64_t seconds = ticks / TICKS_PER_SECOND;
    unsigned in_day = (unsigned)(seconds % SECONDS_PER_DAY);
    set_date(time, seconds / SECONDS_PER_DAY);
    time->wHour = (WORD)(in_day / 3600);
    time->wMinute = (WORD)(in_day / 60 % 60);
    time->wSecond = (WORD)(in_day % 60);
    time->wMilliseconds = (WORD)(ticks / TICKS_PER_MS % 1000);
    return TRUE;
}

BOOL SystemTimeToFileTime(const SYSTEMTIME *time, LPFILETIME count)
{
    if (!is_valid(time))
        return fail(ERROR_INVALID_PARAMETER);
    uint64_t seconds = days_of_date(time) * SECONDS_PER_DAY + time->wHour * 3600u +
                       time->wMinute * 60u + time->wSecond;
    set_count(count, seconds * TICKS_PER_SECOND + time->wMilliseconds * TICKS_PER_MS);
    return TRUE;
}

BOOL FileTimeToLocalFileTime(const FILETIME *count, LPFILETIME local)
{
    struct tm broken_down;
    time_t now = time(NULL);
    uint64_t ticks = count_of(count);
    if (ticks > INT64_MAX)
        return fail(ERROR_INVALID_PARAMETER);
    localtime_r(&now, &broken_down);
    set_count(local,
              ticks + (uint64_t)((int64_t)broken_down.tm_gmtoff * (int64_t)TICKS_PER_SECOND));
    return TRUE;
}

LONG CompareFileTime(const FILETIME *first, const FILETIME *second)
{
    uint64_t a = count_of(first), b = count_of(second);
    return (a > b) - (a < b);
}
