#!/bin/sh
# SPDX-License-Identifier: MIT
# Little address space: what does not fit is refused, and all goes on when memory has been given back.
set -eu
export PYTHONMALLOC=malloc
# shellcheck disable=SC3045 # Debian's sh has it
ulimit -v 400000
python3 "$DATA/limits.py"
perl -e 'my @lists = map { [1 .. $_ % 1000] } 1 .. 5000; print scalar(@lists), "\n"'
sqlite3 -batch :memory: 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    SELECT count(*), sum(length(text)) FROM (SELECT hex(i * 7919) AS text FROM n ORDER BY text);'
