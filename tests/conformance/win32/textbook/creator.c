/* SPDX-License-Identifier: MIT */
/* creator.c: the first process of a lecture's pair: it puts a message into named shared memory and
 * keeps it there until a key is pressed. */
#include <windows.h>

#include <stdio.h>

#define BUF_SIZE 256

TCHAR szName[] = TEXT("MyFileMappingObject");
TCHAR szMsg[] = TEXT("Message from first process.");

int main(void)
{
    HANDLE hMapFile;
    LPTSTR pBuf;

    hMapFile = CreateFileMapping(INVALID_HANDLE_VALUE, // use paging file
                                 NULL,                 // default security
                                 PAGE_READWRITE,       // read/write access
                                 0,                    // maximum size, high-order DWORD
                                 BUF_SIZE,             // maximum size, low-order DWORD
                                 szName);              // name of mapping object
    if (hMapFile == NULL) {
        printf("Could not create file mapping object (%d).\n", (int)GetLastError());
        return 1;
    }
    pBuf = (LPTSTR)MapViewOfFile(hMapFile, FILE_MAP_ALL_ACCESS, 0, 0, BUF_SIZE);
    if (pBuf == NULL) {
        printf("Could not map view of file (%d).\n", (int)GetLastError());
        CloseHandle(hMapFile);
        return 1;
    }

    CopyMemory((PVOID)pBuf, szMsg, sizeof(szMsg));
    printf("ready\n");
    fflush(stdout);
    getchar();

    UnmapViewOfFile(pBuf);
    CloseHandle(hMapFile);
    return 0;
}
