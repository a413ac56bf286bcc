"""Checks one register: rules for reads of every kind, and linearizability of writes and linearizable reads."""

from . import history
from .history import FAIL, OK
from .index_check import StateByIndex
from .register_search import INFINITY, NOT_LINEARIZABLE, UNDECIDED, Step, search

INITIAL_VALUE = 0
INITIAL_VERSION = 0


class RegisterChecker:
    """The operations of one key. `final_reads` are reads of the state at the end, one from each node."""

    def __init__(self, key, operations, final_reads, findings, state_limit):
        self.key = key
        self.findings = findings
        self.state_limit = state_limit
        self.writes = [op for op in operations if op.kind in (history.REGISTER_WRITE, history.REGISTER_CAS)]
        self.reads = [op for op in operations if op.kind == history.REGISTER_READ and op.outcome == OK] + final_reads
        self.write_of = {op.arguments["value"]: op for op in self.writes}
        self.version_of = {}     # value -> the version at which it was seen or made
        self.first_seen_ns = {}  # value -> the end of the first read that saw it
        self.maker = {}          # version -> (value, operation that showed it)

    def check(self):
        for op in self.writes:
            if op.outcome == OK:
                self._note(op.result.get("version"), op.arguments["value"], op)
        for read in self.reads:
            self._check_read(read)
        self._check_indexes()
        self._check_order()

    def _check_read(self, read):
        value, version = read.result["value"], read.result["version"]
        writer = self.write_of.get(value)
        if writer is None and value != INITIAL_VALUE:
            self.findings.add("phantom", f"register {self.key}: {value} was never written", read)
            return
        if writer is not None:
            if writer.outcome == FAIL:
                self.findings.add("not_applied is visible", f"register {self.key}: {value} was answered not_applied",
                                  writer, read)
            if writer.invoke_ns > read.complete_ns:
                self.findings.add("future", f"register {self.key}: {value} was read before it was written", read,
                                  writer)
            self.first_seen_ns[value] = min(self.first_seen_ns.get(value, INFINITY), read.complete_ns)
        self._note(version, value, read)

    def _note(self, version, value, op):
        """Value and version belong together, wherever they are seen."""
        if version is None:
            return
        known = self.version_of.setdefault(value, version)
        if known != version:
            self.findings.add("applied twice", f"register {self.key}: {value} is at versions {known} and {version}", op)
        other, shown_by = self.maker.setdefault(version, (value, op))
        if other != value:
            self.findings.add("one version, two values",
                              f"register {self.key}: version {version} is {other} and {value}", shown_by, op)

    def _check_indexes(self):
        writes = [(op.index, op.result["version"], op) for op in self.writes
                  if op.outcome == OK and op.index is not None and op.result.get("version") is not None]
        by_index = StateByIndex(writes)
        for read in self.reads:
            by_index.check(read, read.result["version"], self.findings)

    def _check_order(self):
        steps = [step for step in map(self._write_step, self.writes) if step is not None]
        for read in self.reads:
            if read.is_linearizable_read or read.kind == history.FINAL_READ:
                steps.append(Step(read.invoke_ns, read.complete_ns, False, read.result["value"],
                                  read.result["version"], source=read))
        outcome = search(steps, INITIAL_VALUE, INITIAL_VERSION, self.state_limit)
        if outcome.verdict == NOT_LINEARIZABLE:
            self.findings.add("not linearizable", f"register {self.key}: {outcome.explanation}",
                              *(step.source for step in outcome.blocked))
        elif outcome.verdict == UNDECIDED:
            self.findings.undecided.append(f"register {self.key}: {outcome.explanation}")

    def _write_step(self, op):
        """A write of unknown outcome that was seen did happen, and by then; one that failed did not."""
        value = op.arguments["value"]
        expected = op.arguments.get("expected_version")
        seen_ns = self.first_seen_ns.get(value)
        if op.outcome == FAIL:
            return None
        if op.outcome == OK:
            version = op.result.get("version")
            complete = op.complete_ns if seen_ns is None else min(op.complete_ns, seen_ns)
        else:
            version = None
            complete = INFINITY if seen_ns is None else seen_ns
        if version is None:
            version = self.version_of.get(value)
        if version is None and expected is not None:
            version = expected + 1
        required = op.outcome == OK or seen_ns is not None
        return Step(op.invoke_ns, complete, True, value, version, expected, required, op)
