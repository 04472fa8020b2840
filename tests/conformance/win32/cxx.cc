// SPDX-License-Identifier: MIT
// cxx.cc: the headers in C++, with wide names: <windows.h> beside the standard library.
#define UNICODE
#include <windows.h>

#include <psapi.h>
#include <tchar.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <type_traits>

static_assert(std::is_same<TCHAR, char16_t>::value, "TCHAR is wide with UNICODE");
static_assert(sizeof(MEMORY_BASIC_INFORMATION) == 48, "as on Windows");

int main()
{
    std::basic_string<TCHAR> name = TEXT("barrow-cxx-");
    for (DWORD n = GetCurrentProcessId(); n != 0; n /= 10)
        name += static_cast<TCHAR>(u'0' + n % 10);
    HANDLE made =
        CreateFileMapping(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0, 4096, name.c_str());
    HANDLE opened = OpenFileMapping(FILE_MAP_ALL_ACCESS, FALSE, name.c_str());
    auto *a = static_cast<TCHAR *>(MapViewOfFile(made, FILE_MAP_ALL_ACCESS, 0, 0, 0));
    auto *b = static_cast<TCHAR *>(MapViewOfFile(opened, FILE_MAP_READ, 0, 0, 0));
    if (a == nullptr || b == nullptr)
        return 1;
    CopyMemory(a, name.c_str(), (name.size() + 1) * sizeof(TCHAR));
    bool same = std::equal(name.begin(), name.end(), b);
    ZeroMemory(a, 4096);
    FillMemory(a, 2, 1);
    MoveMemory(a + 1, a, 2);
    same = same && b[0] == 0x0101 && b[1] == 0x0101 && b[2] == 0;
    same = same && UnmapViewOfFile(a) && UnmapViewOfFile(b) && CloseHandle(made) &&
           CloseHandle(opened);
    std::puts(same ? "1 passed, 0 failed" : "0 passed, 1 failed");
    return same ? 0 : 1;
}
