#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds a database of a million rows and asks it things.
set -eu
sqlite3 -batch -bail million.db ".read $DATA/million.sql"
