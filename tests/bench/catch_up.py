"""How fast a node catches up: one that was away, from the log; a new one, from a snapshot while clients write.

`./dev catchup`, or `python3 -m tests.bench.catch_up`. Three real processes on this machine; a fourth joins.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from tests.chaos.hosts import wait_until
from tests.chaos.report import print_table
from tests.cluster.processes import BINARY, ROOT, Cluster

BENCH = ROOT / "build/release/tests/bench/quorate-bench"
REPLAY_TIMEOUT_S = 300
JOIN_TIMEOUT_S = 900
LOAD_TIMEOUT_S = 600
STOP_TIMEOUT_S = 40
WATCH_POLL_S = 0.02
MIB = 1024 * 1024
CHUNK_ROWS = 4096
ROW_BYTES = 4000
# Half of each row is noise that the nodes draw themselves, half is a piece of a text that comes with the transaction.
CHUNK = (f"INSERT INTO filler (noise, text) WITH RECURSIVE row(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE "
         f"n < {CHUNK_ROWS}) SELECT randomblob({ROW_BYTES // 2}), substr(?, 1 + n * 7, {ROW_BYTES // 2}) FROM row")
WORDS = "Ada Lovelace invoice London 12 Saint James Square paid on Monday by letter and in silver to the order of".split()
# Retained as little as may be, and more than a database is made durable after: so the log alone does not bring a node up.
RETAIN = "--log-retain-bytes=16MiB"
FILL_LOG_MIB = 128
BALLAST = "SELECT length(?)"  # a parameter that only makes the log longer


class WriteLoad:
    """quorate-bench as a load of its own process on a node. What it did each second is kept, with the time of its
    telling."""

    def __init__(self, node, connections, transactions=1 << 60):
        self.process = subprocess.Popen(
            [BENCH, "--load", str(node.http_port), "--connections", str(connections), "--transactions",
             str(transactions)], stdout=subprocess.PIPE, text=True)
        self.seconds = []  # (time.monotonic(), operations so far, errors so far, longest gap in ms)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            told = json.loads(line)
            self.seconds.append((time.monotonic(), told["operations"], told["errors"], told["longest_gap_ms"]))

    def wait(self):
        if self.process.wait(LOAD_TIMEOUT_S) != 0:
            raise RuntimeError("the write load had errors")
        self._reader.join()

    def stop(self):
        self.process.terminate()
        self.process.wait(STOP_TIMEOUT_S)
        self._reader.join()

    def between(self, begin, end):
        """(transactions a second, longest gap in ms, errors) of the seconds that were told between these times."""
        told = [second for second in self.seconds if begin <= second[0] <= end]
        if len(told) < 2:
            return 0, 0, 0
        (first_time, first, first_errors, _), (last_time, last, last_errors, _) = told[0], told[-1]
        return ((last - first) / (last_time - first_time), max(gap for *_, gap in told[1:]), last_errors - first_errors)


def memory_mib(node):
    """The most memory that the node's process has had so far."""
    for line in pathlib.Path(f"/proc/{node.process.pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def forget_memory(node):
    """From here on the most is counted anew."""
    pathlib.Path(f"/proc/{node.process.pid}/clear_refs").write_text("5", encoding="utf-8")


def size_of(path):
    try:
        return path.stat().st_size
    except OSError:
        return None


def snapshot_file(node, suffix):
    return node.database.with_name(node.database.name + "-log" + suffix)


def wait_for(condition, timeout_s, what, cluster):
    value = wait_until(condition, timeout_s, WATCH_POLL_S)
    if not value:
        raise RuntimeError(f"{what} did not happen within {timeout_s} s:\n{cluster.log_tails()}")
    return value


def own_status(node):
    status = node.status()
    return next((one for one in status["nodes"] if one["id"] == node.id), None) if status else None


@contextlib.contextmanager
def started(folder, flags):
    """A cluster of three processes that is ready, and is gone afterwards with its files."""
    folder.mkdir()
    cluster = Cluster(folder, flags=flags)
    for node in cluster:
        node.niceness = 0
    try:
        yield cluster.start()
    finally:
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


def measure_replay(cluster, transactions, connections):
    """Rows for the table."""
    leader = cluster.leader()
    away = cluster.others(leader)[0]
    cluster.wait_settled()
    away.kill()
    before = leader.status()["commit_index"]
    load = WriteLoad(leader, connections, transactions)
    load.wait()
    goal = leader.status()["commit_index"]
    if load.seconds[-1][1] < transactions:
        raise RuntimeError(f"the load wrote {load.seconds[-1][1]} transactions")
    forget_memory(leader)
    begin = time.monotonic()
    cluster.start_node(away)
    wait_for(away.status, REPLAY_TIMEOUT_S, "an answer", cluster)
    answering = time.monotonic()
    wait_for(lambda: (own_status(away) or {"applied_index": 0})["applied_index"] >= goal, REPLAY_TIMEOUT_S, "the replay",
             cluster)
    seconds = time.monotonic() - begin
    return [
        (f"replay: {transactions} transactions in {goal - before} log entries", f"{seconds:.2f} s"),
        ("replay: of that, until the process answers", f"{answering - begin:.2f} s"),
        ("replay: transactions a second, from the process's start", f"{transactions / seconds:.0f}"),
        ("replay: most memory, who replays", f"{memory_mib(away):.0f} MiB"),
        ("replay: most memory, leader meanwhile", f"{memory_mib(leader):.0f} MiB"),
    ]


def fill(cluster, gib):
    """Rows of that size; returns the seconds that it took."""
    leader = cluster.leader()
    leader.must_write("CREATE TABLE filler (id INTEGER PRIMARY KEY, noise BLOB, text TEXT)")
    chunks = max(1, round(gib * 1024 * MIB / (CHUNK_ROWS * ROW_BYTES)))
    ballast = "x" * min(4 * MIB, FILL_LOG_MIB * MIB // chunks)
    words = random.Random(1)
    begin = time.monotonic()
    for _ in range(chunks):
        text = " ".join(words.choices(WORDS, k=CHUNK_ROWS * 2))
        leader.must_write((CHUNK, [text]), (BALLAST, [ballast]), timeout_ms=60_000)
    cluster.wait_settled()
    return time.monotonic() - begin


class JoinWatch:
    """When the files of a snapshot come and go while a node joins."""

    def __init__(self, node):
        self.node = node
        self.begin = time.monotonic()
        self.first_piece = self.complete = self.snapshot_bytes = None

    def is_done(self):
        now, incoming = time.monotonic(), size_of(snapshot_file(self.node, ".incoming"))
        if incoming and self.first_piece is None:
            self.first_piece = now
        if self.first_piece is not None and self.complete is None and incoming is None:
            self.complete = now
        if self.first_piece is not None and self.snapshot_bytes is None:
            try:
                self.snapshot_bytes = int(snapshot_file(self.node, ".incoming-info").read_text(encoding="utf-8").split()[3])
            except (OSError, IndexError):
                pass
        return self.complete is not None and self.node.is_ready()


def measure_join(cluster, connections, quiet_s):
    """Rows for the table."""
    leader = cluster.leader()
    load = WriteLoad(leader, connections)
    time.sleep(quiet_s)
    for node in cluster:
        forget_memory(node)
    new = cluster.add("n4")
    new.niceness = 0
    watch = JoinWatch(new)
    cluster.join(new, leader)
    wait_for(watch.is_done, JOIN_TIMEOUT_S, "the join", cluster)
    end = time.monotonic()
    load.stop()
    before = load.between(0, watch.begin)
    during = load.between(watch.begin, end)
    size_mb = (watch.snapshot_bytes or 0) / 1e6
    transfer_s = watch.complete - watch.first_piece
    return [
        (f"join: {size_mb:.0f} MB, from the process's start until it is a voter and ready", f"{end - watch.begin:.1f} s"),
        ("join: of that, until the first piece has come", f"{watch.first_piece - watch.begin:.1f} s"),
        ("join: of that, the transfer", f"{transfer_s:.1f} s"),
        ("join: of that, taking it over and catching up", f"{end - watch.complete:.1f} s"),
        ("join: transfer, MB a second", f"{size_mb / transfer_s:.0f}"),
        ("join: all of it, MB a second", f"{size_mb / (end - watch.begin):.0f}"),
        (f"join: writes a second before, {connections} connections", f"{before[0]:.0f}"),
        ("join: writes a second meanwhile", f"{during[0]:.0f}"),
        ("join: longest time without a write before", f"{before[1]:.0f} ms"),
        ("join: longest time without a write meanwhile", f"{during[1]:.0f} ms"),
        ("join: failed writes", f"{before[2] + during[2]}"),
        ("join: most memory, leader", f"{memory_mib(leader):.0f} MiB"),
        ("join: most memory, who joins", f"{memory_mib(new):.0f} MiB"),
    ]


def conditions(folder):
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True,
                            timeout=10, check=False).stdout.strip()
    free_gib = shutil.disk_usage(folder).free / 1024 ** 3
    return (f"commit {commit}, {os.cpu_count()} cores ({platform.machine()}), load average {os.getloadavg()[0]:.1f} at the "
            f"beginning, all processes on one machine and one disk, {free_gib:.0f} GiB free in {folder}")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="./dev catchup", description=__doc__)
    parser.add_argument("--transactions", type=int, default=200_000, help="that the replaying node has missed; 0: none")
    parser.add_argument("--connections", type=int, default=64, help="that write them")
    parser.add_argument("--gib", type=float, default=2, help="of the database that the new node gets, half or more; 0: none")
    parser.add_argument("--join-connections", type=int, default=8, help="that write during the join")
    parser.add_argument("--quiet-s", type=float, default=10, help="how long they write before")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the databases are made")
    parser.add_argument("--flag", action="append", default=[], help="passed on to every node, as --flag=--name=value")
    options = parser.parse_args(arguments)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-catch-up-", dir=options.folder))
    print(f"{BINARY}: {conditions(folder)}", flush=True)
    rows = []
    try:
        if options.transactions > 0:
            with started(folder / "replay", options.flag) as cluster:
                rows += measure_replay(cluster, options.transactions, options.connections)
                cluster.wait_settled()
        if options.gib > 0:
            with started(folder / "join", [RETAIN, *options.flag]) as cluster:
                rows.append((f"fill: {options.gib} GiB of rows", f"{fill(cluster, options.gib):.1f} s"))
                rows += measure_join(cluster, options.join_connections, options.quiet_s)
                cluster.check_equal()
    finally:
        print_table(("measured", ""), rows)
        print(f"load average {os.getloadavg()[0]:.1f} at the end", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
