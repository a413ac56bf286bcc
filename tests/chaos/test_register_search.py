"""The search against a plain enumeration of all orders, on small random histories that are often wrong."""

import itertools
import random
import time

import pytest

from .register_search import INFINITY, LINEARIZABLE, NOT_LINEARIZABLE, UNDECIDED, Step, search

SMALL_HISTORIES = 1500


def has_order_by_enumeration(steps):
    """Tries every subset of the optional steps in every order."""
    optional = [step for step in steps if not step.required]
    required = [step for step in steps if step.required]
    for number in range(len(optional) + 1):
        for chosen in itertools.combinations(optional, number):
            if any(fits(order) for order in itertools.permutations(required + list(chosen))):
                return True
    return False


def fits(order):
    value, version = 0, 0
    latest_begin = -1
    for step in order:
        if step.complete < latest_begin:
            return False
        latest_begin = max(latest_begin, step.invoke)
        if step.is_write:
            if step.expected_version not in (None, version) or step.version not in (None, version + 1):
                return False
            value, version = step.value, version + 1
        elif step.value != value or step.version not in (None, version):
            return False
    return True


def random_steps(rng):
    """Unseen values are those of steps that are not required, as the register's checker makes them."""
    steps = []
    with_versions = rng.random() < 0.5
    values = []
    for number in range(rng.randint(1, 6)):
        invoke = rng.randint(0, 20)
        complete = invoke + rng.randint(1, 12)
        if rng.random() < 0.55:
            required = rng.random() < 0.7
            expected = rng.randint(0, 3) if rng.random() < 0.3 else None
            version = rng.randint(1, 4) if with_versions and required and rng.random() < 0.6 else None
            if expected is not None and required:
                version = expected + 1
            if required:
                values.append(number + 1)
                complete = INFINITY if rng.random() < 0.2 else complete
            else:
                complete = INFINITY
            steps.append(Step(invoke, complete, True, number + 1, version, expected, required))
        else:
            version = rng.randint(0, 3) if with_versions else None
            steps.append(Step(invoke, complete, False, rng.choice([0, *values]), version))
    return steps


def test_agrees_with_enumeration():
    seen = {True: 0, False: 0}
    for seed in range(SMALL_HISTORIES):
        steps = random_steps(random.Random(seed))
        expected = has_order_by_enumeration(steps)
        assert search(steps, 0, 0).verdict == (LINEARIZABLE if expected else NOT_LINEARIZABLE), (seed, steps)
        seen[expected] += 1
    assert min(seen.values()) > SMALL_HISTORIES / 10


def long_history(operations, clients, with_versions, lost, seed=1):
    """Clients that overlap all the time, on one register, without an error."""
    rng = random.Random(seed)
    value = version = 0
    steps, free_at = [], [0] * clients
    moments = []
    for number in range(operations):
        client = min(range(clients), key=free_at.__getitem__)
        invoke = free_at[client]
        complete = invoke + rng.randint(10, 100)
        moments.append((rng.randint(invoke, complete), number, invoke, complete))
        free_at[client] = complete + 1
    for _, number, invoke, complete in sorted(moments):
        kind = rng.random()
        if kind < 0.5:
            steps.append(Step(invoke, complete, False, value, version if with_versions else None))
        elif kind < 0.5 + lost:
            if rng.random() < 0.5:
                version, value = version + 1, number + 1
            steps.append(Step(invoke, INFINITY, True, number + 1, None, None, False))
        else:
            version, value = version + 1, number + 1
            steps.append(Step(invoke, complete, True, value, version if with_versions else None))
    seen = {step.value for step in steps if not step.is_write}
    for step in steps:
        if step.is_write and step.value in seen:
            step.required = True
    return steps


@pytest.mark.parametrize("with_versions", [True, False])
def test_two_thousand_operations_take_seconds(with_versions):
    steps = long_history(2000, 10 if with_versions else 4, with_versions, lost=0.1)
    start = time.monotonic()
    assert search(steps, 0, 0).verdict == LINEARIZABLE
    assert time.monotonic() - start < 20


def test_two_thousand_operations_with_an_error_take_seconds():
    steps = long_history(2000, 10, True, lost=0.1)
    reads = [step for step in steps if not step.is_write and step.invoke > 2000]
    reads[len(reads) // 2].value, reads[len(reads) // 2].version = 0, 0
    start = time.monotonic()
    assert search(steps, 0, 0).verdict == NOT_LINEARIZABLE
    assert time.monotonic() - start < 20


def test_gives_up_only_at_the_limit_and_says_so():
    concurrent_writes = [Step(0, 100, True, number, None) for number in range(1, 13)]
    impossible = [Step(101, 102, False, 1), Step(103, 104, False, 2)]
    outcome = search(concurrent_writes + impossible, 0, 0, state_limit=1000)
    assert outcome.verdict == UNDECIDED
    assert "1000" in outcome.explanation
    assert search(concurrent_writes + impossible[:1], 0, 0, state_limit=100_000).verdict == LINEARIZABLE
