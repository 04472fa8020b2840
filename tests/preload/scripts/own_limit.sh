#!/bin/sh
# SPDX-License-Identifier: MIT
# Address space: how much a program has, under limits from 12 MiB on, and under one that it sets itself. Below 12 MiB
# the first spans of a small program find no place any more, which is a known fault.
set -eu
export PYTHONMALLOC=malloc
size_of() { sed -n 's/^VmSize:[^0-9]*\([0-9]*\).*/\1/p' "$1"; }
plain=$(LD_PRELOAD='' cat /proc/self/status >plain.status; size_of plain.status)
cat /proc/self/status >its.status
its=$(size_of its.status)
[ $((its - plain)) -le 16384 ] && echo "at most 16 MiB above plain"
limit=12544
while [ $limit -le 131072 ]; do
    # shellcheck disable=SC3045 # Debian's sh has it
    (ulimit -v $limit; exec cat /dev/null) && echo "runs in $limit"
    limit=$((limit + 1024 + limit / 8))
done
python3 "$DATA/own_limit.py"
