"""The checker passes good histories and catches bad ones. Each mutation makes a good history into one that no correct
system can produce, so it must be caught whatever the seed."""

import copy
import pathlib
import random
import subprocess
import sys

import pytest

from . import history
from .checker import check, main
from .history import FAIL, OK, UNKNOWN, Operation, read_history, write_history
from .mutations import MUTATIONS, torn_transfer, without_indexes
from .simulated_history import simulate

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOOD_SEEDS = 60
MUTATED_SEEDS = 25


# --- Good histories ---

@pytest.mark.parametrize("seed", range(GOOD_SEEDS))
def test_good_histories_pass(seed):
    findings = check(simulate(seed))
    assert findings.passed, [str(violation) for violation in findings.violations]


def test_good_histories_pass_without_indexes():
    for seed in range(10):
        assert check(without_indexes(simulate(seed))).passed


def test_a_long_good_history_passes():
    assert check(simulate(1, 5000, registers=10, lists=20)).passed


# --- Mutations ---

@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
@pytest.mark.parametrize("indexes", [True, False], ids=["with indexes", "without indexes"])
def test_every_mutation_is_caught(mutate, indexes):
    caught = 0
    for seed in range(MUTATED_SEEDS):
        operations = simulate(seed, 120)
        if not indexes:
            operations = without_indexes(operations)
        if mutate(random.Random(seed), operations):
            assert check(operations).violations, f"seed {seed} is not caught"
            caught += 1
    assert caught >= MUTATED_SEEDS / 2, "the mutation hardly ever found a place"


# --- Rules that need the index ---

def write(key, value, begin, end, index, version, **more):
    return Operation(history.REGISTER_WRITE, 1, "n1", {"key": key, "value": value}, begin, end, OK, index, None,
                     {"version": version}, **more)


def read(key, value, begin, end, index, version, consistency="local", min_index=0):
    return Operation(history.REGISTER_READ, 2, "n2", {"key": key, "consistency": consistency, "min_index": min_index},
                     begin, end, OK, index, None, {"value": value, "version": version})


def rules(*operations):
    return check(list(operations)).rules()


def test_a_local_read_may_be_old_but_not_older_than_its_index():
    assert rules(write(1, 5, 0, 10, 3, 1), read(1, 0, 20, 30, 2, 0)) == set()
    assert rules(write(1, 5, 0, 10, 3, 1), read(1, 0, 20, 30, 3, 0)) == {"index"}
    assert rules(write(1, 5, 0, 10, 3, 1), read(1, 5, 20, 30, 2, 1)) == {"index"}


def test_min_index():
    assert rules(write(1, 5, 0, 10, 3, 1), read(1, 5, 20, 30, 3, 1, min_index=3)) == set()
    assert rules(write(1, 5, 0, 10, 3, 1), read(1, 0, 20, 30, 2, 0, min_index=3)) == {"min_index"}
    assert rules(write(1, 5, 0, 10, 3, 1), read(1, 0, 20, 30, 3, 0, min_index=3)) == {"index"}


def test_real_time_holds_across_keys():
    assert rules(write(1, 5, 0, 10, 3, 1), write(2, 6, 20, 30, 4, 1)) == set()
    assert rules(write(1, 5, 0, 10, 4, 1), write(2, 6, 5, 30, 3, 1)) == set()
    assert rules(write(1, 5, 0, 10, 4, 1), write(2, 6, 20, 30, 3, 1)) == {"real time"}
    assert rules(write(1, 5, 0, 10, 4, 1), read(2, 0, 20, 30, 3, 0, "linearizable")) == {"real time"}


def test_a_local_read_must_not_invent_or_reveal():
    failed = Operation(history.REGISTER_WRITE, 1, "n1", {"key": 1, "value": 5}, 0, 10, FAIL)
    assert "not_applied is visible" in rules(failed, read(1, 5, 20, 30, None, 1))
    assert "phantom" in rules(write(1, 5, 0, 10, 3, 1), read(1, 6, 20, 30, 3, 1))


def test_an_unknown_write_may_take_effect_late_or_never_but_once():
    unknown = Operation(history.REGISTER_WRITE, 1, "n1", {"key": 1, "value": 5}, 0, 10, UNKNOWN)
    assert rules(unknown, read(1, 0, 20, 30, 1, 0, "linearizable"), read(1, 5, 40, 50, 2, 1, "linearizable")) == set()
    assert rules(unknown, read(1, 0, 20, 30, 1, 0, "linearizable")) == set()
    assert rules(unknown, read(1, 5, 20, 30, 2, 1, "linearizable"), read(1, 0, 40, 50, 3, 0, "linearizable"))
    assert "applied twice" in rules(unknown, read(1, 5, 20, 30, 2, 1), read(1, 5, 40, 50, 3, 2))


# --- The verdict ---

def test_undecided_is_no_success():
    operations = copy.deepcopy(simulate(3))
    findings = check(operations, state_limit=1)
    assert findings.undecided and not findings.passed and findings.verdict == "UNDECIDED"
    without_final = [op for op in operations if op.kind != history.FINAL_READ]
    assert not check(without_final).passed


def test_the_command(tmp_path, capsys):
    path = tmp_path / "history.jsonl"
    operations = simulate(5)
    write_history(path, operations)
    assert read_history(path) == operations
    assert main([str(path)]) == 0
    assert "verdict: ok" in capsys.readouterr().out
    assert torn_transfer(random.Random(1), operations)
    write_history(path, operations)
    bad = subprocess.run([sys.executable, "-m", "tests.chaos.checker", str(path)], cwd=ROOT, capture_output=True,
                         text=True, timeout=60, check=False)
    assert bad.returncode == 1
    assert "bank total" in bad.stdout and "verdict: VIOLATION" in bad.stdout
