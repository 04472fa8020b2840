/* SPDX-License-Identifier: MIT */
/* inject.c: what the injection refuses, and what it writes.
 *
 *     inject BARROW.DLL NO-IMPORTS.EXE
 *
 * A process that may not be written to, as protected ones may not, is refused with the system's
 * reason. One whose policy forbids the DLL, or that is not for this machine, is refused before
 * anything in it is changed; the system's answers about that are made up here. In a program without
 * a directory of import slots Windows' loader must find the slots all the same. */
#include "redirect/inject.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winternl.h>

enum { WITH_DLL = 23, WITHOUT_DLL = 24, NO_IMPORTS = 7, WAIT = 60000 };

static int failures;

static void expect(bool condition, const char *what)
{
    if (condition)
        return;
    failures++;
    printf("not so: %s (error %lu)\n", what, GetLastError());
}

/* ---- children ----------------------------------------------------------------------------- */

static PROCESS_INFORMATION start(const WCHAR *path)
{
    STARTUPINFOW startup = { .cb = sizeof startup };
    PROCESS_INFORMATION child = { 0 };
    WCHAR line[] = L"inject child";
    expect(CreateProcessW(path, line, NULL, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, &startup,
                          &child),
           "a child is started");
    return child;
}

/* This program again, suspended. */
static PROCESS_INFORMATION start_child(void)
{
    WCHAR path[MAX_PATH];
    GetModuleFileNameW(NULL, path, MAX_PATH);
    return start(path);
}

static DWORD finish(const PROCESS_INFORMATION *child)
{
    DWORD status = 0;
    ResumeThread(child->hThread);
    expect(WaitForSingleObject(child->hProcess, WAIT) == WAIT_OBJECT_0, "the child ends");
    GetExitCodeProcess(child->hProcess, &status);
    CloseHandle(child->hThread);
    CloseHandle(child->hProcess);
    return status;
}

struct image {
    BYTE *base;
    IMAGE_NT_HEADERS64 headers;
    IMAGE_SECTION_HEADER sections[32];
};

static struct image image_of(HANDLE process)
{
    static struct image image;
    PROCESS_BASIC_INFORMATION info;
    IMAGE_DOS_HEADER dos;
    memset(&image, 0, sizeof image);
    NtQueryInformationProcess(process, ProcessBasicInformation, &info, sizeof info, NULL);
    ReadProcessMemory(process, (void **)info.PebBaseAddress + 2, &image.base, sizeof image.base,
                      NULL);
    ReadProcessMemory(process, image.base, &dos, sizeof dos, NULL);
    BYTE *at = image.base + dos.e_lfanew;
    ReadProcessMemory(process, at, &image.headers, sizeof image.headers, NULL);
    at += offsetof(IMAGE_NT_HEADERS64, OptionalHeader) +
          image.headers.FileHeader.SizeOfOptionalHeader;
    ReadProcessMemory(process, at, image.sections,
                      image.headers.FileHeader.NumberOfSections * sizeof *image.sections, NULL);
    return image;
}

static IMAGE_DATA_DIRECTORY directory(const struct image *image, int which)
{
    return image->headers.OptionalHeader.DataDirectory[which];
}

/* ---- access ------------------------------------------------------------------------------- */

static void check_access(const PROCESS_INFORMATION *child, const WCHAR *dll, DWORD rights)
{
    HANDLE narrow = NULL;
    expect(DuplicateHandle(GetCurrentProcess(), child->hProcess, GetCurrentProcess(), &narrow,
                           rights, FALSE, 0),
           "its handle is narrowed");
    SetLastError(0);
    expect(inject(narrow, child->hThread, dll) == INJECT_FAILED, "the injection is refused");
    expect(GetLastError() == ERROR_ACCESS_DENIED, "access is denied");
    CloseHandle(narrow);
}

