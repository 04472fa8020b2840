#!/bin/bash
# SPDX-License-Identifier: MIT
# The manual pages are without fault for mandoc, and each can be read.
#
#   manual.sh SOURCE
set -euo pipefail
cd "$1/docs/man"
failed=0
for page in *; do
    # Pages that are not installed yet cannot be found.
    if found=$(mandoc -T lint -W style "$page" 2>/dev/null | grep -v 'referenced manual not found'); then
        echo "$found"
        failed=1
    fi
    mandoc -T ascii "$page" | sed 's/.\x08//g' | grep -c '^NAME' >/dev/null
done
exit "$failed"
