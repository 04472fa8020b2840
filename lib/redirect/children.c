/* SPDX-License-Identifier: MIT */
/* children.c: CreateProcess starts the program suspended, so that the library can be brought in.
 * What is not a 64-bit program runs without it. kernel32's own modules are left alone: the calls
 * that they pass on to each other are those that have been seen already. */
#include "redirect/children.h"

#include "diag/message.h"
#include "redirect/inject.h"

enum { PATH_MOST = 4096 };

static WCHAR library[PATH_MOST];

static void follow(const PROCESS_INFORMATION *child, DWORD flags)
{
    DWORD error = GetLastError();
    enum inject_result result = inject(child->hProcess, child->hThread, library);
    if (result != INJECT_DONE)
        message_verbose(1, "process %lu runs without the library (%s)", child->dwProcessId,
                        result == INJECT_WRONG_MACHINE ? "it is not a 64-bit one" : "refused");
    if (!(flags & CREATE_SUSPENDED))
        ResumeThread(child->hThread);
    SetLastError(error);
}

static BOOL WINAPI create_process_w(const WCHAR *program, WCHAR *line, SECURITY_ATTRIBUTES *process,
                                    SECURITY_ATTRIBUTES *thread, BOOL inherit, DWORD flags,
                                    void *environment, const WCHAR *folder, STARTUPINFOW *startup,
                                    PROCESS_INFORMATION *child)
{
    BOOL done = CreateProcessW(program, line, process, thread, inherit, flags | CREATE_SUSPENDED,
                               environment, folder, startup, child);
    if (done)
        follow(child, flags);
    return done;
}

static BOOL WINAPI create_process_a(const char *program, char *line, SECURITY_ATTRIBUTES *process,
                                    SECURITY_ATTRIBUTES *thread, BOOL inherit, DWORD flags,
                                    void *environment, const char *folder, STARTUPINFOA *startup,
                                    PROCESS_INFORMATION *child)
{
    BOOL done = CreateProcessA(program, line, process, thread, inherit, flags | CREATE_SUSPENDED,
                               environment, folder, startup, child);
    if (done)
        follow(child, flags);
    return done;
}

const struct named_hook children_hooks[] = {
    { "CreateProcessW", (void *)create_process_w, MODULE_ANY & ~MODULE_CORE },
    { "CreateProcessA", (void *)create_process_a, MODULE_ANY & ~MODULE_CORE },
    { NULL, NULL, 0 },
};

bool children_start(HMODULE self)
{
    DWORD length = GetModuleFileNameW(self, library, PATH_MOST);
    if (length > 0 && length < PATH_MOST)
        return true;
    message("child processes are not followed: the library's own path is not known");
    return false;
}
