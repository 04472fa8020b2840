#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what the documents say with the sources: options and their defaults, CMake's options, the command's
options, functions in the manual, the version, links, the README's size and order.

    claims.py SOURCE COMMAND        COMMAND: the built barrow
"""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

source, command = Path(sys.argv[1]), sys.argv[2]
faults: list[str] = []


def text(name: str) -> str:
    return (source / name).read_text()


def expect(true: bool, what: str) -> None:
    if not true:
        faults.append(what)


def compare(what: str, wanted, found) -> None:
    expect(wanted == found, f"{what}: the source has {wanted}, the document {found}")


def listed_options() -> dict[str, str]:
    """Variable -> default, of lib/diag/options.def."""
    rows = re.findall(
        r'^(?:WINDOWS_)?OPTION\(\w+, "[\w-]+", "(\w+)", \w+, [^,]+, [^,]+, "([^"]*)"',
        text("lib/diag/options.def"),
        re.MULTILINE,
    )
    return dict(rows)


def table_options(name: str) -> dict[str, str]:
    """Variable -> default, of the tables `| variable | default |` of a document."""
    return dict(re.findall(r"^\| `(BARROW_\w+)` \| `([^`]*)` \|", text(name), re.MULTILINE))


def manual_options() -> dict[str, str]:
    return dict(
        (variable, default.replace("\\-", "-"))
        for variable, default in re.findall(
            r"^\.It Ev (BARROW_\w+) .* Pq (\S+)$", text("docs/man/barrow.7"), re.MULTILINE
        )
    )


def check_options() -> None:
    options = listed_options()
    expect(len(options) >= 10, f"options.def was not understood: {options}")
    compare("docs/options.md", options, table_options("docs/options.md"))
    compare("docs/man/barrow.7", options, manual_options())
    for variable, default in table_options("README.md").items():
        compare(f"README.md, {variable}", options.get(variable), default)


def run_with(environment: dict[str, str], program: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run([command, "run", "--", *program], capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", **environment})


def check_bad_values() -> None:
    """A bad value, and a variable that is not an option, are reported once and ignored (docs/options.md)."""
    windows = set(re.findall(r'^WINDOWS_OPTION\(\w+, "[\w-]+", "(\w+)"', text("lib/diag/options.def"), re.MULTILINE))
    expect(len(windows) >= 2, f"options.def was not understood: {windows}")
    for variable in [*(set(listed_options()) - windows), "BARROW_NO_OPTION"]:
        ran = run_with({variable: "no"}, ["/bin/true"])
        lines = [line for line in ran.stderr.splitlines() if variable in line]
        expect(ran.returncode == 0 and len(lines) == 1 and "ignored" in lines[0],
               f"{variable}=no: {ran.returncode}, {ran.stderr!r}")


# Takes blocks of 1000 bytes until there is no more, and prints by how many KiB its resident memory grew.
GREEDY = """
import resource
def resident():
    return int(open('/proc/self/statm').read().split()[1]) * 4
def highest():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, blocks, size = resident(), [], 967
try:
    while len(blocks) < 500000:
        blocks.append(b'x' * size)
except MemoryError:
    blocks = blocks[0]  # so that there is memory for what follows
