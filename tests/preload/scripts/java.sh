#!/bin/sh
# SPDX-License-Identifier: MIT
# The compiler and the program run in one machine each.
set -eu
javac -d . "$DATA/Threads.java"
java -Xmx256m -cp . Threads
