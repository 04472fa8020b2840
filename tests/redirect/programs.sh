#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a real Windows program plainly, by barrow run, and as a copy that barrow patch has made, and
# compares what it prints and writes:
#
#   programs.sh BARROW.EXE BARROW.DLL FOLDER NAME
#
# FOLDER holds what .ci/windows-programs has fetched. Ends with 77 if the program could not be had.
set -eu
export NODE_SKIP_PLATFORM_CHECK=1 # a fresh Wine says that it is Windows 7
barrow=$1 library=$2 programs=$3 name=$4
wine=${WINE:-wine}
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# The program's file, how few allocations would mean that nothing was redirected, and its arguments.
arguments=()
case $name in
7za)
    program=$programs/7za.exe least=1000
    { cat "$programs/ffmpeg.exe"; seq 1 5000000; } >input
    arguments=(a -t7z -mx=1 -mmt=2 -bd output input)
    ;;
ffmpeg)
    program=$programs/ffmpeg.exe least=5000
    arguments=(-hide_banner -nostats -loglevel error -y
        -f lavfi -i testsrc2=size=640x360:rate=25:duration=4
        -f lavfi -i sine=frequency=440:duration=4
        -c:v libx264 -preset fast -threads 2 -c:a aac
        -fflags +bitexact -flags +bitexact -f matroska output)
    ;;
node)
    program=$programs/node.exe least=10000
    arguments=("$here/work.js")
    ;;
node26)
    case $("$wine" --version) in
    wine-[1-8].*)
        echo 'node 26 does not start under this Wine'
        exit 77
        ;;
    esac
    program=$programs/node26.exe least=10000
    arguments=("$here/work.js")
    ;;
gdbserver)
    program=/usr/share/win64/gdbserver.exe least=100
    arguments=(--version)
    ;;
reg)
    program=$("$wine" winepath -u 'C:\windows\system32\reg.exe') least=20
    arguments=(query 'HKLM\Software\Microsoft\Windows NT\CurrentVersion' /s)
    ;;
esac
if [ ! -f "$program" ]; then
    echo "$program is not there: see .ci/windows-programs"
    exit 77
fi

# way NAME COMMAND...: standard output and the file "output" go to NAME.out and NAME.file.
way() {
    local way=$1 start=$SECONDS
    shift
    rm -f output output.7z
    if ! BARROW_STATS=1 "$wine" "$@" >"$way.out" 2>"$way.err" </dev/null; then
        echo "$way: $* failed"
        cat "$way.out" "$way.err"
        exit 1
    fi
    [ ! -f output.7z ] || mv output.7z output
    [ ! -f output ] || mv output "$way.file"
    echo "$way: $((SECONDS - start)) s"
}

# served WAY LEAST: says how many allocations barrow has served, and fails if they are too few.
served() {
    local line heap past
    line=$(tr -d '\r' <"$1.err" | grep -E '^barrow: +served ') || {
        echo "$1: there is no account"
        cat "$1.err"
        exit 1
    }
    echo "$1: ${line#barrow: }"
    read -r heap past <<<"$(tr -cs 0-9 ' ' <<<"$line")"
    [ $((heap + past)) -ge "$2" ] || {
        echo "$1: these are not all: $name allocates more than $2 times"
        exit 1
    }
}

# three_ways LEAST ARGUMENT...: runs the program and compares; each redirected run served that many.
three_ways() {
    local least=$1 way
    shift
    way plain "$program" "$@"
    way run "$barrow" run --stats -- "$program" "$@"
    way patched "$name-barrow.exe" "$@"
    for way in run patched; do
        cmp plain.out $way.out
        [ ! -f plain.file ] || cmp plain.file $way.file
        served $way "$least"
    done
    stat -c 'equal: %n, %s bytes' plain.*
}

"$wine" "$barrow" patch "$program" -o "$name-barrow.exe" --library "$library" >/dev/null
three_ways "$least" "${arguments[@]}"
if [ "$name" = 7za ]; then
    mv plain.file archive.7z
    three_ways 50 t archive.7z
fi
"$wine" "$barrow" patch --remove "$name-barrow.exe" >/dev/null
cmp "$program" "$name-barrow.exe"
