#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays each pattern on 1 to 256 processors, from figures that were measured on few.

    takings --csv > takings.csv; takings --holds-csv > holds.csv
    model.py takings.csv holds.csv

A closed queueing network, simulated event by event: each processor runs one thread, which works for a
time that is drawn from an exponential distribution and then wants one of the shared things, first come,
first served:

    ground      the lock of arena 0, and of all else that is not the thread's own: one for all
    arena       the lock of the thread's arena; there are 64, so beyond 64 threads they are shared
    kept words  of the thread's arena: no lock, but a line that one processor at a time can change

What is shared costs a move of its cache lines when another processor has used it last. One parameter is
fitted, nanoseconds for an instruction, to the times of one thread; the times of two threads are then
foretold, which is the validation. The rest is measured or an assumption at the top of this file.
"""
import csv
import heapq
import random
import sys

PROCESSORS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ARENAS = 64
MOVE_NS = 100.0       # a line that another processor has changed: two sockets; within one it is half
LINES = 3             # that a holder of a lock touches: the lock, the set, a descriptor
EXCHANGES = 4         # of kept words by a pair that takes and frees one span
EXCHANGE_NS = 6.0
TAKINGS = 20000       # events for each figure
SATURATED = 0.95      # of its time in use


def rows(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=";"))


class Pattern:
    """What a pair of one pattern takes, in nanoseconds and takings."""

    def __init__(self, name, takings, holds):
        self.name = name
        self.takings = takings
        self.measured = {int(t["threads"]): float(t["ns"]) for t in takings}
        # of a pattern whose round is too long to be stepped through, a third of a nanosecond
        self.instruction_ns = self.measured[1] / holds["(a pair)"] if "(a pair)" in holds else 0.33
        most = takings[-1]
        self.rates = {"ground": float(most["other"]) / 1000, "arena": float(most["own arena"]) / 1000}
        self.holds = {"ground": holds.get("other", 300) * self.instruction_ns,
                      "arena": holds.get("own arena", 300) * self.instruction_ns}
        if is_of_spans(name):
            self.rates["kept words"] = EXCHANGES
            self.holds["kept words"] = EXCHANGE_NS
        else: # a slab's span serves many blocks: every tenth of a taking of the theap's lock at most
            self.rates["kept words"] = float(most["own theap"]) / 1000 * EXCHANGES / 10
            self.holds["kept words"] = EXCHANGE_NS
        self.work = max(self.measured[1] - sum(self.rates[n] * self.holds[n] for n in self.rates), 1.0)


def is_of_spans(name):
    return any(word in name for word in ("256 KiB", "MiB"))


class Shared:
    """One thing at a time, in order of arrival."""

    def __init__(self):
        self.free_at = 0.0
        self.last = None
        self.busy = 0.0

    def use(self, now, thread, hold, lines):
        start = max(now, self.free_at)
        length = hold + (lines * MOVE_NS if self.last not in (None, thread) else 0)
        self.last = thread
        self.free_at = start + length
        self.busy += length
        return self.free_at


def play(pattern, processors, seed=1):
    """Pairs in a nanosecond, and the share of its time that each kind of shared thing is in use."""
    draw = random.Random(seed)
    names = [name for name, rate in pattern.rates.items() if rate > 0]
    total = sum(pattern.rates[name] for name in names)
    if total == 0:
        return processors / pattern.work, {}
    weights = [pattern.rates[name] for name in names]
    things = {"ground": [Shared()], "arena": [Shared() for _ in range(ARENAS)],
              "kept words": [Shared() for _ in range(ARENAS)]}
    between = pattern.work / total
    events = [(draw.expovariate(1 / between), thread) for thread in range(processors)]
    heapq.heapify(events)
    now = 0.0
    for _ in range(TAKINGS + 20 * processors):
        now, thread = heapq.heappop(events)
        name = draw.choices(names, weights)[0]
        group = things[name]
        lines = 1 if name == "kept words" else LINES
        done = group[thread % len(group)].use(now, thread, pattern.holds[name], lines)
        heapq.heappush(events, (done + draw.expovariate(1 / between), thread))
    pairs = (TAKINGS + 20 * processors) / total
    used = {name: max(thing.busy for thing in things[name]) / now for name in names}
    return pairs / now, used


def curve(pattern):
    alone, _ = play(pattern, 1)
    return [(n, *(play(pattern, n))) for n in PROCESSORS], alone


def first_limit(points):
    for processors, _, used in points:
        for name, share in sorted(used.items(), key=lambda item: -item[1]):
            if share >= SATURATED:
                return f"{name} at {processors}"
    processors, _, used = points[-1]
    if not used:
        return "nothing is shared"
    name, share = max(used.items(), key=lambda item: item[1])
    return f"none up to {processors}; {name} {share:.0%}"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    takings, holds = rows(sys.argv[1]), rows(sys.argv[2])
    print("| pattern | two threads, measured | foretold | " + " | ".join(map(str, PROCESSORS)) +
          " | saturates first |")
    print("|---" * (len(PROCESSORS) + 4) + "|")
    for name in dict.fromkeys(row["pattern"] for row in takings):
        pattern = Pattern(name, [row for row in takings if row["pattern"] == name],
                          {row["lock"]: float(row["mean"]) for row in holds if row["pattern"] == name})
        points, alone = curve(pattern)
        two = 2 / points[1][1]
        print(f"| {name} | {pattern.measured[2]:.0f} ns | {two:.0f} ns | " +
              " | ".join(f"{rate / alone:.1f}" for _, rate, _ in points) +
              f" | {first_limit(points)} |")


if __name__ == "__main__":
    main()
