/* SPDX-License-Identifier: MIT */
#include "support/child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "support/check.h"

static const char case_mark[] = "--case";

enum { DEFAULT_SECONDS = 120, COMMAND_MOST = 8192, ENVIRONMENT_MOST = 65536 };

/* How processes end here that signals would end elsewhere. */
#define CODE_OF_HEAP  0xC0000374u
#define CODE_OF_FAIL  0xC0000602u /* Wine has one code for all that fails fast */
#define CODE_OF_FAULT 0xC0000005u
#define CODE_OF_ABORT 3u

const char *child_program(void)
{
    static char path[4096];

    REQUIRE(GetModuleFileNameA(NULL, path, sizeof(path)) != 0);
    return path;
}

static void command_add(char *command, const char *word)
{
    size_t length = strlen(command);

    REQUIRE(strchr(word, '"') == NULL && length + strlen(word) + 4 < COMMAND_MOST);
    snprintf(command + length, COMMAND_MOST - length, "%s\"%s\"", length == 0 ? "" : " ", word);
}

static bool is_changed(const char *entry, const char *const *changes)
{
    size_t name = strcspn(entry + 1, "=") + 1; /* some of the system's names start with one */

    for (; changes != NULL && *changes != NULL; changes++)
        if (strcspn(*changes, "=") == name && strncmp(entry, *changes, name) == 0)
            return true;
    return false;
}

static char *block_add(char *at, const char *end, const char *entry)
{
    size_t length = strlen(entry) + 1;

    REQUIRE(length < (size_t)(end - at));
    memcpy(at, entry, length);
    return at + length;
}

/* This process's environment with the changes, ended by an empty entry. */
static char *environment_make(const char *const *changes)
{
    static char block[ENVIRONMENT_MOST];
    const char *end = block + sizeof(block);
    char *at = block;
    char *ours = GetEnvironmentStringsA();

    REQUIRE(ours != NULL);
    for (const char *entry = ours; *entry != '\0'; entry += strlen(entry) + 1)
        if (!is_changed(entry, changes))
            at = block_add(at, end, entry);
    for (; changes != NULL && *changes != NULL; changes++)
        if (strchr(*changes, '=') != NULL)
            at = block_add(at, end, *changes);
    *at = '\0';
    FreeEnvironmentStringsA(ours);
    return block;
}

/* A file that vanishes with its last handle, which the child inherits. */
static HANDLE stream_open(void)
{
    SECURITY_ATTRIBUTES inherit = { sizeof(inherit), NULL, TRUE };
    char folder[MAX_PATH];
    char name[MAX_PATH];

    REQUIRE(GetTempPathA(sizeof(folder), folder) != 0);
    REQUIRE(GetTempFileNameA(folder, "bar", 0, name) != 0);
    HANDLE file = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, &inherit,
                              CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    REQUIRE(file != INVALID_HANDLE_VALUE);
    return file;
}

static void stream_collect(HANDLE file, char *text, size_t room)
{
    DWORD length;
    char *to = text;

    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    REQUIRE(ReadFile(file, text, (DWORD)room - 1, &length, NULL));
    CloseHandle(file);
    for (const char *from = text; from < text + length; from++)
        if (*from != '\r')
            *to++ = *from;
    *to = '\0';
}

/* Wine refuses now and then, when processes start by the dozen. */
static bool start_process(char *command, const struct child *child, STARTUPINFOA *start,
                          PROCESS_INFORMATION *process)
{
    for (int tries = 0; tries < 10; tries++) {
        if (CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, environment_make(child->env), NULL,
                           start, process))
            return true;
        fprintf(stderr, "CreateProcess: error %lu\n", GetLastError());
        Sleep(200);
    }
    return false;
}

void child_run(const struct child *child, struct child_result *result)
{
    char command[COMMAND_MOST] = "";
    STARTUPINFOA start = { .cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES };
    PROCESS_INFORMATION process;
    DWORD code;

    REQUIRE(child->prepare == NULL);
    fflush(NULL);
    command_add(command, child->program != NULL ? child->program : child_program());
    for (size_t i = 0; child->args != NULL && child->args[i] != NULL; i++)
        command_add(command, child->args[i]);
    start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    start.hStdOutput = stream_open();
    start.hStdError = stream_open();
    REQUIRE(start_process(command, child, &start, &process));
    DWORD seconds = child->seconds != 0 ? child->seconds : DEFAULT_SECONDS;
    if (WaitForSingleObject(process.hProcess, seconds * 1000) != WAIT_OBJECT_0) {
        TerminateProcess(process.hProcess, 124);
        WaitForSingleObject(process.hProcess, INFINITE);
    }
    REQUIRE(GetExitCodeProcess(process.hProcess, &code));
    result->status = (int)code;
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    stream_collect(start.hStdOutput, result->out, sizeof(result->out));
    stream_collect(start.hStdError, result->err, sizeof(result->err));
}

void child_run_case(const char *name, const char *argument, struct child_result *result)
{
    const char *const args[] = { case_mark, name, argument, NULL };

    child_run(&(struct child){ .args = args }, result);
}

bool child_exited(const struct child_result *result, int code)
{
    return result->status == code;
}

bool child_killed(const struct child_result *result, int signal)
{
    unsigned code = (unsigned)result->status;

    return signal == SIGABRT ? code == CODE_OF_HEAP || code == CODE_OF_FAIL || code == CODE_OF_ABORT
                             : signal == SIGSEGV && code == CODE_OF_FAULT;
}

bool child_forks(int (*body)(void))
{
    (void)body;
    return true;
}

void child_show(const char *title, const struct child_result *result)
{
    printf("%s: exit code %#x\n", title, (unsigned)result->status);
    printf("  output: %s\n  errors: %s\n", result->out, result->err);
}

void child_case(int argc, char **argv, const struct child_function *cases)
{
    if (argc < 3 || strcmp(argv[1], case_mark) != 0)
        return;
    for (; cases->name != NULL; cases++)
        if (strcmp(cases->name, argv[2]) == 0)
            exit(cases->run(argc > 3 ? argv[3] : NULL));
    check_failed(__FILE__, __LINE__, argv[2]);
}
