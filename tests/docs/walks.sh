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

# inside COMMANDS: their output is shown if they fail.
inside() {
    "$here/chroot.sh" run "$chroot" bash -euo pipefail -c "cd /src 2>/dev/null || cd /; $1"
}

# block HEADING NUMBER: an indented block of the README, counted below the heading; `all` are all of them.
block() {
    awk -v heading="## $1" -v wanted="$2" '
        /^#/ { inside = $0 == heading; n = 0; was = 0 }
        inside && /^    / { if (!was) n++; was = 1; if (wanted == "all" || n == wanted) print substr($0, 5); next }
        inside { was = 0; if (wanted == "all" && /^$/) print "" }
    ' "$source/README.md"
}

# try COMMANDS: their output is left in $out.
try() {
    out=$(inside "$1" 2>&1) || {
        printf 'walks: %s\n%s\n' "$1" "$(tail -n 30 <<<"$out")"
        exit 1
    }
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
try "apt-get -qq update >/dev/null; tools/try"
expect "250000 strings left" tools/try
expect "the heap of perl" tools/try
expect "no limit" tools/try

step "... builds and installs"
try "$(block Preload 1 | sed 's/sudo //g')"
quiet "the README's build"
inside ldconfig

# Without pkg-config CMake does not find ncurses and libdw, though they are there by now.
step "... builds without cmocka, expat, a C++ compiler, ncurses and libdw"
out=$(inside "cmake -B /tmp/tests -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON
    cmake --build /tmp/tests --target unit_options conformance_malloc barrow_command
    /tmp/tests/tools/barrow top --once
    /tmp/tests/tools/barrow top || true
    /tmp/tests/tools/barrow symbolize || true
    cd /tmp/tests; ctest -R 'unit.options|conformance.malloc\$'" 2>&1)
expect "No cmocka" "what a build lacks is named"
expect "No C++ compiler" "what a build lacks is named"
expect "no ncursesw (Debian: pkg-config, libncurses-dev)" "what a build lacks is named"
expect "the display needs ncurses" "what a command lacks is named"
expect "symbols are read by elfutils' libdw" "what a command lacks is named"
expect "100% tests passed, 0 tests failed out of 2" "tests with the bundled header"

step "... and runs programs"
program="perl -e 'print 6 * 7, chr 10'"
# shellcheck disable=SC2016 # the shell inside expands it
waiting='cd /root/work; barrow run perl -e "sleep 60" & pid=$!; trap "kill $pid" EXIT
    for i in {1..100}; do if barrow stats $pid >/dev/null 2>&1; then break; else sleep 0.1; fi; done'
while read -r line; do
    case $line in
    *"PROGRAM ARGS"*)
        try "${line/PROGRAM ARGS/$program}"
        expect 42 "$line"
        ;;
    "barrow top")
        try "$waiting; (sleep 3; printf q) | TERM=xterm script --quiet --return --command '$line' /dev/null"
        expect "barrow top  " "$line"
        try "$waiting; $line --once | grep \"^ *\$pid \""
        expect perl "$line --once"
        ;;
    *PID*)
        try "$waiting; ${line//PID/\$pid}; ls heap.html"
        expect "live" "$line"
        expect "heap.html" "$line"
        ;;
    *)
        echo "walks: the README's '$line' is not tried"
        exit 1
        ;;
    esac
done < <(block Preload 2 | sed 's/ *#.*//; /^$/d')
try "barrow symbolize"
try "barrow run --stats -- $program"
expect "the heap of perl" "--stats"
try "BARROW_CHECK=1 LD_PRELOAD=/usr/local/lib/libbarrow.so perl -e 1"
expect "did you mean BARROW_CHECKS?" "a misspelt option"
try "barrow help; barrow version; barrow help run; barrow bench --help; barrow rnu 2>&1 || true"
expect "did you mean 'run'?" "a misspelt command"
expect "purge-delay=MS" "barrow help run"

step "the user who links"
inside "apt-get -qq install --yes pkg-config >/dev/null 2>&1"
block "A private heap" all >"$chroot/root/work/program.c"
while read -r line; do
    try "cd /root/work; $line -Wall -o program; ./program; rm program"
    quiet "$line"
    expect "hello: 6 bytes" "$line"
done < <(block Link all | sed -n 's/ *#.*//; /^cc /p'; block Link all | sed -n 's/.*or plain: //p')
{
    printf 'cmake_minimum_required(VERSION 3.22)\nproject(program LANGUAGES C)\nadd_executable(program program.c)\n'
    block Link all | sed -n 's/ *#.*//; /^find_package\|^target_link/p'
} >"$chroot/root/work/CMakeLists.txt"
for library in barrow static; do
    sed -i "s/barrow::[a-z]*/barrow::$library/" "$chroot/root/work/CMakeLists.txt"
    try "cd /root/work; rm -rf b; cmake -B b; cmake --build b; b/program"
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
try "cd /root/work; cc -Wall -I/usr/local/include/barrow/win32 port.c -lbarrow -o port; ./port"
quiet "a Windows program"
expect "x 100" "a Windows program"

step "the user who compares"
inside "apt-get -qq install --yes g++ libbenchmark-dev python3-click python3-rich libjemalloc2 >/dev/null 2>&1"
try "cmake -B build -DBARROW_BUILD_BENCH=ON -DBARROW_BUILD_TESTS=OFF; cmake --build build"
quiet "the benchmarks"
try "COLUMNS=80 build/tools/barrow bench run micro --line pair/64 --quick"
expect "jemalloc 5.3.0" "barrow bench"
try "build/tools/barrow bench run --line pair/64 --quick --html /nonexistent/x.html 2>&1 || true"
expect "/nonexistent/x.html" "a report that cannot be written"
step "done"
