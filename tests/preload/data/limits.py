# SPDX-License-Identifier: MIT
"""Takes memory until it is refused, in large and in small blocks, and goes on each time."""
import threading


def fill(size):
    held = []
    try:
        while True:
            held.append(bytearray(size))
    except MemoryError:
        taken = len(held) * size
        del held
        return taken


sums = []
workers = [threading.Thread(target=lambda n=n: sums.append(sum(len(str(i)) for i in range(n * 20000))))
           for n in range(1, 5)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(sorted(sums))

for size in (1 << 26, 1 << 20, 1 << 16, 1 << 12, 1 << 8, 1 << 10, 1 << 8):
    taken = fill(size)
    # Programs differ in what else they hold, but most of 400,000 KiB must be there, again and again.
    print(size, 'most of it' if taken >= 100 << 20 else taken)

try:
    bytes(1 << 62)
except (MemoryError, OverflowError) as refused:
    print(type(refused).__name__)
