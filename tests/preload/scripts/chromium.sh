#!/bin/sh
# SPDX-License-Identifier: MIT
# Draws a page. The executable brings a malloc of its own, which comes before a preloaded one: what
# is tested is that the two live in one process, and the small programs that the start-up runs.
set -eu
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$PWD/profile" --window-size=800,900 --screenshot="$PWD/page.png" \
    "file://$DATA/page.html" >chromium.log 2>&1
