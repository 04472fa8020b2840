/* SPDX-License-Identifier: MIT */
/* view_by_view.c: a file far larger than a view, processed view by view: 512 MiB, with a mark in
 * each granule, through views of 1 MiB. Takes the file's name. */
#include <windows.h>

#include <stdio.h>

#define FILE_SIZE ((ULONGLONG)512 << 20)

static int stop(const char *what)
{
    printf("%s: error %u\n", what, (unsigned)GetLastError());
    return 1;
}

int main(int argc, char **argv)
{
    SYSTEM_INFO info;
    HANDLE hFile, hMapping;
    ULONGLONG offset, sum = 0, expected = 0;
    DWORD view = 1 << 20, step, pass;

    if (argc != 2)
        return 2;
    GetSystemInfo(&info);
    step = info.dwAllocationGranularity;
    hFile = CreateFileA(argv[1], GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                        FILE_FLAG_DELETE_ON_CLOSE, NULL);
    if (hFile == INVALID_HANDLE_VALUE)
        return stop("CreateFile");
    hMapping = CreateFileMapping(hFile, NULL, PAGE_READWRITE, (DWORD)(FILE_SIZE >> 32),
                                 (DWORD)FILE_SIZE, NULL);
    if (hMapping == NULL)
        return stop("CreateFileMapping");
    for (pass = 0; pass < 2; pass++) {
        for (offset = 0; offset < FILE_SIZE; offset += view) {
            DWORD i;
            char *data = (char *)MapViewOfFile(hMapping, FILE_MAP_ALL_ACCESS, (DWORD)(offset >> 32),
                                               (DWORD)offset, view);
            if (data == NULL)
                return stop("MapViewOfFile");
            for (i = 0; i < view; i += step) {
                ULONGLONG *mark = (ULONGLONG *)(data + i);
                if (pass == 0) {
                    *mark = offset + i + 1;
                    expected += offset + i + 1;
                } else {
                    sum += *mark;
                }
            }
            if (!UnmapViewOfFile(data))
                return stop("UnmapViewOfFile");
        }
    }
    CloseHandle(hMapping);
    CloseHandle(hFile);
    if (sum != expected)
        return stop("wrong sum");
    printf("512 MiB processed in views of 1 MiB\n");
    return 0;
}
