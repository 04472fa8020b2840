#!/bin/sh
# SPDX-License-Identifier: MIT
# A core of a live process is no more than 1.3 times as large as with the C library's malloc.
set -eu
gcc -O1 -o held "$DATA/held.c"
cat >modules.py <<'END'
import asyncio, decimal, http.server, json, time, unittest
print("ready", flush=True)
time.sleep(60)
END
# The preload, then the program.
size_of_core() {
    env "$@" >"ready.$$" &
    held=$!
    tries=0
    until grep -q ready "ready.$$"; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || return 1
        sleep 0.1
    done
    LD_PRELOAD='' gcore -o core $held >gcore.log 2>&1
    kill $held
    wait $held 2>/dev/null || true
    du -k --apparent-size "core.$held" | cut -f1
    rm -f "core.$held" "ready.$$"
}
compare() {
    plain=$(size_of_core LD_PRELOAD= "$@")
    its=$(size_of_core LD_PRELOAD="${LD_PRELOAD-}" "$@")
    if [ $((its * 10)) -le $((plain * 13)) ]; then
        echo "no larger than it may be: $1"
    else
        echo "a core of $its KiB, plain $plain KiB: $1"
    fi
}
compare ./held
compare python3 modules.py
