/* SPDX-License-Identifier: MIT */
/* support_windows.c: the runner, faults and child processes on Windows. */
#include "win32_test.h"

struct child {
    PROCESS_INFORMATION info;
};

jmp_buf runner_escape;

/* Where Wine's own functions are tested. */
static int is_wine(void)
{
#ifdef BARROW_HEAPS_ARE_OURS
    return 0;
#endif
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != NULL;
}

static int run_one(const struct CMUnitTest *test)
{
    volatile int passed = 0;
    if (test->set_up != NULL && test->set_up(NULL) != 0)
        return 0;
    if (setjmp(runner_escape) == 0) {
        test->test(NULL);
        passed = 1;
    }
    if (test->tear_down != NULL && test->tear_down(NULL) != 0)
        passed = 0;
    return passed;
}

int runner_run(const struct CMUnitTest *tests, size_t count)
{
    size_t passed = 0, failed = 0, left = 0;
    for (size_t i = 0; i < count; i++) {
        if (tests[i].wine_differs && is_wine()) {
            printf("Wine differs: %s\n", tests[i].name);
            left++;
            continue;
        }
        if (run_one(&tests[i])) {
            passed++;
        } else {
            printf("FAILED: %s\n", tests[i].name);
            failed++;
        }
    }
    printf("%u passed, %u failed, %u where Wine differs\n", (unsigned)passed, (unsigned)failed,
           (unsigned)left);
    fflush(stdout);
    return (int)failed;
}

/* The handler goes back to the accessing function by changing where the thread goes on. */
static volatile DWORD fault_code;
static void *volatile fault_resume[5];
static volatile int fault_expected;

static LONG CALLBACK on_fault(EXCEPTION_POINTERS *pointers)
{
    DWORD code = pointers->ExceptionRecord->ExceptionCode;
    if (!fault_expected ||
        (code != (DWORD)STATUS_ACCESS_VIOLATION && code != (DWORD)STATUS_GUARD_PAGE_VIOLATION))
        return EXCEPTION_CONTINUE_SEARCH;
    fault_code = code;
    fault_expected = 0;
    __builtin_longjmp((void **)fault_resume, 1);
}

void faults_set_up(void)
{
    AddVectoredExceptionHandler(1, on_fault);
}

DWORD fault_of_read(const volatile void *address)
{
    fault_code = 0;
    if (__builtin_setjmp((void **)fault_resume) == 0) {
        fault_expected = 1;
        (void)*(const volatile char *)address;
    }
    fault_expected = 0;
    return fault_code;
}

DWORD fault_of_write(volatile void *address)
{
    fault_code = 0;
    if (__builtin_setjmp((void **)fault_resume) == 0) {
        fault_expected = 1;
        *(volatile char *)address = 1;
    }
    fault_expected = 0;
    return fault_code;
}

DWORD fault_of_call(int (*function)(void))
{
    fault_code = 0;
    if (__builtin_setjmp((void **)fault_resume) == 0) {
        fault_expected = 1;
        function();
    }
    fault_expected = 0;
    return fault_code;
}

struct thread {
    HANDLE handle;
    void (*body)(void *argument);
    void *argument;
};

static DWORD WINAPI thread_main(void *argument)
{
    struct thread *thread = argument;
    thread->body(thread->argument);
    return 0;
}

thread_t thread_start(void (*body)(void *argument), void *argument)
{
    thread_t thread = (thread_t)malloc(sizeof(*thread));
    thread->body = body;
    thread->argument = argument;
    thread->handle = CreateThread(NULL, 0, thread_main, thread, 0, NULL);
    assert_non_null(thread->handle);
    return thread;
}

void thread_join(thread_t thread)
{
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
    free(thread);
}

child_t child_start(const char *role)
{
    char program[MAX_PATH], line[2 * MAX_PATH];
    STARTUPINFOA startup;
    child_t child = (child_t)malloc(sizeof(*child));
    memset(&startup, 0, sizeof(startup));
    startup.cb = sizeof(startup);
    GetModuleFileNameA(NULL, program, sizeof(program));
    snprintf(line, sizeof(line), "\"%s\" %s", program, role);
    assert_true(
        CreateProcessA(program, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &child->info));
    return child;
}

static int finish(child_t child)
{
    DWORD code = 99;
    WaitForSingleObject(child->info.hProcess, 60000);
    GetExitCodeProcess(child->info.hProcess, &code);
    CloseHandle(child->info.hProcess);
    CloseHandle(child->info.hThread);
    free(child);
    return (int)code;
}

int child_wait(child_t child)
{
    return finish(child);
}

void child_kill(child_t child)
{
    TerminateProcess(child->info.hProcess, 9);
    finish(child);
}

const char *scratch_name(const char *name)
{
    static char path[MAX_PATH + 64];
    char folder[MAX_PATH];
    GetTempPathA(sizeof(folder), folder);
    snprintf(path, sizeof(path), "%sbarrow-%s-%s", folder, getenv("BARROW_TEST_RUN"), name);
    return path;
}

void set_run(const char *value);
void set_run(const char *value)
{
    SetEnvironmentVariableA("BARROW_TEST_RUN", value);
    _putenv_s("BARROW_TEST_RUN", value);
}
