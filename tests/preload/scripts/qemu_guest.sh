#!/bin/sh
# SPDX-License-Identifier: MIT
# A program inside QEMU's user mode, with the library in the guest: it works, and as soon.
set -eu
library=${LD_PRELOAD-}
unset LD_PRELOAD
timeout 100 qemu-x86_64 ${library:+-E LD_PRELOAD="$library"} /bin/sort -S 10M "$DATA/own_limit.py" | cksum
export LD_PRELOAD="$library"
perl -e 'my @served = map { [1 .. $_ % 100] } 1 .. 5000; print scalar(@served), "\n"'
