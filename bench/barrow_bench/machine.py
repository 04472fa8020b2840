# SPDX-License-Identifier: MIT
"""What a reader must know about the machine to make sense of the figures."""
from __future__ import annotations

import os
import platform
from pathlib import Path

BUSY_LOAD = 0.5


def read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"


def field_of(path: str, name: str, separator: str) -> str:
    """The first value of a field in a file of `name separator value` rows."""
    for row in read(path).splitlines():
        key, found, value = row.partition(separator)
        if found and key.strip() == name:
            return value.strip().strip('"')
    return "unknown"


def describe() -> dict[str, str]:
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{field_of('/proc/cpuinfo', 'model name', ':')}, {cores} cores",
        "memory": f"{memory:.1f} GiB",
        "system": f"{field_of('/etc/os-release', 'PRETTY_NAME', '=')}, Linux {platform.release()}",
        "libc": " ".join(platform.libc_ver()),
        "page size": str(os.sysconf("SC_PAGE_SIZE")),
        "transparent huge pages": read("/sys/kernel/mm/transparent_hugepage/enabled"),
        "overcommit": read("/proc/sys/vm/overcommit_memory"),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
    }


def busy() -> bool:
    """True when other work is likely to disturb the times."""
    return os.getloadavg()[0] > BUSY_LOAD
