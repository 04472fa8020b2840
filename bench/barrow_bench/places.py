# SPDX-License-Identifier: MIT
"""Where things lie: the benchmark programs, the library under test, the libraries of the system."""
from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

# Variables of the driver's own.
VARIABLES = ("BARROW_LIBRARY", "BARROW_BUILD", "BARROW_BENCH_BIN", "BARROW_BENCH_PEERS")

PACKAGE = Path(__file__).resolve().parent
BENCH = PACKAGE.parent
TREE = BENCH.parent


class MissingProgram(Exception):
    """A program that a benchmark needs is not there."""


@functools.cache
def loader_cache() -> dict[str, str]:
    """soname -> path, as the dynamic loader would find them; the first entry of each name wins."""
    for ldconfig in ("/sbin/ldconfig", "/usr/sbin/ldconfig", "ldconfig"):
        try:
            listing = subprocess.run([ldconfig, "-p"], capture_output=True, text=True).stdout
            break
        except FileNotFoundError:
            continue
    else:
        return {}
    found: dict[str, str] = {}
    for line in listing.splitlines():
        name, arrow, path = line.strip().partition(" => ")
        if arrow:
            found.setdefault(name.split(" ", 1)[0], path)
    return found


def cache_entries(tree: Path) -> dict[str, str]:
    """The variables of a build tree of CMake's."""
    entries = {}
    for row in (tree / "CMakeCache.txt").read_text().splitlines():
        name, typed, value = row.partition("=")
        if typed and not row.startswith(("#", "//")):
            entries[name.partition(":")[0]] = value
    return entries


def is_measurable(tree: Path) -> bool:
    """False for builds with assertions or sanitizers, and for other C libraries and processors."""
    entries = cache_entries(tree)
    return (
        entries.get("CMAKE_BUILD_TYPE", "") != "Debug"
        and not entries.get("BARROW_SANITIZE")
        and entries.get("BARROW_CXX", "ON") == "ON"
    )


def build_directories() -> list[Path]:
    """Build trees beside the source: the preset `release` first, then the one last configured.
    BARROW_BUILD names one outright."""
    if "BARROW_BUILD" in os.environ:
        return [Path(os.environ["BARROW_BUILD"]).resolve()]
    caches = [*TREE.glob("build*/CMakeCache.txt"), *TREE.glob("build/*/CMakeCache.txt")]
    trees = [cache.parent for cache in caches if is_measurable(cache.parent)]
    return sorted(
        trees,
        key=lambda tree: (tree.name == "release", (tree / "CMakeCache.txt").stat().st_mtime),
        reverse=True,
    )


def first(candidates: list[Path]) -> Path | None:
    return next((path for path in candidates if path.is_file()), None)


def barrow_library() -> Path | None:
    """libbarrow.so by BARROW_LIBRARY, from a build tree or a release build's, else as installed."""
    if "BARROW_LIBRARY" in os.environ:
        return Path(os.environ["BARROW_LIBRARY"]).resolve()
    built = first([tree / "libbarrow.so" for tree in build_directories()])
    if built is not None:
        return built
    installed = loader_cache().get("libbarrow.so.0")
    return Path(installed) if installed else None


def program(name: str) -> Path:
    """A benchmark program by its file name, from BARROW_BENCH_BIN, a build tree or the installation."""
    if "BARROW_BENCH_BIN" in os.environ:
        candidates = [Path(os.environ["BARROW_BENCH_BIN"]) / name]
    else:
        candidates = [tree / "bench" / name for tree in build_directories()]
        candidates.append(BENCH / "bin" / name)
    found = first(candidates)
    if found is None:
        looked = ", ".join(str(path) for path in candidates)
        raise MissingProgram(f"{name} has not been built (looked at {looked})")
    return found
