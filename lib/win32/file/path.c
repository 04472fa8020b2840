/* SPDX-License-Identifier: MIT */
/* path.c: paths: full ones, the current folder, names for temporary files. */
#include "win32/file/path.h"

#include "barrow/fileapi.h"
#include "win32/file/file.h"
#include "win32/host/host_attributes.h"
#include "win32/host/host_file.h"
#include "win32/host/host_wait.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DWORD path_from(LPCSTR name, struct path *path)
{
    if (name == NULL || *name == '\0')
        return ERROR_PATH_NOT_FOUND;
    return text_path(name, path->text, sizeof(path->text)) ? 0 : ERROR_FILENAME_EXCED_RANGE;
}

DWORD path_from_utf16(LPCWSTR name, struct path *path)
{
    char narrow[TEXT_ROOM];
    if (name == NULL || *name == 0)
        return ERROR_PATH_NOT_FOUND;
    if (!text_from_utf16(name, narrow, sizeof(narrow)))
        return ERROR_FILENAME_EXCED_RANGE;
    return path_from(narrow, path);
}

/* Appends one part of a path to a path from the root. False: it does not fit. */
static bool append_part(char *path, const char *part, size_t length)
{
    size_t n = strlen(path);
    if (length == 0 || (length == 1 && part[0] == '.'))
        return true;
    if (length == 2 && part[0] == '.' && part[1] == '.') {
        *strrchr(path, '/') = '\0';
        if (*path == '\0')
            strcpy(path, "/");
        return true;
    }
    if (n + length + 2 > TEXT_ROOM)
        return false;
    snprintf(path + n, TEXT_ROOM - n, "%s%.*s", path[n - 1] == '/' ? "" : "/", (int)length, part);
    return true;
}

static bool append_parts(char *path, const char *parts)
{
    while (*parts != '\0') {
        size_t length = strcspn(parts, "/");
        if (!append_part(path, parts, length))
            return false;
        parts += length;
        parts += strspn(parts, "/");
    }
    return true;
}

/* By the text alone: no link is followed. */
static DWORD full_path(const struct path *name, char *full)
{
    size_t length = strlen(name->text);
    strcpy(full, "/");
    if (name->text[0] != '/') {
        int error = host_current_folder(full, TEXT_ROOM);
        if (error != 0)
            return win32_error(error);
    }
    if (!append_parts(full, name->text))
        return ERROR_FILENAME_EXCED_RANGE;
    size_t n = strlen(full);
    if (name->text[length - 1] == '/' && full[n - 1] != '/') {
        if (n + 2 > TEXT_ROOM)
            return ERROR_FILENAME_EXCED_RANGE;
        strcpy(full + n, "/");
    }
    return 0;
}

/* An empty path has an error of its own here. */
static DWORD full_path_error(DWORD error)
{
    return error == ERROR_PATH_NOT_FOUND ? ERROR_INVALID_NAME : error;
}

DWORD GetFullPathNameA(LPCSTR name, DWORD size, LPSTR buffer, LPSTR *part)
{
    struct path path;
    char full[TEXT_ROOM];
    DWORD error = full_path_error(path_from(name, &path));
    if (error == 0)
        error = full_path(&path, full);
    if (error != 0)
        return (DWORD)fail(error);
    DWORD length = text_answer(full, buffer, size);
    if (part != NULL && length < size)
        *part = buffer[length - 1] == '/' ? NULL : strrchr(buffer, '/') + 1;
    return length;
}

DWORD GetFullPathNameW(LPCWSTR name, DWORD size, LPWSTR buffer, LPWSTR *part)
{
    struct path path;
    char full[TEXT_ROOM];
    DWORD error = full_path_error(path_from_utf16(name, &path));
    if (error == 0)
        error = full_path(&path, full);
    if (error != 0)
        return (DWORD)fail(error);
    DWORD length = text_answer_utf16(full, buffer, size);
    if (part == NULL || length >= size)
        return length;
    LPWSTR at = buffer + length;
    while (at[-1] != '/')
        at--;
    *part = *at != 0 ? at : NULL;
    return length;
}

DWORD GetCurrentDirectoryA(DWORD size, LPSTR buffer)
{
    char folder[TEXT_ROOM];
    int error = host_current_folder(folder, sizeof(folder));
    return error != 0 ? (DWORD)fail(win32_error(error)) : text_answer(folder, buffer, size);
}

