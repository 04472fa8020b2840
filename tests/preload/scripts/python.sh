#!/bin/sh
# SPDX-License-Identifier: MIT
# A good part of Python's own regression tests, with each of its blocks from malloc.
set -eu
export PYTHONMALLOC=malloc PYTHONHASHSEED=0
python3 -m test --timeout 300 --junit-xml outcomes.xml --fromfile "$DATA/python-tests.txt" >log
