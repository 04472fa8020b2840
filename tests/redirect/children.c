/* SPDX-License-Identifier: MIT */
/* children.c: with BARROW_CHILDREN=1 every way of starting a process starts it with barrow. A child
 * answers by its exit status, or by an event where its starter cannot wait for it. */
#include "support/suite.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <winternl.h>

enum { HAS_BARROW = 23, HAS_NOT = 24, FAILED = 99, WAIT = 30000 };

static const char event_name[] = "barrow-test-child-has";
static char own_path[MAX_PATH];

static int child(void)
{
    HANDLE event = OpenEventA(EVENT_MODIFY_STATE, FALSE, event_name);
    bool has = GetModuleHandleA("barrow.dll") != NULL;
    if (event && has)
        SetEvent(event);
    return has ? HAS_BARROW : HAS_NOT;
}

static const char *command_line(void)
{
    static char line[MAX_PATH + 16];
    snprintf(line, sizeof line, "\"%s\" child", own_path);
    return line;
}

static DWORD status_of(BOOL started, const PROCESS_INFORMATION *process)
{
    DWORD status = FAILED;
    if (!started)
        return status;
    WaitForSingleObject(process->hProcess, WAIT);
    GetExitCodeProcess(process->hProcess, &status);
    CloseHandle(process->hThread);
    CloseHandle(process->hProcess);
    return status;
}

/* ---- CreateProcess ------------------------------------------------------------------------ */

typedef BOOL WINAPI create_a(LPCSTR, LPSTR, SECURITY_ATTRIBUTES *, SECURITY_ATTRIBUTES *, BOOL,
                             DWORD, void *, LPCSTR, STARTUPINFOA *, PROCESS_INFORMATION *);

static DWORD by(create_a *create, DWORD flags)
{
    STARTUPINFOA startup = { .cb = sizeof startup };
    PROCESS_INFORMATION process;
    BOOL started = create(NULL, (char *)command_line(), NULL, NULL, FALSE, flags, NULL, NULL,
                          &startup, &process);
    if (started && flags & CREATE_SUSPENDED) {
        assert_int_equal(WaitForSingleObject(process.hProcess, 100), WAIT_TIMEOUT);
        ResumeThread(process.hThread);
    }
    return status_of(started, &process);
}

static void imported(void **state)
{
    (void)state;
    assert_int_equal(by(CreateProcessA, 0), HAS_BARROW);
}

static void created_suspended(void **state)
{
    (void)state;
    assert_int_equal(by(CreateProcessA, CREATE_SUSPENDED), HAS_BARROW);
}

static void found_at_run_time(void **state)
{
    (void)state;
    static const char *const modules[] = { "kernel32.dll", "kernelbase.dll" };
    for (int i = 0; i < 2; i++) {
        HMODULE module = GetModuleHandleA(modules[i]);
        void *create = module ? (void *)GetProcAddress(module, "CreateProcessA") : NULL;
        if (create)
            assert_int_equal(by((create_a *)create, 0), HAS_BARROW);
    }
}

static void wide(void **state)
{
    (void)state;
    STARTUPINFOW startup = { .cb = sizeof startup };
    PROCESS_INFORMATION process;
    wchar_t line[MAX_PATH + 16];
    MultiByteToWideChar(CP_ACP, 0, command_line(), -1, line, MAX_PATH + 16);
    BOOL started = CreateProcessW(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process);
    assert_int_equal(status_of(started, &process), HAS_BARROW);
}

static void as_a_user(void **state)
{
    (void)state;
    STARTUPINFOA startup = { .cb = sizeof startup };
    PROCESS_INFORMATION process;
    HANDLE token = NULL, primary = NULL;
    assert_true(OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &token));
    assert_true(DuplicateTokenEx(token, TOKEN_ALL_ACCESS, NULL, SecurityImpersonation, TokenPrimary,
                                 &primary));
    BOOL started = CreateProcessAsUserA(primary, NULL, (char *)command_line(), NULL, NULL, FALSE, 0,
                                        NULL, NULL, &startup, &process);
    assert_int_equal(status_of(started, &process), HAS_BARROW);
}

/* ---- other ways --------------------------------------------------------------------------- */

static void by_win_exec(void **state)
{
    (void)state;
    HANDLE event = CreateEventA(NULL, FALSE, FALSE, event_name);
    assert_true(WinExec(command_line(), SW_HIDE) > 31);
    assert_int_equal(WaitForSingleObject(event, WAIT), WAIT_OBJECT_0);
    CloseHandle(event);
}

static void by_the_run_time(void **state)
{
    (void)state;
    assert_int_equal(_spawnl(_P_WAIT, own_path, own_path, "child", NULL), HAS_BARROW);
    assert_int_equal(system(command_line()), HAS_BARROW);
}

/* What ntdll has for run-times without kernel32. The process starts suspended. */
struct user_process {
    ULONG length;
    HANDLE process, thread;
    CLIENT_ID id;
    ULONG image[16];
};

typedef NTSTATUS NTAPI create_user(UNICODE_STRING *, ULONG, void *, void *, void *, HANDLE, BOOLEAN,
                                   HANDLE, HANDLE, struct user_process *);
typedef NTSTATUS NTAPI make_parameters(void **, UNICODE_STRING *, UNICODE_STRING *,
                                       UNICODE_STRING *, UNICODE_STRING *, void *, UNICODE_STRING *,
                                       UNICODE_STRING *, UNICODE_STRING *, UNICODE_STRING *);
typedef BOOLEAN NTAPI to_nt_path(const wchar_t *, UNICODE_STRING *, void *, void *);

static void by_ntdll(void **state)
{
    (void)state;
    HMODULE ntdll = GetModuleHandleA("ntdll.dll");
    create_user *create = (create_user *)(void *)GetProcAddress(ntdll, "RtlCreateUserProcess");
    make_parameters *make =
        (make_parameters *)(void *)GetProcAddress(ntdll, "RtlCreateProcessParameters");
    to_nt_path *convert =
        (to_nt_path *)(void *)GetProcAddress(ntdll, "RtlDosPathNameToNtPathName_U");
    wchar_t path[MAX_PATH], wide_line[MAX_PATH + 16];
    GetModuleFileNameW(NULL, path, MAX_PATH);
    MultiByteToWideChar(CP_ACP, 0, command_line(), -1, wide_line, MAX_PATH + 16);
    UNICODE_STRING nt, dos, line;
    void *parameters = NULL;
    assert_true(convert(path, &nt, NULL, NULL));
    RtlInitUnicodeString(&dos, path);
    RtlInitUnicodeString(&line, wide_line);
    assert_int_equal(make(&parameters, &dos, NULL, NULL, &line, NULL, NULL, NULL, NULL, NULL), 0);
    struct user_process made = { .length = sizeof made };
    assert_int_equal(
        create(&nt, OBJ_CASE_INSENSITIVE, parameters, NULL, NULL, NULL, FALSE, NULL, NULL, &made),
        0);
    ResumeThread(made.thread);
    PROCESS_INFORMATION process = { .hProcess = made.process, .hThread = made.thread };
    assert_int_equal(status_of(TRUE, &process), HAS_BARROW);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "child") == 0)
        return child();
    GetModuleFileNameA(NULL, own_path, MAX_PATH);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imported),  cmocka_unit_test(created_suspended),
        cmocka_unit_test(wide),      cmocka_unit_test(found_at_run_time),
        cmocka_unit_test(as_a_user), cmocka_unit_test(by_win_exec),
        cmocka_unit_test(by_ntdll),  cmocka_unit_test(by_the_run_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