static void check_accesses(const WCHAR *dll)
{
    PROCESS_INFORMATION child = start_child();
    check_access(&child, dll, SYNCHRONIZE);
    check_access(&child, dll, PROCESS_QUERY_INFORMATION);
    check_access(&child, dll, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ);
    expect(inject(child.hProcess, child.hThread, dll) == INJECT_DONE, "the injection is done");
    expect(finish(&child) == WITH_DLL, "the child has the DLL");
}

/* ---- what forbids it ---------------------------------------------------------------------- */

/* The answers. */
static BOOL is_32_bit;
static USHORT host;
static int policy;
static DWORD policy_bits;

static BOOL WINAPI say_width(HANDLE process, BOOL *narrow)
{
    (void)process;
    *narrow = is_32_bit;
    return TRUE;
}

static BOOL WINAPI say_machine(HANDLE process, USHORT *guest, USHORT *native)
{
    (void)process;
    *guest = IMAGE_FILE_MACHINE_UNKNOWN;
    *native = host;
    return TRUE;
}

static BOOL WINAPI say_policy(HANDLE process, int which, void *bits, SIZE_T size)
{
    (void)process;
    memset(bits, 0, size);
    if (which == policy)
        memcpy(bits, &policy_bits, size);
    return TRUE;
}

static FARPROC WINAPI find(HMODULE module, const char *name)
{
    (void)module;
    if (strcmp(name, "IsWow64Process2") == 0)
        return (FARPROC)(void *)say_machine;
    if (strcmp(name, "GetProcessMitigationPolicy") == 0)
        return (FARPROC)(void *)say_policy;
    abort(); /* the injection has gone too far */
}

/* This program's import slots. */
extern void *__imp_GetProcAddress, *__imp_IsWow64Process;

static enum inject_result inject_with_answers(const PROCESS_INFORMATION *child, const WCHAR *dll)
{
    void *get = __imp_GetProcAddress, *width = __imp_IsWow64Process;
    __imp_GetProcAddress = (void *)find;
    __imp_IsWow64Process = (void *)say_width;
    enum inject_result result = inject(child->hProcess, child->hThread, dll);
    __imp_GetProcAddress = get;
    __imp_IsWow64Process = width;
    return result;
}

static void check_objection(const WCHAR *dll, enum inject_result wanted, const char *reason)
{
    PROCESS_INFORMATION child = start_child();
    struct image before = image_of(child.hProcess);
    expect(inject_with_answers(&child, dll) == wanted, reason);
    expect(strstr(inject_reason(wanted), reason) != NULL, "the reason is told");
    struct image after = image_of(child.hProcess);
    expect(memcmp(&before, &after, sizeof before) == 0, "nothing was changed");
    expect(finish(&child) == WITHOUT_DLL, "it runs without the DLL");
}

static void check_objections(const WCHAR *dll)
{
    enum { FLOW_GUARD = 7, SIGNATURE = 8 };
    host = IMAGE_FILE_MACHINE_ARM64;
    check_objection(dll, INJECT_EMULATED, "Arm");
    host = IMAGE_FILE_MACHINE_AMD64;
    is_32_bit = TRUE;
    check_objection(dll, INJECT_32_BIT, "32-bit");
    is_32_bit = FALSE;
    policy = SIGNATURE;
    for (policy_bits = 1; policy_bits <= 3; policy_bits++)
        check_objection(dll, INJECT_SIGNED_ONLY, "sign");
    policy = FLOW_GUARD;
    for (policy_bits = 5; policy_bits <= 7; policy_bits += 2)
        check_objection(dll, INJECT_STRICT_GUARD, "control-flow guard");
}

/* ---- import slots ------------------------------------------------------------------------- */

