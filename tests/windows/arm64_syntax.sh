#!/bin/bash
# SPDX-License-Identifier: MIT
# Compiles the library, barrow.dll's part and the command for Windows on 64-bit Arm, as far as the
# compiler's checks: arm64_syntax.sh SOURCES CLANG HEADERS. There is no linker and no run-time for it.
set -euo pipefail
cd "$1"
clang=$2 headers=$3
options=(--target=aarch64-w64-mingw32 -isystem "$headers" -fsyntax-only -std=gnu11 -Wall -Wextra -Werror
    -Iinclude -Ilib -Itools/windows -DBARROW_OVERRIDE_MALLOC=0 -DBARROW_DEBUG=1 -DBARROW_BUILD_SHARED
    -D_WIN32_WINNT=0x0603 -DWIN32_LEAN_AND_MEAN -D__USE_MINGW_ANSI_STDIO=1)
count=0
mapfile -t files < <(find lib/os/windows lib/diag lib/region lib/heap lib/private lib/win32/heap \
    lib/shim lib/redirect tools/windows -name '*.c' ! -name glibc.c ! -name operators.c ! -path 'lib/shim/shared/*' | sort)
for file in "${files[@]}"; do
    "$clang" "${options[@]}" "$file"
    count=$((count + 1))
done
echo "$count files compile for Windows on Arm"
[ "$count" -gt 60 ]
