#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds the DLL, the static library and the command by clang with MinGW's headers, and lets the three
# do something: clang_build.sh SOURCES FOLDER
set -euo pipefail
sources=$1 folder=$2
cmake -S "$sources" -B "$folder" -DCMAKE_TOOLCHAIN_FILE=tools/cmake/mingw-clang.cmake \
    -DBARROW_BUILD_TESTS=OFF -DBARROW_WERROR=ON >/dev/null
cmake --build "$folder" >"$folder/log" 2>&1 || {
    cat "$folder/log"
    exit 1
}
cd "$folder"
cat >list.c <<'EOF'
#include <windows.h>
#define BARROW_USE_HEAPS
#include <barrow/heapapi.h>
int main(void)
{
    HANDLE heap = HeapCreate(HEAP_NO_SERIALIZE, 0, 0);
    return HeapSize(heap, 0, HeapAlloc(heap, 0, 100)) != 100 || !HeapDestroy(heap);
}
EOF
x86_64-w64-mingw32-gcc -I"$sources/include" list.c libbarrow.a -lntdll -o static.exe
x86_64-w64-mingw32-gcc -I"$sources/include" -DBARROW_SHARED list.c libbarrow.dll.a -o shared.exe
wine static.exe
wine shared.exe
wine barrow.exe run --stats -- static.exe 2>&1 | tee account
grep -q 'redirected [1-9]' account
