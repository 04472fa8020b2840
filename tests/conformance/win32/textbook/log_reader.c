/* SPDX-License-Identifier: MIT */
/* log_reader.c: counts the lines of a log file in mapped views, with worker threads. Written as for
 * Windows, but that its threads are POSIX threads: docs/porting.md shows the change. */
#define WIN32_LEAN_AND_MEAN
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strsafe.h>
#include <tchar.h>
#include <Windows.h>

#define MAXIMUM_JOBS 64

typedef struct {
    LPCSTR begin, end;
    LONGLONG lines;
} JOB;

static CRITICAL_SECTION g_lock;
static LONGLONG volatile g_total;
static LONG volatile g_left;

static void *Worker(void *arg)
{
    JOB *job = (JOB *)arg;
    __try {
        for (LPCSTR p = job->begin; p < job->end; p++)
            if (*p == '\n')
                job->lines++;
    } __except (GetExceptionCode() == EXCEPTION_IN_PAGE_ERROR ? EXCEPTION_EXECUTE_HANDLER
                                                              : EXCEPTION_CONTINUE_SEARCH) {
        OutputDebugStringA("page error\n");
    }
    EnterCriticalSection(&g_lock);
    g_total += job->lines;
    LeaveCriticalSection(&g_lock);
    InterlockedDecrement(&g_left);
    return NULL;
}

static int ReportError(void)
{
    LPTSTR msg;
    FormatMessage(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM, NULL, GetLastError(),
                  0, (LPTSTR)&msg, 0, NULL);
    _ftprintf(stderr, TEXT("%s"), msg);
    LocalFree(msg);
    return 1;
}

static DWORD StartJobs(HANDLE map, ULONGLONG size, ULONGLONG chunk, JOB *jobs, pthread_t *threads)
{
    DWORD n = 0;
    for (ULONGLONG off = 0; off < size && n < MAXIMUM_JOBS; off += chunk) {
        SIZE_T len = (SIZE_T)min(chunk, size - off);
        ULARGE_INTEGER o;
        o.QuadPart = off;
        jobs[n].begin = (LPCSTR)MapViewOfFile(map, FILE_MAP_READ, o.HighPart, o.LowPart, len);
        if (jobs[n].begin == NULL)
            exit(ReportError());
        jobs[n].end = jobs[n].begin + len;
        jobs[n].lines = 0;
        InterlockedIncrement(&g_left);
        if (pthread_create(&threads[n], NULL, Worker, &jobs[n]) != 0)
            exit(1);
        n++;
    }
    return n;
}

/* Writes a log of so many lines if there is none. */
static BOOL WriteLog(LPCTSTR name, int lines)
{
    TCHAR line[100];
    HANDLE file = CreateFile(name, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    BOOL written = file != INVALID_HANDLE_VALUE;
    for (int i = 0; i < lines && written; i++) {
        DWORD n;
        StringCchPrintf(line, ARRAYSIZE(line), TEXT("%08d: nothing happened\n"), i);
        written = WriteFile(file, line, (DWORD)_tcslen(line), &n, NULL);
    }
    CloseHandle(file);
    return written;
}

int _tmain(int argc, TCHAR **argv)
{
    SYSTEM_INFO si;
    LARGE_INTEGER size, t0, t1, freq;
    TCHAR full[MAX_PATH];
    WIN32_FILE_ATTRIBUTE_DATA attr;
    BY_HANDLE_FILE_INFORMATION info;
    pthread_t threads[MAXIMUM_JOBS];
    JOB jobs[MAXIMUM_JOBS];

    GetSystemInfo(&si);
    InitializeCriticalSection(&g_lock);
    if (argc < 2 || !GetFullPathName(argv[1], MAX_PATH, full, NULL) || !WriteLog(full, 400000))
        return 1;
    if (GetFileAttributes(full) == INVALID_FILE_ATTRIBUTES ||
        !GetFileAttributesEx(full, GetFileExInfoStandard, &attr))
        return ReportError();
    HANDLE file =
        CreateFile(full, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                   FILE_ATTRIBUTE_NORMAL | FILE_FLAG_SEQUENTIAL_SCAN, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return ReportError();
    GetFileSizeEx(file, &size);
    GetFileInformationByHandle(file, &info);
    if (GetFileType(file) != FILE_TYPE_DISK || info.nFileSizeLow != attr.nFileSizeLow)
        return 1;
    HANDLE map = CreateFileMapping(file, NULL, PAGE_READONLY, 0, 0, NULL);
    QueryPerformanceFrequency(&freq);
    QueryPerformanceCounter(&t0);
    DWORD n = StartJobs(map, (ULONGLONG)size.QuadPart, 64 * (ULONGLONG)si.dwAllocationGranularity,
                        jobs, threads);
    for (DWORD i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        UnmapViewOfFile(jobs[i].begin);
    }
    QueryPerformanceCounter(&t1);
    SecureZeroMemory(&jobs, sizeof(jobs));
    DeleteCriticalSection(&g_lock);
    _tprintf(TEXT("%I64d lines in %lu views, %lu ms\n"), g_total, n,
             (DWORD)((t1.QuadPart - t0.QuadPart) * 1000 / freq.QuadPart));
    CloseHandle(map);
    CloseHandle(file);
    DeleteFile(full);
    return g_total == 400000 && g_left == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
