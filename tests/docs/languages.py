#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds and runs the examples of docs/languages.md as they are written there.

    languages.py SOURCE LIBRARY WORK    LIBRARY: the built libbarrow.so

An example whose compiler is not installed is named as skipped, and the exit status is 77 when all others pass.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

source, library, work = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
PYTHON = [sys.executable, "heap.py"]
BUILDS = {
    "heap.rs": (["rustc", "-C", "linker=cc", "heap.rs", "-L", str(library.parent), "-l", "barrow"], ["./heap"]),
    "heap.go": (["go", "build", "heap.go"], ["./heap"]),
    "heap.py": (None, PYTHON),
}


def example(name: str) -> str:
    """The indented block behind the paragraph that begins with the file's name."""
    text = (source / "docs/languages.md").read_text()
    found = re.search(rf"^`{name}`,[^\n]*\n\n((?:    [^\n]*\n|\n)+)", text, re.MULTILINE)
    if found is None:
        sys.exit(f"languages: docs/languages.md has no example {name}")
    return re.sub(r"^    ", "", found[1], flags=re.MULTILINE)


def environment() -> dict[str, str]:
    folder = str(library.parent)
    return {
        **os.environ,
        "LD_LIBRARY_PATH": folder,
        "CGO_LDFLAGS": f"-L{folder}",
        "CGO_CFLAGS": f"-I{source / 'include'}",
        "CGO_ENABLED": "1",
        "GO111MODULE": "off",
        "GOCACHE": str(work / "cache"),
        "GOFLAGS": "",
    }


def main() -> int:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    skipped = False
    for name, (build, run) in BUILDS.items():
        if build is not None and shutil.which(build[0]) is None:
            print(f"languages: {name} is skipped: {build[0]} is not installed")
            skipped = True
            continue
        (work / name).write_text(example(name))
        (work / "heap").unlink(missing_ok=True)
        if build is not None:
            subprocess.run(build, cwd=work, env=environment(), check=True)
        ran = subprocess.run(run, cwd=work, env=environment(), capture_output=True, text=True)
        print(f"{name}: {ran.stdout.strip()}")
        if ran.returncode != 0 or ran.stdout.split() != ["1000", "bytes"]:
            sys.exit(f"languages: {name} ended with {ran.returncode}: {ran.stdout}{ran.stderr}")
    return 77 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
