/* SPDX-License-Identifier: MIT */
/* children.c: a process is started suspended, so that the library can be brought in. Every way that
 * a process makes another one itself leads through NtCreateUserProcess: CreateProcess and
 * CreateProcessAsUser, WinExec, ShellExecute, run-times that call ntdll. The two functions that have
 * a service make the process are hooked by themselves.
 *
 * A process that the library cannot or must not be in runs without it, after a message. */
#include "redirect/children.h"

#include "diag/message.h"
#include "redirect/inject.h"
#include "redirect/ntdll.h"

enum { PATH_MOST = 4096 };

static WCHAR library[PATH_MOST];

static void follow(HANDLE process, HANDLE thread)
{
    DWORD error = GetLastError();
    enum inject_result result = inject(process, thread, library);
    if (result != INJECT_DONE)
        message("process %lu runs without barrow: %s", GetProcessId(process),
                inject_reason(result));
    SetLastError(error);
}

/* ---- processes made here ------------------------------------------------------------------ */

enum { THREAD_SUSPENDED = 1 };

typedef NTSTATUS NTAPI create_user_process(HANDLE *, HANDLE *, ULONG, ULONG, void *, void *, ULONG,
                                           ULONG, void *, void *, void *);

static create_user_process *nt_create;

static NTSTATUS NTAPI hook_nt_create(HANDLE *process, HANDLE *thread, ULONG process_access,
                                     ULONG thread_access, void *process_attributes,
                                     void *thread_attributes, ULONG process_flags,
                                     ULONG thread_flags, void *parameters, void *info, void *list)
{
    NTSTATUS status = nt_create(process, thread, process_access, thread_access, process_attributes,
                                thread_attributes, process_flags, thread_flags | THREAD_SUSPENDED,
                                parameters, info, list);
    if (status < 0)
        return status;
    follow(*process, *thread);
    if (!(thread_flags & THREAD_SUSPENDED))
        ResumeThread(*thread);
    return status;
}

/* ntdll's own user of the function, which no import slot is between. The process starts suspended.
 */
struct user_process {
    ULONG length;
    HANDLE process, thread;
};

typedef NTSTATUS NTAPI create_by_rtl(UNICODE_STRING *, ULONG, void *, void *, void *, HANDLE,
                                     BOOLEAN, HANDLE, HANDLE, struct user_process *);

static create_by_rtl *rtl_create;

static NTSTATUS NTAPI hook_rtl_create(UNICODE_STRING *path, ULONG attributes, void *parameters,
                                      void *process_security, void *thread_security, HANDLE parent,
                                      BOOLEAN inherit, HANDLE debug, HANDLE token,
                                      struct user_process *made)
{
    NTSTATUS status = rtl_create(path, attributes, parameters, process_security, thread_security,
                                 parent, inherit, debug, token, made);
    if (status >= 0)
        follow(made->process, made->thread);
    return status;
}

/* ---- processes made by a service ---------------------------------------------------------- */

typedef BOOL WINAPI create_with_logon(const WCHAR *, const WCHAR *, const WCHAR *, DWORD,
                                      const WCHAR *, WCHAR *, DWORD, void *, const WCHAR *,
                                      STARTUPINFOW *, PROCESS_INFORMATION *);
typedef BOOL WINAPI create_with_token(HANDLE, DWORD, const WCHAR *, WCHAR *, DWORD, void *,
                                      const WCHAR *, STARTUPINFOW *, PROCESS_INFORMATION *);

/* It is there: its function was called. */
static FARPROC of_advapi(const char *name)
{
    return GetProcAddress(GetModuleHandleW(L"advapi32.dll"), name);
}

static BOOL follow_made(BOOL made, DWORD flags, const PROCESS_INFORMATION *child)
{
    if (!made)
        return FALSE;
    follow(child->hProcess, child->hThread);
    if (!(flags & CREATE_SUSPENDED))
        ResumeThread(child->hThread);
    return TRUE;
}

static BOOL WINAPI with_logon(const WCHAR *user, const WCHAR *domain, const WCHAR *password,
                              DWORD how, const WCHAR *program, WCHAR *line, DWORD flags,
                              void *environment, const WCHAR *folder, STARTUPINFOW *startup,
                              PROCESS_INFORMATION *child)
{
    create_with_logon *call = (create_with_logon *)(void *)of_advapi("CreateProcessWithLogonW");
    return follow_made(call(user, domain, password, how, program, line, flags | CREATE_SUSPENDED,
                            environment, folder, startup, child),
                       flags, child);
}

static BOOL WINAPI with_token(HANDLE token, DWORD how, const WCHAR *program, WCHAR *line,
                              DWORD flags, void *environment, const WCHAR *folder,
                              STARTUPINFOW *startup, PROCESS_INFORMATION *child)
{
    create_with_token *call = (create_with_token *)(void *)of_advapi("CreateProcessWithTokenW");
    return follow_made(call(token, how, program, line, flags | CREATE_SUSPENDED, environment,
                            folder, startup, child),
                       flags, child);
}

const struct named_hook children_hooks[] = {
    { "NtCreateUserProcess", (void *)hook_nt_create, MODULE_ANY },
    { "ZwCreateUserProcess", (void *)hook_nt_create, MODULE_ANY },
    { "RtlCreateUserProcess", (void *)hook_rtl_create, MODULE_ANY },
    { NULL, NULL, 0 },
};

const struct named_hook children_service_hooks[] = {
    { "CreateProcessWithLogonW", (void *)with_logon, MODULE_ANY },
    { "CreateProcessWithTokenW", (void *)with_token, MODULE_ANY },
    { NULL, NULL, 0 },
};

bool children_start(HMODULE self)
{
    DWORD length = GetModuleFileNameW(self, library, PATH_MOST);
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    nt_create = (create_user_process *)(void *)GetProcAddress(ntdll, "NtCreateUserProcess");
    rtl_create = (create_by_rtl *)(void *)GetProcAddress(ntdll, "RtlCreateUserProcess");
    if (nt_create && length > 0 && length < PATH_MOST)
        return true;
    message("child processes are not followed: %s is not known",
            nt_create ? "the library's own path" : "NtCreateUserProcess");
    return false;
}
