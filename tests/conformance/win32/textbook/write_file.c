/* SPDX-License-Identifier: MIT */
/* write_file.c: writes a file through a mapping and reads it back by ReadFile and by another
 * mapping. Takes the file's name. */
#include <windows.h>

#include <stdio.h>

#define NUMBERS 100000

static int stop(const char *what)
{
    printf("%s: error %u\n", what, (unsigned)GetLastError());
    return 1;
}

int main(int argc, char **argv)
{
    HANDLE hFile, hMapping;
    DWORD *numbers, back[1000], read;
    DWORD i;

    if (argc != 2)
        return 2;
    hFile = CreateFileA(argv[1], GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                        FILE_ATTRIBUTE_NORMAL, NULL);
    if (hFile == INVALID_HANDLE_VALUE)
        return stop("CreateFile");
    hMapping = CreateFileMapping(hFile, NULL, PAGE_READWRITE, 0, NUMBERS * sizeof(DWORD), NULL);
    if (hMapping == NULL)
        return stop("CreateFileMapping");
    numbers = (DWORD *)MapViewOfFile(hMapping, FILE_MAP_WRITE, 0, 0, 0);
    if (numbers == NULL)
        return stop("MapViewOfFile");
    for (i = 0; i < NUMBERS; i++)
        numbers[i] = i * i;
    if (!FlushViewOfFile(numbers, 0) || !UnmapViewOfFile(numbers))
        return stop("FlushViewOfFile");
    CloseHandle(hMapping);
    if (!FlushFileBuffers(hFile))
        return stop("FlushFileBuffers");
    CloseHandle(hFile);

    hFile = CreateFileA(argv[1], GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (hFile == INVALID_HANDLE_VALUE)
        return stop("CreateFile again");
    for (i = 0; i < NUMBERS; i++) {
        if (i % 1000 == 0 &&
            (!ReadFile(hFile, back, sizeof(back), &read, NULL) || read != sizeof(back)))
            return stop("ReadFile");
        if (back[i % 1000] != i * i)
            return stop("wrong number in the file");
    }
    hMapping = CreateFileMapping(hFile, NULL, PAGE_READONLY, 0, 0, NULL);
    numbers = (DWORD *)MapViewOfFile(hMapping, FILE_MAP_READ, 0, 0, 0);
    if (numbers == NULL)
        return stop("MapViewOfFile again");
    for (i = 0; i < NUMBERS; i++) {
        if (numbers[i] != i * i)
            return stop("wrong number in the view");
    }
    UnmapViewOfFile(numbers);
    CloseHandle(hMapping);
    CloseHandle(hFile);
    if (!DeleteFileA(argv[1]))
        return stop("DeleteFile");
    printf("%d numbers written and read\n", NUMBERS);
    return 0;
}
