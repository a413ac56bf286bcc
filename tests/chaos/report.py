"""The table at the end of a run."""

import collections

from . import history
from .history import FAIL, OK, UNKNOWN


def longest_write_gap(operations):
    """The longest time without an acknowledged write while clients were at work: its length and when it began, in
    seconds, the latter from the first operation on."""
    asked = [op for op in operations if op.kind in history.WRITES + history.READS]
    if not asked:
        return 0.0, 0.0
    begin = min(op.invoke_ns for op in asked)
    times = sorted(op.complete_ns for op in asked if op.kind in history.WRITES and op.outcome == OK)
    times = [begin, *times, max(op.complete_ns for op in asked)]
    gap, at = max((later - earlier, earlier) for earlier, later in zip(times, times[1:]))
    return gap / 1e9, (at - begin) / 1e9


def print_table(heads, rows):
    texts = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*texts)]
    for number, row in enumerate(texts):
        print("  ".join(cell.ljust(width) if place == 0 else cell.rjust(width)
                        for place, (cell, width) in enumerate(zip(row, widths))).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def print_operations(operations):
    counts = collections.Counter((op.kind, op.outcome) for op in operations)
    codes = collections.defaultdict(collections.Counter)
    for op in operations:
        if op.code is not None:
            codes[op.kind][op.code.split(":")[0]] += 1
    rows = []
    for kind in (*history.WRITES, *history.READS):
        reasons = ", ".join(f"{code} {count}" for code, count in codes[kind].most_common(6))
        rows.append((kind, *(counts[kind, outcome] for outcome in (OK, FAIL, UNKNOWN)), reasons))
    print_table(("operation", "ok", "fail", "unknown", "why not"), rows)


def print_faults(nemesis):
    print_table(("fault", "times", "skipped"),
                [(name, nemesis.counts[name], nemesis.skipped[name]) for name in nemesis.names])
