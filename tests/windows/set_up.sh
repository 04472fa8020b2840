#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes Wine's disk, and leaves a program running there, so that Wine's server and services need not
# start anew for each test. They must not have a test's output streams, whose end ctest waits for.
set -e
exec </dev/null >/dev/null 2>&1
wine wineboot --init
rm -f keeper.runs
setsid wine "$1" keeper.runs &
tries=0
until [ -f keeper.runs ]; do
    tries=$((tries + 1))
    [ $tries -lt 1000 ]
    sleep .1
done