DWORD GetCurrentDirectoryW(DWORD size, LPWSTR buffer)
{
    char folder[TEXT_ROOM];
    int error = host_current_folder(folder, sizeof(folder));
    return error != 0 ? (DWORD)fail(win32_error(error)) : text_answer_utf16(folder, buffer, size);
}

static DWORD temporary_folder(char *full)
{
    struct path path;
    const char *named = getenv("TMPDIR");
    snprintf(path.text, sizeof(path.text) - 1, "%s",
             named != NULL && *named != '\0' ? named : "/tmp");
    strcat(path.text, "/");
    return full_path(&path, full);
}

DWORD GetTempPathA(DWORD size, LPSTR buffer)
{
    char folder[TEXT_ROOM];
    DWORD error = temporary_folder(folder);
    return error != 0 ? (DWORD)fail(error) : text_answer(folder, buffer, size);
}

DWORD GetTempPathW(DWORD size, LPWSTR buffer)
{
    char folder[TEXT_ROOM];
    DWORD error = temporary_folder(folder);
    return error != 0 ? (DWORD)fail(error) : text_answer_utf16(folder, buffer, size);
}

#define NUMBERS 0x10000u

static void temporary_name(const struct path *folder, const char *prefix, UINT number,
                           char name[MAX_PATH])
{
    size_t n = strlen(folder->text);
    snprintf(name, MAX_PATH, "%.*s%s%.3s%X.tmp", MAX_PATH - 14, folder->text,
             folder->text[n - 1] == '/' ? "" : "/", prefix, number);
}

static int make_file(const char *name)
{
    int fd;
    int error = host_file_open(name, HOST_OPEN_WRITE | HOST_OPEN_NEW, &fd);
    if (error == 0)
        host_file_close(fd);
    return error;
}

/* Tries numbers from one that differs from call to call. */
static DWORD make_temporary(const struct path *folder, const char *prefix, char *name, UINT *number)
{
    uint32_t start = (uint32_t)(host_clock() >> 10);
    int error = EEXIST;
    for (uint32_t i = 0; i < NUMBERS && error == EEXIST; i++) {
        *number = (start + i) % NUMBERS;
        if (*number == 0)
            continue;
        temporary_name(folder, prefix, *number, name);
        error = make_file(name);
    }
    return error != 0 ? win32_error(error) : 0;
}

static DWORD check_folder(DWORD error, const struct path *folder)
{
    struct host_file_info info;
    if (error != 0)
        return error == ERROR_PATH_NOT_FOUND ? ERROR_DIRECTORY : error;
    if (strlen(folder->text) > MAX_PATH - 14)
        return ERROR_BUFFER_OVERFLOW;
    return host_file_info_at(folder->text, &info) == 0 && info.is_directory ? 0 : ERROR_DIRECTORY;
}

static DWORD temporary_file(const struct path *folder, const char *prefix, UINT *number, char *name)
{
    *number &= NUMBERS - 1;
    if (*number == 0)
        return make_temporary(folder, prefix, name, number);
    temporary_name(folder, prefix, *number, name);
    return 0;
}

UINT GetTempFileNameA(LPCSTR folder, LPCSTR prefix, UINT unique, LPSTR name)
{
    struct path path;
    DWORD error = check_folder(path_from(folder, &path), &path);
    if (error == 0)
        error = temporary_file(&path, prefix != NULL ? prefix : "", &unique, name);
    return error != 0 ? (UINT)fail(error) : unique;
}

/* At most three characters, in UTF-8. */
static void narrow_prefix(LPCWSTR prefix, char narrow[16])
{
    size_t n = 0;
    for (int i = 0; prefix != NULL && i < 3 && *prefix != 0; i++)
        n += text_from_character(&prefix, narrow + n);
    narrow[n] = '\0';
}

UINT GetTempFileNameW(LPCWSTR folder, LPCWSTR prefix, UINT unique, LPWSTR name)
{
    struct path path;
    char narrow[MAX_PATH], narrow_three[16];
    DWORD error = check_folder(path_from_utf16(folder, &path), &path);
    narrow_prefix(prefix, narrow_three);
    if (error == 0)
        error = temporary_file(&path, narrow_three, &unique, narrow);
    if (error != 0)
        return (UINT)fail(error);
    text_answer_utf16(narrow, name, MAX_PATH);
    return unique;
}
