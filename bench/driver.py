#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the benchmark driver from the source tree, without installation."""
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # leave no trace in the source tree
sys.path.insert(0, str(Path(__file__).resolve().parent))

from barrow_bench.cli import main  # noqa: E402  (the path above must be set first)

if __name__ == "__main__":
    main(prog_name="driver.py")
