# SPDX-License-Identifier: MIT
"""The allocators at hand: the system's, Debian's packages, barrow, and any the user names."""
from __future__ import annotations

import hashlib
import os
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from barrow_bench import places

SYSTEM = "system"
SUBJECT = "barrow"

# Beginnings of the names of the variables that allocators read.
OPTION_PREFIXES = ("BARROW_", "MALLOC_", "MIMALLOC_", "TCMALLOC_", "GLIBC_TUNABLES")

# Name -> sonames, the first that the dynamic loader knows is taken.
PACKAGED = {
    "jemalloc": ("libjemalloc.so.2",),
    "mimalloc": ("libmimalloc.so.2.0", "libmimalloc.so.2"),
    "tcmalloc": ("libtcmalloc_minimal.so.4",),
}


class AllocatorError(Exception):
    """An allocator that was asked for cannot be preloaded."""


@dataclass(frozen=True)
class Allocator:
    name: str
    path: str | None = None  # None: whatever malloc the program has by itself

    def describe(self) -> dict[str, str | None]:
        """What identifies the library that was measured."""
        facts = asdict(self)
        library = self.path or places.loader_cache().get("libc.so.6")
        facts["library"] = os.path.realpath(library) if library else None
        facts["package"] = debian_package(library) if library else None
        facts["sha256"] = file_digest(library) if library else None
        return facts


def options_set() -> dict[str, str]:
    """The allocators' own options in the environment: measured programs see them as well."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(OPTION_PREFIXES) and name not in places.VARIABLES
    }


def environment(**more: str) -> dict[str, str]:
    """What every program that is measured starts with: little, and the same on each machine."""
    path = os.environ.get("PATH", "/usr/bin:/bin")
    return {"PATH": path, "HOME": "/", "LC_ALL": "C.UTF-8", **options_set(), **more}


def file_digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def debian_package(path: str) -> str | None:
    """"name version" of the package that owns the file, None outside the package system."""
    for candidate in (path, os.path.realpath(path), re.sub("^/usr", "", os.path.realpath(path))):
        try:
            owner = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True)
        except FileNotFoundError:
            return None
        if owner.returncode == 0:
            name = owner.stdout.split(":", 1)[0]
            shown = subprocess.run(
                ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", name],
                capture_output=True,
                text=True,
            )
            return shown.stdout.splitlines()[0] if shown.stdout else None
    return None


def check_preload(allocator: Allocator) -> None:
    """The loader only warns about a library that it cannot preload; here that is an error."""
    if allocator.path is None:
        return
    if not os.path.isfile(allocator.path):
        raise AllocatorError(f"{allocator.name}: no such file: {allocator.path}")
    env = environment(LD_PRELOAD=allocator.path)
    ran = subprocess.run(["/bin/true"], env=env, capture_output=True, text=True)
    if ran.returncode != 0 or "cannot be preloaded" in ran.stderr:
        reason = ran.stderr.strip() or f"/bin/true ended with status {ran.returncode}"
        raise AllocatorError(f"{allocator.name}: {reason}")


def parse_named(text: str) -> Allocator:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise AllocatorError(f"expected NAME=PATH, got {text!r}")
    if name == SYSTEM:
        raise AllocatorError(f"{SYSTEM!r} is the program's own malloc and takes no path")
    return Allocator(name, os.path.abspath(path))


def discover(named: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> list[Allocator]:
    """All allocators at hand, the system's first; `only` chooses among them by name.

    A library given by name replaces one found under the same name. Raises AllocatorError for one
    that cannot be preloaded and for a name in `only` that was not found.
    """
    found = {SYSTEM: Allocator(SYSTEM)}
    cache = places.loader_cache()
    for name, sonames in PACKAGED.items():
        path = next((cache[soname] for soname in sonames if soname in cache), None)
        if path is not None:
            found[name] = Allocator(name, path)
    barrow = places.barrow_library()
    if barrow is not None:
        found[SUBJECT] = Allocator(SUBJECT, str(barrow))
    for text in named:
        allocator = parse_named(text)
        found[allocator.name] = allocator
    missing = [name for name in only if name not in found]
    if missing:
        raise AllocatorError(f"not found: {', '.join(missing)} (at hand: {', '.join(found)})")
    chosen = [found[name] for name in found if not only or name in only]
    for allocator in chosen:
        check_preload(allocator)
    return chosen
