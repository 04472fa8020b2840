#!/bin/sh
# SPDX-License-Identifier: MIT
set -eu
lua5.4 "$DATA/tables.lua"
