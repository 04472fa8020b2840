# SPDX-License-Identifier: MIT
"""A Python program of many small objects: records, an index, text, JSON, and a tree that churns."""
import json
import random
import re
from collections import defaultdict


class Record:
    def __init__(self, number, name, tags):
        self.number = number
        self.name = name
        self.tags = tags
        self.links = []


def make_records(rng, count):
    words = ["".join(rng.choices("abcdefghij", k=rng.randint(3, 12))) for _ in range(2000)]
    return [
        Record(n, " ".join(rng.choices(words, k=3)), set(rng.choices(words, k=4)))
        for n in range(count)
    ]


def index_by_tag(records):
    index = defaultdict(list)
    for record in records:
        for tag in record.tags:
            index[tag].append(record)
    for holders in index.values():
        for left, right in zip(holders, holders[1:]):
            left.links.append(right)
    return index


def through_json(records):
    rows = [{"n": r.number, "name": r.name, "tags": sorted(r.tags)} for r in records]
    back = json.loads(json.dumps(rows))
    return sum(len(row["tags"]) for row in back)


def words_in_text(records):
    text = "\n".join(f"{r.name}: {', '.join(sorted(r.tags))}" for r in records)
    counts = defaultdict(int)
    for word in re.findall(r"\w+", text):
        counts[word.upper()] += 1
    return sum(counts.values()), len(counts)


def insert(node, key):
    if node is None:
        return [key, None, None]
    side = 1 if key < node[0] else 2
    node[side] = insert(node[side], key)
    return node


def churn_tree(rng, rounds):
    depth_sum = 0
    for _ in range(rounds):
        root = None
        for _ in range(6000):
            root = insert(root, rng.random())
        depth_sum += len(str(root[0]))
    return depth_sum


def main():
    rng = random.Random(5)
    total = 0
    for _ in range(5):
        records = make_records(rng, 30000)
        index = index_by_tag(records)
        total += sum(len(r.links) for r in records) + len(index)
        total += through_json(records)
        print(words_in_text(records))
    print(total, churn_tree(rng, 14))


main()
