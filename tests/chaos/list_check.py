"""Checks one list to which clients append elements that are all different (after Elle: Kingsbury and Alvaro,
"Elle: inferring isolation anomalies from experimental observations", 2020), in time linear in what was read."""

from . import history
from .history import FAIL, OK
from .index_check import StateByIndex


class ListChecker:
    """The operations of one key. `final_reads` are reads of the state at the end, one from each node."""

    def __init__(self, key, operations, final_reads, findings):
        self.key = key
        self.findings = findings
        self.appends = [op for op in operations if op.kind == history.LIST_APPEND]
        self.final_reads = final_reads
        self.reads = [op for op in operations if op.kind == history.LIST_READ and op.outcome == OK] + final_reads
        self.append_of = {op.arguments["value"]: op for op in self.appends}

    def check(self):
        observations = [(op, op.result["elements"]) for op in self.reads]
        observations += [(op, [*op.result["elements"], op.arguments["value"]]) for op in self.appends
                         if op.outcome == OK and "elements" in op.result]
        if observations:
            self._check_chain(observations)
        for op, elements in observations:
            self._check_elements(op, elements)
        self._check_acknowledged()
        self._check_real_time(observations)
        self._check_indexes()

    def _check_chain(self, observations):
        """All readings are beginnings of one list."""
        longest_op, longest = max(observations, key=lambda observation: len(observation[1]))
        for op, elements in observations:
            if longest[:len(elements)] != elements:
                at = next(i for i, element in enumerate(elements) if element != longest[i])
                self.findings.add("order of a list", f"list {self.key}: two readings differ at position {at}", op,
                                  longest_op)

    def _check_elements(self, op, elements):
        if len(set(elements)) != len(elements):
            twice = sorted(element for element in set(elements) if elements.count(element) > 1)
            self.findings.add("applied twice", f"list {self.key} has {twice[:10]} more than once", op)
        for element in elements:
            append = self.append_of.get(element)
            if append is None:
                self.findings.add("phantom", f"list {self.key}: {element} was never appended", op)
            elif append.outcome == FAIL:
                self.findings.add("not_applied is visible", f"list {self.key}: {element} was answered not_applied",
                                  append, op)
            elif append.invoke_ns > op.complete_ns:
                self.findings.add("future", f"list {self.key}: {element} was read before it was appended", op, append)

    def _check_acknowledged(self):
        for read in self.final_reads:
            stored = set(read.result["elements"])
            for append in self.appends:
                value = append.arguments["value"]
                if append.outcome == OK and value not in stored:
                    self.findings.add("lost", f"list {self.key}: {value} was acknowledged and is not in the final "
                                      f"state of {read.process}", append, read)

    def _check_real_time(self, observations):
        """What was appended or read before a linearizable operation began is in what that one reads. As all readings
        are beginnings of one list, the highest length says it all."""
        position = {}
        for _, elements in observations:
            for place, element in enumerate(elements):
                position.setdefault(element, place)
        known = []  # (time by which, length that the list had at least, operation)
        for op, elements in observations:
            known.append((op.complete_ns, len(elements), op))
        for op in self.appends:
            if op.outcome == OK and op.arguments["value"] in position:
                known.append((op.complete_ns, position[op.arguments["value"]] + 1, op))
        known.sort(key=lambda entry: entry[0])
        strict = [(op, len(elements) - (op.kind == history.LIST_APPEND)) for op, elements in observations
                  if op.kind in (history.LIST_APPEND, history.FINAL_READ) or op.is_linearizable_read]
        best_length, best_op, place = 0, None, 0
        for op, length in sorted(strict, key=lambda entry: entry[0].invoke_ns):
            while place < len(known) and known[place][0] < op.invoke_ns:
                if known[place][1] > best_length:
                    best_length, best_op = known[place][1:]
                place += 1
            if length < best_length:
                self.findings.add("stale", f"list {self.key}: {length} elements are read, but there were {best_length} "
                                  "before the operation began", best_op, op)
        for op in self.appends:
            value = op.arguments["value"]
            is_missing = op.outcome == OK and value not in position
            if is_missing and any(later.invoke_ns > op.complete_ns for later, _ in strict):
                self.findings.add("lost", f"list {self.key}: {value} was acknowledged and is in no later reading", op)

    def _check_indexes(self):
        writes = [(op.index, len(op.result["elements"]) + 1, op) for op in self.appends
                  if op.outcome == OK and op.index is not None and "elements" in op.result]
        by_index = StateByIndex(writes)
        for read in self.reads:
            by_index.check(read, len(read.result["elements"]), self.findings)
