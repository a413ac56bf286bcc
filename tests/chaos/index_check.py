"""Checks that need only the log index that answers carry.

The index is a place in one order of all transactions, so these rules compare operations on different keys: together
with the rules that tie what is read of a key to its index, they make the order of the log a strict serialization.
"""

import bisect

from . import history
from .history import OK


def check_real_time(operations, findings):
    """What was acknowledged before an operation began is at a lower index than a later write, and not above the index
    of a later linearizable read. A read with `min_index` is at least there."""
    finished = sorted((op for op in operations if op.outcome == OK and op.index is not None
                       and (op.kind in history.WRITES or op.is_linearizable_read)), key=lambda op: op.complete_ns)
    ends, highest = [], []  # highest[i]: of the operations that ended by ends[i], the one with the highest index
    highest_write = []
    top = top_write = None
    for op in finished:
        if top is None or op.index > top.index:
            top = op
        if op.kind in history.WRITES and (top_write is None or op.index > top_write.index):
            top_write = op
        ends.append(op.complete_ns)
        highest.append(top)
        highest_write.append(top_write)

    for op in operations:
        if op.outcome != OK or op.index is None:
            continue
        wanted = op.arguments.get("min_index") or 0
        if op.index < wanted:
            findings.add("min_index", f"the read is at index {op.index}, but asked for at least {wanted}", op)
        place = bisect.bisect_left(ends, op.invoke_ns) - 1
        if place < 0:
            continue
        if op.kind in history.WRITES:
            before = highest_write[place]
            if before is not None and before.index >= op.index:
                findings.add("real time", "a write has no higher index than one that was acknowledged before it began",
                             before, op)
        elif op.is_linearizable_read and highest[place].index > op.index:
            findings.add("real time", "a linearizable read is older than what was acknowledged before it began",
                         highest[place], op)


class StateByIndex:
    """Ties what is read of one key to the index of the reading: a write at or below that index is in it, one above is
    not. `place` of a write is the first state of the key that has it (a version, or the length of a list)."""

    def __init__(self, writes):
        """`writes` are (index, place, operation)."""
        self._writes = sorted(writes, key=lambda write: write[0])
        self._indexes = [write[0] for write in self._writes]
        self._highest_up_to, self._lowest_from = [], []
        best = None
        for write in self._writes:
            best = write if best is None or write[1] > best[1] else best
            self._highest_up_to.append(best)
        best = None
        for write in reversed(self._writes):
            best = write if best is None or write[1] < best[1] else best
            self._lowest_from.append(best)
        self._lowest_from.reverse()

    def check(self, read, state, findings):
        if read.index is None:
            return
        split = bisect.bisect_right(self._indexes, read.index)
        if split > 0 and self._highest_up_to[split - 1][1] > state:
            findings.add("index", "a read lacks a write with a lower or the same index",
                         self._highest_up_to[split - 1][2], read)
        if split < len(self._writes) and self._lowest_from[split][1] <= state:
            findings.add("index", "a read has a write with a higher index", self._lowest_from[split][2], read)
