/* SPDX-License-Identifier: MIT */
/* opener.c: the second process of the pair: it opens the shared memory by its name and shows what
 * is in it. */
#include <windows.h>

#include <stdio.h>

#define BUF_SIZE 256

TCHAR szName[] = TEXT("MyFileMappingObject");

int main(void)
{
    HANDLE hMapFile;
    LPTSTR pBuf;
    int i;

    hMapFile = OpenFileMapping(FILE_MAP_ALL_ACCESS, // read/write access
                               FALSE,               // do not inherit the name
                               szName);             // name of mapping object
    if (hMapFile == NULL) {
        printf("Could not open file mapping object (%d).\n", (int)GetLastError());
        return 1;
    }
    pBuf = (LPTSTR)MapViewOfFile(hMapFile, FILE_MAP_ALL_ACCESS, 0, 0, BUF_SIZE);
    if (pBuf == NULL) {
        printf("Could not map view of file (%d).\n", (int)GetLastError());
        CloseHandle(hMapFile);
        return 1;
    }

    for (i = 0; pBuf[i] != 0; i++)
        putchar((char)pBuf[i]);
    putchar('\n');

    UnmapViewOfFile(pBuf);
    CloseHandle(hMapFile);
    return 0;
}
