"""Checks a whole history: `python3 -m tests.chaos.checker history.jsonl`. Exits with 0 only if all of it holds."""

import argparse
import collections
import sys

from . import history
from .bank_check import check_bank
from .findings import Findings
from .history import OK, Operation, read_history
from .index_check import check_real_time
from .list_check import ListChecker
from .register_check import RegisterChecker
from .register_search import DEFAULT_STATE_LIMIT

MAX_SHOWN_VIOLATIONS = 20
# What no well-formed request may be answered with, whatever fails around the server.
FORBIDDEN_CODES = ("malformed answer", "status_", "internal", "corrupt", "replica_mismatch", "identity_mismatch",
                   "malformed_request", "sql_error", "forbidden_sql", "parameter_mismatch")


def check(operations, state_limit=DEFAULT_STATE_LIMIT):
    """Returns Findings. Changes nothing."""
    findings = Findings()
    finals = [op for op in operations if op.kind == history.FINAL_READ and op.outcome == OK]
    registers, lists = group_by_key(operations)
    check_codes(operations, findings)
    check_final_states_equal(finals, findings)
    check_real_time(operations, findings)
    check_bank(operations, finals, findings)
    final_registers = final_reads_by_key(finals, registers, register_state)
    for key, own in registers.items():
        RegisterChecker(key, own, final_registers[key], findings, state_limit).check()
    final_lists = final_reads_by_key(finals, lists, list_state)
    for key, own in lists.items():
        ListChecker(key, own, final_lists[key], findings).check()
    if not finals:
        findings.undecided.append("there is no reading of the final state")
    findings.notes.append(f"{len(operations)} operations, {len(registers)} registers with up to "
                          f"{max(map(len, registers.values()), default=0)} operations, {len(lists)} lists, "
                          f"{len(finals)} readings of the final state")
    return findings


def group_by_key(operations):
    registers, lists = collections.defaultdict(list), collections.defaultdict(list)
    for op in operations:
        if op.kind in (history.REGISTER_WRITE, history.REGISTER_CAS, history.REGISTER_READ):
            registers[op.key].append(op)
        elif op.kind in (history.LIST_APPEND, history.LIST_READ):
            lists[op.key].append(op)
    return registers, lists


def register_state(final):
    return {key: {"value": value, "version": version} for key, value, version in final.result["registers"]}


def list_state(final):
    elements = collections.defaultdict(list)
    for key, value in final.result["lists"]:
        elements[key].append(value)
    return {key: {"elements": values} for key, values in elements.items()}


def final_reads_by_key(finals, keys, state_of):
    """The readings of the final state as readings of each key. A list without elements has no rows."""
    reads = {key: [] for key in keys}
    for final in finals:
        states = state_of(final)
        for key in keys:
            state = states.get(key, {"elements": []} if state_of is list_state else {"value": None, "version": -1})
            reads[key].append(Operation(final.kind, final.client, final.process, {"key": key}, final.invoke_ns,
                                        final.complete_ns, OK, final.index, None, state))
    return reads


def check_codes(operations, findings):
    for op in operations:
        if op.code is not None and op.code.startswith(FORBIDDEN_CODES):
            findings.add("error", f"a request was answered with {op.code}", op)


def check_final_states_equal(finals, findings):
    for final in finals[1:]:
        for part, content in final.result.items():
            if content != finals[0].result.get(part):
                findings.add("nodes differ", f"{part} of {finals[0].process} and {final.process} are not the same at "
                             "the end", finals[0], final)


def print_findings(findings):
    for note in findings.notes:
        print("checked:", note)
    for violation in findings.violations[:MAX_SHOWN_VIOLATIONS]:
        print("violation:", violation)
    hidden = len(findings.violations) - MAX_SHOWN_VIOLATIONS
    if hidden > 0:
        counts = collections.Counter(violation.rule for violation in findings.violations)
        print(f"and {hidden} more; all by rule: {dict(counts)}")
    for text in findings.undecided:
        print("could not decide:", text)
    print("verdict:", findings.verdict)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="tests.chaos.checker", description=__doc__)
    parser.add_argument("history", help="a file of operations, as JSON lines")
    parser.add_argument("--state-limit", type=int, default=DEFAULT_STATE_LIMIT,
                        help="give up on a register after this many states")
    options = parser.parse_args(arguments)
    findings = check(read_history(options.history), options.state_limit)
    print_findings(findings)
    return 0 if findings.passed else 1


if __name__ == "__main__":
    sys.exit(main())
