# SPDX-License-Identifier: MIT
from barrow_bench.cli import main

if __name__ == "__main__":
    main(prog_name="barrow bench")
