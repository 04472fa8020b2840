# SPDX-License-Identifier: MIT
"""The allocators at hand: the system's, Debian's packages, barrow, and any the user names."""
from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from barrow_bench import places

SYSTEM = "system"
SUBJECT = "barrow"

# Beginnings of the names of the variables that allocators read.
OPTION_PREFIXES = ("BARROW_", "MALLOC_", "MIMALLOC_", "TCMALLOC_", "GLIBC_TUNABLES")

# Name -> file names, the first that is found is taken: by the dynamic loader, or in a folder of peer_folders().
PACKAGED = {
    "jemalloc": ("libjemalloc.so.2",),
    "mimalloc": ("libmimalloc.so.2", "libmimalloc.so.2.0", "libmimalloc.so.2.*"),
    "mimalloc3": ("libmimalloc.so.3", "libmimalloc.so.3.*"),
    "tcmalloc": ("libtcmalloc_minimal.so.4",),
    "tcmalloc-google": ("libtcmalloc_google.so", "libgoogle_tcmalloc.so", "libtcmalloc.so"),
    "snmalloc": ("libsnmallocshim.so", "libsnmalloc.so"),
    "rpmalloc": ("librpmallocwrap.so", "librpmalloc.so"),
    "scudo": ("libclang_rt.scudo_standalone-*.so", "libscudo.so"),
}

# How an allocator of these names is called in tables, where the name alone would mislead.
TITLES = {"tcmalloc": "tcmalloc (gperftools)", "tcmalloc-google": "tcmalloc (google)", "mimalloc3": "mimalloc"}

# Name -> C expression's parts: the function that tells the version, and what makes text of its result.
VERSION_CALLS = {
    "jemalloc": """
p = ctypes.c_char_p(); n = ctypes.c_size_t(8)
library.mallctl(b"version", ctypes.byref(p), ctypes.byref(n), None, 0)
print(p.value.decode().split("-")[0])""",
    "mimalloc": """
n = library.mi_version()
print(f"{n // 1000}.{n // 10 % 100}.{n % 10}" if n > 1000 else f"{n // 100}.{n // 10 % 10}.{n % 10}")""",
    "tcmalloc": """
library.tc_version.restype = ctypes.c_char_p
print(library.tc_version(None, None, None).decode().split()[-1])""",
    "barrow": """
library.barrow_version.restype = ctypes.c_char_p
print(library.barrow_version().decode())""",
    "system": """
library.gnu_get_libc_version.restype = ctypes.c_char_p
print("glibc", library.gnu_get_libc_version().decode())""",
}
VERSION_CALLS["mimalloc3"] = VERSION_CALLS["mimalloc"]


class AllocatorError(Exception):
    """An allocator that was asked for cannot be preloaded."""


@dataclass(frozen=True)
class Allocator:
    name: str
    path: str | None = None  # None: whatever malloc the program has by itself
    settings: tuple[tuple[str, str], ...] = ()  # variables of its own

    def describe(self) -> dict[str, str | None]:
        """What identifies the library that was measured."""
        facts = {"name": self.name, "path": self.path}
        library = self.path or places.loader_cache().get("libc.so.6")
        facts["library"] = os.path.realpath(library) if library else None
        facts["package"] = debian_package(library) if library else None
        facts["sha256"] = file_digest(library) if library else None
        facts["title"] = title(self.name, version(self.name, library), facts["sha256"])
        return facts


def version(name: str, library: str | None) -> str | None:
    """What the library says of itself, asked in a process of its own; None if it does not. It is preloaded there:
    jemalloc's thread-local storage does not fit into a process that already runs."""
    if library is None or name not in VERSION_CALLS:
        return None
    code = f"import ctypes, sys\nlibrary = ctypes.CDLL(sys.argv[1]){VERSION_CALLS[name]}"
    preload = {} if name == SYSTEM else {"LD_PRELOAD": library}
    asked = subprocess.run(
        [sys.executable, "-c", code, library], capture_output=True, text=True, env={**os.environ, **preload}
    )
    return asked.stdout.strip() or None


def title(name: str, version_: str | None, digest: str | None) -> str:
    """The name with the version, or with what tells the build where there is no version."""
    shown = TITLES.get(name, name)
    if version_ is not None:
        return f"{shown} {version_}"
    return f"{shown} ({digest[:7]})" if digest else shown


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


def peer_folders() -> list[Path]:
    """Where libraries lie that the loader does not know: BARROW_BENCH_PEERS, LD_LIBRARY_PATH, clang's."""
    named = [
        Path(folder)
        for variable in ("BARROW_BENCH_PEERS", "LD_LIBRARY_PATH")
        for folder in os.environ.get(variable, "").split(":")
        if folder
    ]
    return [*named, Path("/usr/local/lib"), *Path("/usr/lib").glob("llvm-*/lib/clang/*/lib/linux"),
            *Path("/usr/lib").glob("clang/*/lib/linux")]


def find_packaged(names: tuple[str, ...]) -> str | None:
    """Folders that the user names come before the loader's."""
    machine = os.uname().machine
    for folder in peer_folders():
        for name in names:
            for path in sorted(folder.glob(name)):
                if path.is_file() and ("clang_rt" not in path.name or machine in path.name):
                    return str(path)
    cache = places.loader_cache()
    return next((cache[name] for name in names if name in cache), None)


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
    for name, files in PACKAGED.items():
        path = find_packaged(files)
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
