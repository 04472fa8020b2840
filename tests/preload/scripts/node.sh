#!/bin/sh
# SPDX-License-Identifier: MIT
set -eu
node "$DATA/workers.js"
