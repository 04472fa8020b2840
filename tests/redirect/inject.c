/* SPDX-License-Identifier: MIT */
/* inject.c: a process that may not be written to, as protected ones may not, is refused with the
 * system's reason; one that may be is not. */
#include "redirect/inject.h"

#include <stdio.h>
#include <string.h>

static int failures;

static void expect(int condition, const char *what)
{
    if (condition)
        return;
    failures++;
    printf("not so: %s (error %lu)\n", what, GetLastError());
}

/* This program again, suspended. */
static PROCESS_INFORMATION start_child(void)
{
    STARTUPINFOW startup = { .cb = sizeof startup };
    PROCESS_INFORMATION child = { 0 };
    WCHAR path[MAX_PATH], line[] = L"inject child";
    GetModuleFileNameW(NULL, path, MAX_PATH);
    expect(CreateProcessW(path, line, NULL, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, &startup,
                          &child),
           "a child is started");
    return child;
}

static HANDLE narrowed(HANDLE process, DWORD rights)
{
    HANDLE narrow = NULL;
    expect(DuplicateHandle(GetCurrentProcess(), process, GetCurrentProcess(), &narrow, rights,
                           FALSE, 0),
           "its handle is narrowed");
    return narrow;
}

static void check_refused(const PROCESS_INFORMATION *child, const WCHAR *dll, DWORD rights)
{
    HANDLE narrow = narrowed(child->hProcess, rights);
    SetLastError(0);
    expect(inject(narrow, child->hThread, dll) == INJECT_FAILED, "the injection is refused");
    expect(GetLastError() == ERROR_ACCESS_DENIED, "access is denied");
    CloseHandle(narrow);
}

int wmain(int argc, wchar_t **argv);

int wmain(int argc, wchar_t **argv)
{
    if (argc == 2 && wcscmp(argv[1], L"child") == 0)
        return GetModuleHandleW(L"barrow.dll") ? 23 : 24;
    WCHAR library[MAX_PATH];
    if (argc != 2 || !GetFullPathNameW(argv[1], MAX_PATH, library, NULL))
        return 1;
    PROCESS_INFORMATION child = start_child();
    DWORD status = 0;
    check_refused(&child, library, SYNCHRONIZE);
    check_refused(&child, library, PROCESS_QUERY_INFORMATION);
    check_refused(&child, library, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ);
    expect(inject(child.hProcess, child.hThread, library) == INJECT_DONE, "the injection is done");
    ResumeThread(child.hThread);
    WaitForSingleObject(child.hProcess, 60000);
    expect(GetExitCodeProcess(child.hProcess, &status) && status == 23, "the child has the DLL");
    printf("%d failed\n", failures);
    return failures != 0;
}
