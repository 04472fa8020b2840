#!/bin/sh
# SPDX-License-Identifier: MIT
# word_count.sh PROGRAM FILE: counts go on where the last run ended.
set -eu
rm -f "$2"
"$1" "$2" to be or not to be
exec "$1" "$2" to be sure
