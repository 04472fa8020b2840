/* SPDX-License-Identifier: MIT */
/* patch.c: barrow patch: a copy of a program that imports barrow.dll. */
#include "command.h"
#include "pe_file.h"

#include <stdio.h>

struct request {
    bool remove;
    const wchar_t *output, *library, *program;
};

static int print_help(void)
{
    static const wchar_t help[] =
        L"Usage: barrow patch PROGRAM.exe [-o COPY]\n"
        L"       barrow patch --remove COPY [-o PROGRAM.exe]\n"
        L"Make a copy of a program that loads barrow.dll before anything else, or make of such a\n"
        L"copy what it was. Windows looks for barrow.dll in the copy's folder: it is put there if\n"
        L"there is none.\n"
        L"\n"
        L"  -o, --output=FILE   what to write; else PROGRAM-barrow.exe, and the copy itself with\n"
        L"                      --remove\n"
        L"      --remove        take the import away again\n"
        L"      --library=PATH  the barrow.dll to put beside the copy; else that of\n"
        L"                      BARROW_LIBRARY, else the one beside this command\n"
        L"  -h, --help          show this help\n";
    return fputws(help, stdout) < 0 ? STATUS_FAILED : 0;
}

/* Returns false after a message. */
static bool take_argument(struct request *request, wchar_t **argv, int *at)
{
    const wchar_t **value = NULL;
    const wchar_t *text;
    if (option_is(argv, at, L"remove", 0, NULL)) {
        request->remove = true;
        return true;
    }
    if (option_is(argv, at, L"output", L'o', &text))
        value = &request->output;
    else if (option_is(argv, at, L"library", 0, &text))
        value = &request->library;
    else if (argv[*at][0] != L'-' && !request->program) {
        value = &request->program;
        text = argv[*at];
    }
    if (!value || !text) {
        say(L"patch: what is '%ls' to be?", argv[*at]);
        return false;
    }
    *value = text;
    return true;
}

/* "C:\x\tool.exe" becomes "C:\x\tool-barrow.exe". */
static void default_output(wchar_t *output, const wchar_t *program)
{
    static const wchar_t addition[] = L"-barrow.exe";
    wcscpy(output, program);
    wchar_t *slash = wcsrchr(output, L'\\'), *dot = wcsrchr(output, L'.');
    wcscpy(dot && (!slash || dot > slash) ? dot : output + wcslen(output), addition);
}

/* Returns an exit status. */
static int check_folder(const wchar_t *output)
{
    wchar_t folder[PATH_MOST + 16];
    wcscpy(folder, output);
    wchar_t *slash = wcsrchr(folder, L'\\');
    if (!slash)
        return 0;
    *slash = L'\0';
    DWORD attributes = GetFileAttributesW(folder);
    if (attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY)
        return 0;
    say(L"%ls: there is no such folder", folder);
    return STATUS_FAILED;
}

/* Returns an exit status. */
static int put_library_beside(const wchar_t *output, const wchar_t *named)
{
    wchar_t library[PATH_MOST], place[PATH_MOST + 16];
    wcscpy(place, output);
    wchar_t *slash = wcsrchr(place, L'\\');
    wcscpy(slash ? slash + 1 : place, L"barrow.dll");
    if (GetFileAttributesW(place) != INVALID_FILE_ATTRIBUTES)
        return 0;
    if (!library_find(library, named))
        return STATUS_FAILED;
    if (CopyFileW(library, place, TRUE))
        return 0;
    say_error(GetLastError(), L"%ls", place);
    return STATUS_FAILED;
}

/* Writes beside the place first, so that a file is never left half written. */
static const wchar_t *write_whole(const struct pe_file *file, const wchar_t *path)
{
    wchar_t draft[PATH_MOST + 32];
    wcscpy(draft, path);
    wcscat(draft, L".new");
    const wchar_t *reason = pe_file_write(file, draft);
    if (reason || MoveFileExW(draft, path, MOVEFILE_REPLACE_EXISTING))
        return reason;
    DeleteFileW(draft);
    return L"cannot be replaced: it is in use, or may not be written";
}

static int change(const struct request *request, const wchar_t *program, const wchar_t *output)
{
    struct pe_file file;
    const wchar_t *at = program, *doubt = NULL;
    const wchar_t *reason = pe_file_read(&file, program);
    if (!reason && !request->remove)
        doubt = pe_file_doubt(&file);
    if (!reason)
        reason = request->remove ? pe_file_remove_import(&file)
                                 : pe_file_add_import(&file, "barrow.dll");
    if (!reason) {
        at = output;
        reason = write_whole(&file, output);
    }
    pe_file_close(&file);
    if (reason)
        say(L"%ls %ls", at, reason);
    else if (doubt)
        say(L"%ls: note: %ls", program, doubt);
    return reason ? STATUS_FAILED : 0;
}

static int patch(const struct request *request)
{
    wchar_t program[PATH_MOST], output[PATH_MOST + 16];
    DWORD length = GetFullPathNameW(request->program, PATH_MOST, program, NULL);
    if (length == 0 || length >= PATH_MOST ||
        GetFileAttributesW(program) == INVALID_FILE_ATTRIBUTES) {
        say(L"%ls: there is no such file", request->program);
        return STATUS_NOT_FOUND;
    }
    int status = program_check(program);
    if (status != 0)
        return status;
    if (request->output) {
        if (!GetFullPathNameW(request->output, PATH_MOST, output, NULL))
            return STATUS_FAILED;
    } else if (request->remove) {
        wcscpy(output, program);
    } else {
        default_output(output, program);
    }
    status = check_folder(output);
    if (status == 0 && !request->remove)
        status = put_library_beside(output, request->library);
    if (status == 0)
        status = change(request, program, output);
    if (status == 0)
        wprintf(L"%ls\n", output);
    return status;
}

int patch_main(int argc, wchar_t **argv)
{
    struct request request = { 0 };
    for (int at = 1; at < argc; at++) {
        if (option_is(argv, &at, L"help", L'h', NULL))
            return print_help();
        if (!take_argument(&request, argv, &at))
            return usage_error(L"barrow patch");
    }
    if (!request.program) {
        say(L"patch: no program is named");
        return usage_error(L"barrow patch");
    }
    return patch(&request);
}
