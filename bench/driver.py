#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The benchmarks' driver: what `barrow bench` runs, and what runs from the source tree as well."""
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # leave no trace in the source tree
sys.path.insert(0, str(Path(__file__).resolve().parent))

try:
    from barrow_bench.cli import main
except ModuleNotFoundError as error:
    print(f"barrow bench: {error}: on Debian, install python3-{error.name}", file=sys.stderr)
    sys.exit(2)

if __name__ == "__main__":
    main(prog_name="barrow bench")
