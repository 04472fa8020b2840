#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes Wine's disk, and leaves a program running there, so that Wine's server and services need not
# start anew for each test. They must not have a test's output streams, whose end ctest waits for.
set -e
exec </dev/null >/dev/null 2>&1
wine wineboot --init
setsid wine "$1" &
sleep 1