/* A copy of a program without its directory of import slots, and perhaps without imports. */
static void write_bare(const WCHAR *path, const WCHAR *program, bool keep_imports)
{
    static BYTE bytes[8 << 20];
    DWORD size = 0, done = 0;
    HANDLE file = CreateFileW(program, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    expect(ReadFile(file, bytes, sizeof bytes, &size, NULL) && size < sizeof bytes,
           "the program's file is read");
    CloseHandle(file);
    IMAGE_NT_HEADERS64 *headers =
        (void *)(bytes + ((const IMAGE_DOS_HEADER *)(const void *)bytes)->e_lfanew);
    IMAGE_DATA_DIRECTORY *directories = headers->OptionalHeader.DataDirectory;
    directories[IMAGE_DIRECTORY_ENTRY_IAT] = (IMAGE_DATA_DIRECTORY){ 0 };
    if (!keep_imports)
        directories[IMAGE_DIRECTORY_ENTRY_IMPORT] = (IMAGE_DATA_DIRECTORY){ 0 };
    file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    expect(WriteFile(file, bytes, size, &done, NULL) && done == size, "a copy is written");
    CloseHandle(file);
}

static void check_bare(const WCHAR *dll)
{
    const WCHAR path[] = L"redirect-inject-bare.exe";
    WCHAR own[MAX_PATH];
    GetModuleFileNameW(NULL, own, MAX_PATH);
    write_bare(path, own, true);
    PROCESS_INFORMATION child = start(path);
    struct image before = image_of(child.hProcess);
    expect(directory(&before, IMAGE_DIRECTORY_ENTRY_IAT).VirtualAddress == 0, "it has none");
    expect(inject(child.hProcess, child.hThread, dll) == INJECT_DONE, "the injection is done");
    struct image after = image_of(child.hProcess);
    IMAGE_DATA_DIRECTORY slots = directory(&after, IMAGE_DIRECTORY_ENTRY_IAT);
    DWORD old = directory(&before, IMAGE_DIRECTORY_ENTRY_IMPORT).VirtualAddress;
    bool found = false;
    for (WORD i = 0; i < after.headers.FileHeader.NumberOfSections; i++)
        found = found || (after.sections[i].VirtualAddress == slots.VirtualAddress &&
                          after.sections[i].Misc.VirtualSize == slots.Size);
    expect(found, "it is a section");
    expect(old - slots.VirtualAddress < slots.Size, "the one that the descriptors were in");
    expect(finish(&child) == WITH_DLL, "the child has the DLL");
    DeleteFileW(path);
}

/* Then the DLL's own slots are all there are. */
static void check_no_imports(const WCHAR *dll, const WCHAR *program)
{
    const WCHAR path[] = L"redirect-inject-no-imports.exe";
    write_bare(path, program, false);
    PROCESS_INFORMATION child = start(path);
    struct image before = image_of(child.hProcess);
    expect(directory(&before, IMAGE_DIRECTORY_ENTRY_IMPORT).VirtualAddress == 0, "no imports");
    expect(inject(child.hProcess, child.hThread, dll) == INJECT_DONE, "the injection is done");
    struct image after = image_of(child.hProcess);
    IMAGE_DATA_DIRECTORY slots = directory(&after, IMAGE_DIRECTORY_ENTRY_IAT);
    ULONGLONG slot[2] = { 0 };
    ReadProcessMemory(child.hProcess, after.base + slots.VirtualAddress, slot, sizeof slot, NULL);
    expect(slots.Size == sizeof slot && slot[0] == (IMAGE_ORDINAL_FLAG64 | 1) && slot[1] == 0,
           "its slots are those of the DLL's import");
    expect(finish(&child) == NO_IMPORTS, "it runs");
    DeleteFileW(path);
}

int wmain(int argc, wchar_t **argv);

int wmain(int argc, wchar_t **argv)
{
    if (argc == 2 && wcscmp(argv[1], L"child") == 0)
        return GetModuleHandleW(L"barrow.dll") ? WITH_DLL : WITHOUT_DLL;
    WCHAR library[MAX_PATH];
    if (argc != 3 || !GetFullPathNameW(argv[1], MAX_PATH, library, NULL))
        return 1;
    check_accesses(library);
    check_objections(library);
    check_bare(library);
    check_no_imports(library, argv[2]);
    printf("%d failed\n", failures);
    return failures != 0;
}
