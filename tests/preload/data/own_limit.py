# SPDX-License-Identifier: MIT
"""A program that limits its own address space: threads start, modules load, memory is refused and had."""

import resource
import threading

MIB = 1 << 20

resource.setrlimit(resource.RLIMIT_AS, (2048 * MIB, 2048 * MIB))

threads = [threading.Thread(target=lambda: bytearray(MIB)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("threads")

import ctypes  # noqa: E402
import decimal  # noqa: E402
import sqlite3  # noqa: E402

print(decimal.Decimal(2).sqrt(), sqlite3.connect(":memory:").execute("SELECT 1").fetchone())
print(ctypes.sizeof(ctypes.c_void_p))

for _ in range(3):
    block = bytearray(1000 * MIB)
    try:
        bytearray(3000 * MIB)
    except MemoryError:
        print("refused")
    del block
