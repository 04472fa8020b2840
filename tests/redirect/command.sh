#!/bin/bash
# SPDX-License-Identifier: MIT
# Tests barrow.exe: command.sh BARROW.EXE BARROW.DLL PROGRAM PLUG-IN..., in a folder of its own.
# Each check prints what was wrong; the last line counts them.
set -u
export LC_ALL=C.UTF-8 # Wine maps file names by it
barrow=$1 library=$2 program=$3
plug_ins=("${@:4}")
wine=${WINE:-wine}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0 checks=0

# expect STATUS PATTERN COMMAND...: the exit status, and a pattern that standard output and error hold.
expect() {
    local status=$1 pattern=$2 output result
    shift 2
    output=$("$wine" "$@" 2>&1 </dev/null)
    result=$?
    output=${output//$'\r'/}
    checks=$((checks + 1))
    if [ "$result" -ne "$status" ] || ! grep -qE -- "$pattern" <<<"$output"; then
        failures=$((failures + 1))
        printf '%s\n  status %d, not %d, or no "%s" in:\n%s\n' "$*" "$result" "$status" "$pattern" \
            "$output"
    fi
}

# same FILE FILE
same() {
    checks=$((checks + 1))
    cmp "$1" "$2" || failures=$((failures + 1))
}

# The exit status and the command line, character for character.
expect 0 '' "$barrow" run -- "$program" exit 0
expect 7 '' "$barrow" run -- "$program" exit 7
expect 255 '' "$barrow" run "$program" exit 255
expect 0 '^arguments a "b c" d\\$' "$barrow" run -- "$program" arguments a 'b c' d\\
expect 0 '^arguments --stats -- x$' "$barrow" run -- "$program" arguments --stats -- x
# Only a terminal is a console to Wine.
checks=$((checks + 1))
script -qec "$wine $barrow run -- $program interrupt" /dev/null </dev/null >/dev/null
[ $? -eq 42 ] || { echo 'Ctrl-C does not reach the program alone'; failures=$((failures + 1)); }

# Options.
expect 0 'served +[0-9]+ allocations through HeapAlloc' "$barrow" run --stats -- "$program" exit 0
expect 0 'allocated [1-9][0-9]* blocks' "$barrow" run -s "$program" exit 0
expect 0 '^([1-9]|[1-3][0-9]|40)$' "$barrow" run --limit 40M -- "$program" exhaust
expect 0 '^([1-9]|[1-3][0-9]|40)$' "$barrow" run --limit=40M "$program" exhaust
expect 0 '^1000$' "$barrow" run "$program" exhaust
expect 0 '^barrow: running .* with ' "$barrow" run -v "$program" exit 0
expect 0 'at most' "$barrow" run -s --option purge-delay=0 "$program" exit 0
expect 0 ', 0 failed' "$barrow" run --library="$library" "$program" early "${plug_ins[@]}"
expect 0 '^Usage:' "$barrow" run --help
expect 0 '^barrow [0-9.]+$' "$barrow" --version
expect 0 '^Usage:' "$barrow" --help

# A path that no import table can hold: the library comes in by a call.
mkdir 'Bücher и книги'
cp "$library" 'Bücher и книги/barrow.dll'
expect 0 ', 0 failed' "$barrow" run --library='Bücher и книги/barrow.dll' "$program" present

# Children.
expect 0 ', 0 failed' "$barrow" run --children -- "$program" spawn "$program" early
expect 1 'barrow.dll is not loaded' "$barrow" run -- "$program" spawn "$program" early
expect 5 '' "$barrow" run -c -- "$program" spawn "$program" spawn "$program" exit 5

# The account says what share of the allocations was served, and why it is small.
expect 0 'share +100 % of the allocations' "$barrow" run --stats -- "$program" exit 0
expect 0 'share .* [1-9][0-9]{4} KiB by VirtualAlloc' "$barrow" run --stats -- "$program" own virtual
expect 0 'note .* an allocator of its own.* VirtualAlloc' "$barrow" run --stats -- "$program" own virtual
expect 0 'share +[0-9] %.* [0-9]{4} from heaps' "$barrow" run --stats -- "$program" own heap
expect 0 'note .* heaps by HeapCreate' "$barrow" run --stats -- "$program" own heap
expect 0 'note .* LocalAlloc' "$barrow" run --stats -- "$program" own local
[ "$("$wine" "$barrow" run --stats -- "$program" exit 0 2>&1 | grep -c note)" -eq 0 ] || {
    echo 'a note where all is well'
    failures=$((failures + 1))
}

# A message about a bad pointer names the call that was made. The status is that of Wine's abort.
for call in HeapSize HeapReAlloc HeapFree RtlSizeHeap RtlFreeHeap _msize realloc free; do
    expect 2 "^barrow: $call\\(.*: pointer is inside a block" "$barrow" run -- "$program" bad $call
done

# What cannot be run. i386 stands at the fifth byte of the headers, whose place is at byte 60.
headers=$(od -An -tu4 -j60 -N4 "$program" | tr -d ' ')
cp "$program" narrow.exe
printf '\114\001' | dd of=narrow.exe bs=1 seek=$((headers + 4)) conv=notrunc status=none
echo 'echo hello' >script.exe
: >empty.exe
cp "$program" damaged.exe
truncate -s 400 damaged.exe
expect 126 'narrow.exe: a 32-bit program' "$barrow" run narrow.exe
expect 126 'script.exe: not a PE file' "$barrow" run script.exe
expect 126 'empty.exe: not a PE file' "$barrow" run empty.exe
expect 126 'damaged.exe' "$barrow" run damaged.exe
expect 127 'there is no such program' "$barrow" run absent.exe
expect 125 'there is no such file' "$barrow" run --library=absent.dll "$program"
expect 125 'script.exe: not a PE file' "$barrow" run --library=script.exe "$program"
expect 125 "'many' is not a size" "$barrow" run --limit many "$program"
expect 125 'is not NAME=VALUE' "$barrow" run --option many "$program"
expect 125 "unknown option '--many'" "$barrow" run --many "$program"
expect 125 'no program is named' "$barrow" run
expect 125 "is not a command" "$barrow" dance
mkdir -p alone/there
cp "$barrow" alone/there/barrow.exe
expect 125 'there is no barrow.dll' alone/there/barrow.exe run "$program"

# A copy that loads the library by itself.
cp "$program" plain.exe
cp "$(dirname "$program")"/redirect_part_*.dll .
expect 0 'plain-barrow.exe' "$barrow" patch plain.exe
same barrow.dll "$library"
expect 0 ', 0 failed' plain-barrow.exe early "${plug_ins[@]}"
expect 0 'copy.exe' "$barrow" patch plain.exe -o copy.exe
same copy.exe plain-barrow.exe
expect 125 'is patched already' "$barrow" patch copy.exe
expect 0 'copy.exe' "$barrow" patch --remove copy.exe
same copy.exe plain.exe
expect 0 'back.exe' "$barrow" patch --remove plain-barrow.exe --output=back.exe
same back.exe plain.exe
expect 125 'is not patched' "$barrow" patch --remove plain.exe
expect 126 'a 32-bit program' "$barrow" patch narrow.exe
expect 126 'not a PE file' "$barrow" patch script.exe
expect 125 'damaged' "$barrow" patch damaged.exe
expect 127 'there is no such file' "$barrow" patch absent.exe
expect 125 'absent: there is no such folder' "$barrow" patch plain.exe -o absent/copy.exe
expect 125 'no program is named' "$barrow" patch --remove

# Windows' loader fills the slots of a program without a directory for them (12) by the section of its
# import descriptors: that section must be named once the descriptors have moved.
at=$((headers + 24 + 112 + 12 * 8))
cp plain.exe bare.exe
printf '\0\0\0\0\0\0\0\0' | dd of=bare.exe bs=1 seek=$at conv=notrunc status=none
expect 0 'bare-barrow.exe' "$barrow" patch bare.exe
checks=$((checks + 1))
[ "$(od -An -tu4 -j$at -N4 bare-barrow.exe)" -ne 0 ] || {
    echo 'bare-barrow.exe has no directory of import slots'
    failures=$((failures + 1))
}
expect 0 ', 0 failed' bare-barrow.exe early "${plug_ins[@]}"
expect 0 ', 0 failed' "$barrow" run bare.exe early "${plug_ins[@]}"
expect 0 'bare-barrow.exe' "$barrow" patch --remove bare-barrow.exe
same bare.exe bare-barrow.exe
rm barrow.dll
WINEPATH='' expect 53 '' plain-barrow.exe exit 0 # Wine's status for a missing DLL

printf '%d checks, %d failed\n' "$checks" "$failures"
[ "$failures" -eq 0 ]
