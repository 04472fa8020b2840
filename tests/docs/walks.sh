#!/bin/bash
# SPDX-License-Identifier: MIT
# Four new users, each with the README alone, in a fresh Debian: one preloads the library, one links it, one ports
# from Windows, one compares allocators. The commands are cut out of the README, so it cannot differ from what is
# tried here.
#
#   walks.sh SOURCE CHROOT
set -euo pipefail
source=$1 chroot=$2
here=$(dirname "$(readlink -f "$0")")

inside() {
    "$here/chroot.sh" run "$chroot" bash -euo pipefail -c "cd /src 2>/dev/null || cd /; $1"
}

# block HEADING NUMBER: an indented block of the README, counted below the heading.
block() {
    awk -v heading="## $1" -v wanted="$2" '
        /^## / || /^# / { inside = $0 == heading; n = 0; was = 0 }
        inside && /^    / { if (!was) n++; was = 1; if (n == wanted) print substr($0, 5); next }
        inside && /^$/ { if (was && n == wanted) print ""; next }
        inside { was = 0 }
    ' "$source/README.md" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

step() {
    printf '== %s (%d s)\n' "$*" "$SECONDS"
}

# expect TEXT WHAT: the last output, in $out, has the text.
expect() {
    grep -qF -- "$1" <<<"$out" || {
        printf 'walks: %s: no "%s" in:\n%s\n' "$2" "$1" "$out"
        exit 1
    }
}

# Nothing that a user did not ask for may fail, and nothing may warn.
quiet() {
    ! grep -iE 'warning|error:' <<<"$out" || {
        echo "walks: $1: a warning"
        exit 1
    }
}

step "a fresh system"
inside true
rm -rf "${chroot:?}/src" "${chroot:?}/usr/local" "${chroot:?}/root/work"
mkdir -p "$chroot/usr/local" "$chroot/root/work"
"$source/tools/packaging/copy" "$chroot/src"

step "the user who preloads: tools/try"
out=$(inside "apt-get -qq update >/dev/null; tools/try" 2>&1)
expect "250000 strings left" tools/try
expect "the heap of perl" tools/try
expect "no limit" tools/try

step "... builds and installs"
out=$(inside "$(block Preload 1 | sed 's/sudo //g')" 2>&1)
quiet "the README's build"
inside ldconfig

step "... builds without cmocka, expat and a C++ compiler"
out=$(inside "cmake -B /tmp/tests; cmake --build /tmp/tests --target unit_options conformance_malloc
    cd /tmp/tests; ctest -R 'unit.options|conformance.malloc\$'" 2>&1)
expect "No cmocka" "what a build lacks is named"
expect "No C++ compiler" "what a build lacks is named"
expect "100% tests passed, 0 tests failed out of 2" "tests with the bundled header"

step "... and runs programs"
program="perl -e 'print 6 * 7, chr 10'"
while read -r line; do
    out=$(inside "${line/PROGRAM ARGS/$program}" 2>&1)
    expect 42 "$line"
done < <(block Preload 2 | sed 's/ *#.*//; /^$/d')
out=$(inside "barrow run --stats -- $program" 2>&1)
expect "the heap of perl" "--stats"
out=$(inside "BARROW_CHECK=1 LD_PRELOAD=/usr/local/lib/libbarrow.so perl -e 1" 2>&1)
expect "did you mean BARROW_CHECKS?" "a misspelt option"
out=$(inside "barrow help; barrow version; barrow help run; barrow bench --help; barrow rnu 2>&1 || true" 2>&1)
expect "did you mean 'run'?" "a misspelt command"
expect "purge-delay=MS" "barrow help run"

step "the user who links"
inside "apt-get -qq install --yes pkg-config >/dev/null 2>&1"
block "A private heap" 1 >"$chroot/root/work/program.c"
while read -r line; do
    out=$(inside "cd /root/work; $line -Wall -o program; ./program; rm program" 2>&1)
    quiet "$line"
    expect "hello: 6 bytes" "$line"
done < <(block Link 1 | sed -n 's/ *#.*//; /^cc /p'; block Link 1 | sed -n 's/.*or plain: //p')
{
    printf 'cmake_minimum_required(VERSION 3.22)\nproject(program LANGUAGES C)\nadd_executable(program program.c)\n'
    block Link 1 | sed -n 's/ *#.*//; /^find_package\|^target_link/p'
} >"$chroot/root/work/CMakeLists.txt"
for library in barrow static; do
    sed -i "s/barrow::[a-z]*/barrow::$library/" "$chroot/root/work/CMakeLists.txt"
    out=$(inside "cd /root/work; rm -rf b; cmake -B b; cmake --build b; b/program" 2>&1)
    quiet "barrow::$library"
    expect "hello: 6 bytes" "barrow::$library"
done

step "the user who ports"
cat >"$chroot/root/work/port.c" <<'PORT'
#include <windows.h>
#include <stdio.h>

int main(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    char *memory = VirtualAlloc(NULL, 1 << 20, MEM_RESERVE, PAGE_NOACCESS);
    if (!memory || !VirtualAlloc(memory, info.dwPageSize, MEM_COMMIT, PAGE_READWRITE))
        return 1;
    memory[0] = 'x';
    HGLOBAL block = GlobalAlloc(GMEM_MOVEABLE | GMEM_ZEROINIT, 100);
    printf("%c %u\n", memory[0], (unsigned)GlobalSize(block));
    GlobalFree(block);
    return !VirtualFree(memory, 0, MEM_RELEASE);
}
PORT
out=$(inside "cd /root/work; cc -Wall -I/usr/local/include/barrow/win32 port.c -lbarrow -o port; ./port" 2>&1)
quiet "a Windows program"
expect "x 100" "a Windows program"

step "the user who compares"
inside "apt-get -qq install --yes g++ libbenchmark-dev python3-click python3-rich libjemalloc2 >/dev/null 2>&1"
out=$(inside "cmake -B build -DBARROW_BUILD_BENCH=ON -DBARROW_BUILD_TESTS=OFF; cmake --build build" 2>&1)
quiet "the benchmarks"
out=$(inside "COLUMNS=80 build/tools/barrow bench run micro --line pair/64 --quick" 2>&1)
expect "jemalloc 5.3.0" "barrow bench"
out=$(inside "build/tools/barrow bench run --line pair/64 --quick --html /nonexistent/x.html 2>&1 || true" 2>&1)
expect "/nonexistent/x.html" "a report that cannot be written"
step "done"
