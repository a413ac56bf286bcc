"""The driver and the checker together, against a stand-in server: one that keeps its promises passes, also while it is
disturbed, and each promise that it breaks is noticed."""

import pathlib
import re
import sys

import pytest

from . import __main__ as driver
from .checker import check
from .cluster import Cluster
from .history import FAIL, OK, UNKNOWN, HistoryWriter, read_history
from .load import Load

FAKE = pathlib.Path(__file__).with_name("fake_server.py")
LOAD_S = 2.0
START_TIMEOUT_S = 20
MIN_OPERATIONS = 150


def run_load(folder, seconds=LOAD_S):
    """A history of some seconds without faults."""
    path = folder / "history.jsonl"
    writer = HistoryWriter(path)
    cluster = Cluster([sys.executable, FAKE], folder)
    try:
        cluster.start()
        assert cluster.wait_started(START_TIMEOUT_S), cluster.log_tails()
        load = Load(cluster, writer, seed=1, clients=8, rate=300, seconds=seconds)
        load.setup()
        load.start()
        load.pause(seconds)
        load.stop()
        load.read_final_state()
    finally:
        cluster.close()
        writer.close()
    operations = read_history(path)
    assert len(operations) > MIN_OPERATIONS
    return operations


def test_a_correct_server_passes(tmp_path):
    operations = run_load(tmp_path)
    findings = check(operations)
    assert findings.passed, [str(violation) for violation in findings.violations]
    assert {op.outcome for op in operations} <= {OK, FAIL, UNKNOWN}
    assert sum(op.outcome == OK for op in operations) > len(operations) / 2


@pytest.mark.parametrize("bug, rules", [
    ("stale_read", {"index", "not linearizable", "stale"}),
    ("stale_index", {"real time", "not linearizable", "stale"}),
    ("old_min_index", {"index"}),
    ("lost_write", {"lost", "not linearizable", "index"}),
    ("ghost_write", {"not_applied is visible"}),
    ("double_write", {"applied twice"}),
    ("torn_write", {"bank total"}),
    ("lost_update", {"not linearizable", "one version, two values"}),
    ("differing_node", {"nodes differ", "lost"}),
])
def test_a_broken_promise_is_noticed(tmp_path, monkeypatch, bug, rules):
    monkeypatch.setenv("CHAOS_FAKE_BUG", bug)
    findings = check(run_load(tmp_path))
    assert not findings.passed
    assert findings.rules() & rules, [str(violation) for violation in findings.violations][:5]


def run_driver(tmp_path, *arguments):
    return driver.main(["--binary", str(FAKE), "--folder", str(tmp_path), "--seed", "1", *arguments])


def test_a_correct_server_passes_while_it_is_disturbed(tmp_path, capsys):
    code = run_driver(tmp_path, "--minutes", "0.12", "--faults", "kill,stop,rolling_restart,wipe,transfer,membership")
    output = capsys.readouterr().out
    assert code == 0, output
    assert "verdict: ok" in output
    assert re.search(r"^list_append +\d{2,}", output, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_ends_by_itself_is_noticed_and_all_is_kept(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CHAOS_FAKE_BUG", "crash")
    code = run_driver(tmp_path, "--minutes", "0.04", "--faults", "")
    output = capsys.readouterr().out
    assert code == 1, output
    assert "ended by itself with 3" in output and "verdict: VIOLATION" in output
    [folder] = tmp_path.iterdir()
    assert str(folder) in output
    assert {"history.jsonl", "events.log", "n1.log", "data"} <= {entry.name for entry in folder.iterdir()}


def test_unknown_faults_are_refused(capsys):
    with pytest.raises(SystemExit):
        driver.parse_options(["--faults", "kill,meteor"])
    assert "meteor" in capsys.readouterr().err
