/* SPDX-License-Identifier: MIT */
/* library.c: where barrow.dll is. */
#include "command.h"

/* From the command's own folder: beside it as installed on Windows, then as in a build tree. */
static const wchar_t *const places[] = { L"barrow.dll", L"..\\barrow.dll", L"..\\bin\\barrow.dll" };

static bool is_file(const wchar_t *path)
{
    DWORD attributes = GetFileAttributesW(path);
    return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY);
}

static bool full_path(wchar_t path[PATH_MOST], const wchar_t *name)
{
    DWORD length = GetFullPathNameW(name, PATH_MOST, path, NULL);
    return length > 0 && length < PATH_MOST && is_file(path);
}

static bool beside_command(wchar_t path[PATH_MOST])
{
    wchar_t own[PATH_MOST], name[PATH_MOST + 32];
    DWORD length = GetModuleFileNameW(NULL, own, PATH_MOST);
    if (length == 0 || length >= PATH_MOST)
        return false;
    wcsrchr(own, L'\\')[1] = L'\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        wcscpy(name, own);
        wcscat(name, places[i]);
        if (full_path(path, name))
            return true;
    }
    return false;
}

bool library_find(wchar_t path[PATH_MOST], const wchar_t *named)
{
    wchar_t variable[PATH_MOST];
    if (!named && GetEnvironmentVariableW(L"BARROW_LIBRARY", variable, PATH_MOST))
        named = variable;
    if (!named) {
        if (beside_command(path))
            return true;
        say(L"there is no barrow.dll beside this command; name it with --library");
        return false;
    }
    if (full_path(path, named))
        return program_check(path) == 0;
    say(L"%ls: there is no such file", named);
    return false;
}
