#!/bin/sh
# SPDX-License-Identifier: MIT
# The compiler, whose heap holds every template's instances until the end; then what it made.
set -eu
g++ -std=c++17 -O2 -g -pthread -c "$DATA/templates.cc" -o templates.o
g++ -pthread templates.o -o templates
./templates
