#!/bin/sh
# SPDX-License-Identifier: MIT
# A good part of Python's own regression tests, with each of its blocks from malloc. The tests of barriers
# are left out: they fail when one of five threads is kept waiting for two seconds.
set -eu
export PYTHONMALLOC=malloc PYTHONHASHSEED=0
python3 -m test --timeout 600 --ignore BarrierTests --junit-xml outcomes.xml --fromfile "$DATA/python-tests.txt" >log
