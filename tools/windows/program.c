/* SPDX-License-Identifier: MIT */
/* program.c: the program: where it is, and whether it is one of 64-bit Windows on x86. */
#include "command.h"

#include <stdio.h>

int program_find(wchar_t path[PATH_MOST], const wchar_t *name)
{
    DWORD length = SearchPathW(NULL, name, L".exe", PATH_MOST, path, NULL);
    if (length > 0 && length < PATH_MOST)
        return 0;
    say(L"%ls: there is no such program", name);
    return STATUS_NOT_FOUND;
}

static int refuse(const wchar_t *path, const wchar_t *reason)
{
    say(L"%ls: %ls", path, reason);
    return STATUS_NOT_RUNNABLE;
}

/* NULL if it can be loaded into a 64-bit x86 process. */
static const wchar_t *machine_objection(WORD machine)
{
    switch (machine) {
    case IMAGE_FILE_MACHINE_AMD64:
        return NULL;
    case IMAGE_FILE_MACHINE_I386:
        return L"a 32-bit program; barrow.dll is for 64-bit ones";
    case IMAGE_FILE_MACHINE_ARM64:
        return L"a program for Arm; barrow.dll is for x86-64";
    default:
        return L"not a program for x86-64";
    }
}

static const wchar_t *objection(FILE *file)
{
    IMAGE_DOS_HEADER dos;
    struct {
        DWORD signature;
        IMAGE_FILE_HEADER file;
    } headers;
    if (fread(&dos, sizeof dos, 1, file) != 1 || dos.e_magic != IMAGE_DOS_SIGNATURE)
        return L"not a PE file (a script is run by naming its interpreter)";
    if (fseek(file, dos.e_lfanew, SEEK_SET) != 0 || fread(&headers, sizeof headers, 1, file) != 1 ||
        headers.signature != IMAGE_NT_SIGNATURE)
        return L"not a PE file but an older kind of program";
    return machine_objection(headers.file.Machine);
}

int program_check(const wchar_t *path)
{
    FILE *file = _wfopen(path, L"rb");
    if (!file) {
        DWORD error = GetLastError();
        say_error(error, L"%ls", path);
        return STATUS_NOT_RUNNABLE;
    }
    const wchar_t *reason = objection(file);
    fclose(file);
    return reason ? refuse(path, reason) : 0;
}
