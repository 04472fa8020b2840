/* SPDX-License-Identifier: MIT */
/* launch.c: the program is created suspended, gets the library (redirect/inject.c), is put into a job object so that it
 * ends with the command, and is waited for. */
#include "launch.h"

#include "command.h"
#include "redirect/inject.h"

/* The mingw headers leave it out. */
#ifndef ERROR_ELEVATION_REQUIRED
#define ERROR_ELEVATION_REQUIRED 740
#endif

/* What the loader ends a process with when it cannot make it ready. */
#define DLL_NOT_FOUND     0xC0000135u
#define ENTRY_NOT_FOUND   0xC0000139u
#define ORDINAL_NOT_FOUND 0xC0000138u
#define INVALID_IMAGE     0xC000007Bu
#define DLL_START_REFUSED 0xC0000142u

static int refuse_start(const wchar_t *path)
{
    DWORD error = GetLastError();
    if (error == ERROR_ELEVATION_REQUIRED)
        say(L"%ls: needs administrator's rights; start barrow from an elevated prompt", path);
    else
        say_error(error, L"%ls", path);
    return STATUS_NOT_RUNNABLE;
}

static int refuse_injection(const wchar_t *path, enum inject_result result)
{
    DWORD error = GetLastError();
    if (result != INJECT_FAILED)
        say(L"%ls: barrow.dll can't be brought in: %hs", path, inject_reason(result));
    else if (error == ERROR_ACCESS_DENIED)
        say(L"%ls: a protected process, or another user's: its memory may not be written", path);
    else
        say_error(error, L"%ls: the library cannot be brought in", path);
    return STATUS_NOT_RUNNABLE;
}

/* The program ends when the last handle of the job is closed, which is at our end; what it starts
 * is its own. Where we may not do so, the program just lives on. */
static void tie_to_us(HANDLE process)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { 0 };
    HANDLE job = CreateJobObjectW(NULL, NULL);
    limits.BasicLimitInformation.LimitFlags =
        JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
    if (job &&
        SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits))
        AssignProcessToJobObject(job, process);
}

/* The console tells every process of its group; the program decides what becomes of it. */
static BOOL WINAPI leave_to_program(DWORD event)
{
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

static int wait_for_end(HANDLE process, const wchar_t *path)
{
    DWORD status;
    if (WaitForSingleObject(process, INFINITE) != WAIT_OBJECT_0 ||
        !GetExitCodeProcess(process, &status)) {
        say_error(GetLastError(), L"%ls", path);
        return STATUS_FAILED;
    }
    switch (status) {
    case DLL_NOT_FOUND:
    case ENTRY_NOT_FOUND:
    case ORDINAL_NOT_FOUND:
    case INVALID_IMAGE:
    case DLL_START_REFUSED:
        say(L"%ls: the loader gave up (status %lX): a DLL is missing or does not fit", path,
            status);
    }
    return (int)status;
}

int launch(const wchar_t *path, wchar_t *command_line, const wchar_t *library)
{
    STARTUPINFOW startup;
    PROCESS_INFORMATION process;
    GetStartupInfoW(&startup);
    SetConsoleCtrlHandler(leave_to_program, TRUE);
    if (!CreateProcessW(path, command_line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL,
                        &startup, &process))
        return refuse_start(path);
    tie_to_us(process.hProcess);
    enum inject_result result = inject(process.hProcess, process.hThread, library);
    if (result != INJECT_DONE) {
        int status = refuse_injection(path, result);
        TerminateProcess(process.hProcess, (UINT)status);
        return status;
    }
    ResumeThread(process.hThread);
    CloseHandle(process.hThread);
    return wait_for_end(process.hProcess, path);
}