print(highest() - before)
"""


def check_commit_limit() -> None:
    """Resident memory stays below BARROW_COMMIT_LIMIT (docs/options.md)."""
    ran = run_with({"BARROW_COMMIT_LIMIT": "100M"}, [sys.executable, "-c", GREEDY])
    grown = int(ran.stdout or 0)
    expect(70 * 1024 < grown <= 100 * 1024, f"with a limit of 100 MiB {grown} KiB became resident: {ran.stderr!r}")
    expect("BARROW_COMMIT_LIMIT" in ran.stderr, "the first failure is not reported")


def check_cmake() -> None:
    declared = set(re.findall(r"^option\((BARROW_\w+)", text("CMakeLists.txt"), re.MULTILINE))
    declared |= set(re.findall(r"^set\((BARROW_\w+) .* CACHE", text("CMakeLists.txt"), re.MULTILINE))
    named = set(re.findall(r"^\| `(BARROW_\w+)` \|", text("docs/install.md"), re.MULTILINE))
    compare("docs/install.md, CMake options", declared, named)


def check_command() -> None:
    shown = subprocess.run([command, "run", "--help"], capture_output=True, text=True, check=True)
    long_options = set(re.findall(r"--([a-z][a-z-]+)", shown.stdout.split("Options of the library")[0]))
    expect(len(long_options) >= 8, f"barrow run --help was not understood: {long_options}")
    manual = text("docs/man/barrow.1").replace("\\-", "-")
    for option in sorted(long_options):
        expect(f"-{option}" in manual, f"docs/man/barrow.1 lacks --{option}")
        for shell in ("barrow.bash", "_barrow", "barrow.fish"):
            words = text(f"tools/completions/{shell}")
            expect(
                f"--{option}" in words or f"-l {option}" in words,
                f"tools/completions/{shell} lacks --{option}",
            )
    usage = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    for name in re.findall(r"^  (\w+) ", usage.stdout, re.MULTILINE):
        for file in ("docs/man/barrow.1", *(f"tools/completions/{s}" for s in ("barrow.bash", "_barrow", "barrow.fish"))):
            expect(name in text(file), f"{file} lacks the command {name}")


def check_functions() -> None:
    """Each function of barrow.h is in a manual page."""
    manual = "".join(page.read_text() for page in (source / "docs/man").glob("*.3"))
    functions = re.findall(r"\b(barrow_\w+)\(", text("include/barrow/barrow.h"))
    # The malloc family has one page, which names the most used.
    rare = {"barrow_free_sized", "barrow_free_aligned_sized", "barrow_memalign", "barrow_memalignment",
            "barrow_valloc", "barrow_pvalloc"}
    for function in sorted(set(functions) - rare - {"barrow_limit_call"}):
        expect(function in manual, f"no manual page has {function}")


def check_version() -> None:
    numbers = re.findall(r"#define BARROW_VERSION_\w+ +(\d+)", text("include/barrow/barrow.h"))
    version = ".".join(numbers)
    expect(f"## [{version}]" in text("CHANGELOG.md"), f"CHANGELOG.md lacks {version}")
    minor = f"BARROW_{numbers[0]}.{numbers[1]}"
    expect(minor in text("lib/libbarrow.map"), f"lib/libbarrow.map lacks {minor}")
    abi = re.search(r"set\(BARROW_ABI (\d+)\)", text("CMakeLists.txt"))[1]
    expect(f"libbarrow.so.{abi}" in text("docs/versions.md"), "docs/versions.md has another soname")
    for package in ("vcpkg/vcpkg.json", "conan/conanfile.py", "nix/default.nix", "homebrew/barrow.rb"):
        expect(version in text(f"tools/packaging/{package}"), f"tools/packaging/{package} lacks {version}")


def check_links() -> None:
    pages = subprocess.run(
        ["find", ".", "(", "-path", "./build*", "-o", "-name", ".git", ")", "-prune", "-o", "-name", "*.md", "-print"],
        cwd=source, capture_output=True, text=True, check=True,
    ).stdout.split()
    expect(len(pages) > 10, f"too few documents: {pages}")
    for page in pages:
        path = source / page
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
            if "://" not in target and not (path.parent / target).exists():
                faults.append(f"{page} links to {target}, which is not there")


def check_heads() -> None:
    """Each document says in its first paragraph for whom it is."""
    for page in sorted((source / "docs").glob("*.md")):
        paragraphs = page.read_text().split("\n\n")
        expect(paragraphs[0].startswith("# "), f"{page.name} has no title")
        expect(paragraphs[1].startswith("For "), f"{page.name} does not say for whom it is")


README_ORDER = ["tools/try", ".ci/run", "## Time and memory", "## Preload", "## Link", "## A private heap",
                "## Options", "## Limits to know", "## Where to read on"]


def check_readme() -> None:
    lines = text("README.md").splitlines()
    expect(len(lines) <= 150, f"README.md has {len(lines)} lines, more than 150")
    places = [text("README.md").find(part) for part in README_ORDER]
    expect(-1 not in places and places == sorted(places), f"README.md is not in the order {README_ORDER}")


def main() -> int:
    for check in (check_options, check_bad_values, check_commit_limit, check_cmake, check_command, check_functions, check_version, check_links,
                  check_heads, check_readme):
        check()
    for fault in faults:
        print(f"claims: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
