"""How long clients cannot write when the leader dies, and what they notice when it hands over.

`python3 -m tests.chaos.failover --rounds 50`. Clients try one node after the other until one takes the write.
"""

import argparse
import os
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time

from .__main__ import ROOT, command_of
from .client import NOT_APPLIED, Broken, Connection, NotSent
from .cluster import Cluster
from .hosts import wait_until
from .report import print_table
from .sweep import sweep

WRITERS = 4
ATTEMPT_TIMEOUT_MS = 1000
SOCKET_TIMEOUT_S = 1.5
PAUSE_S = 0.002
START_TIMEOUT_S = 60
READY_TIMEOUT_S = 90
FAILOVER_TIMEOUT_S = 60
LOAD_BEFORE_S = 0.7
WATCH_TRANSFER_S = 2.0


class Writer(threading.Thread):
    """Inserts one row after the other. `attempts` are (begin, end, outcome), times of time.monotonic() in seconds."""

    def __init__(self, number, cluster, stop):
        super().__init__(daemon=True)
        self._rng = random.Random(number)
        self._connections = [Connection(host.address, host.http_port, SOCKET_TIMEOUT_S) for host in cluster.data_hosts]
        self._stopping = stop
        self.attempts = []

    def run(self):
        at = self._rng.randrange(len(self._connections))
        body = {"statements": [{"sql": "INSERT INTO failover (writer) VALUES (1)"}], "timeout_ms": ATTEMPT_TIMEOUT_MS}
        while not self._stopping.is_set():
            begin = time.monotonic()
            try:
                outcome = self._connections[at].post("/v1/transactions", body).outcome
            except NotSent:
                outcome = "not_sent"
            except Broken:
                outcome = "unknown"
            self.attempts.append((begin, time.monotonic(), outcome))
            if outcome != "applied":
                at = (at + 1) % len(self._connections)
            time.sleep(PAUSE_S)


class Measurement:
    """A cluster under load. Every round begins with all nodes ready."""

    def __init__(self, cluster):
        self.cluster = cluster
        self._stopping = threading.Event()
        self._writers = [Writer(number, cluster, self._stopping) for number in range(WRITERS)]

    def start(self):
        self.cluster.start()
        if not self.cluster.wait_started(START_TIMEOUT_S):
            raise RuntimeError("the cluster did not start:\n" + self.cluster.log_tails())
        body = {"statements": [{"sql": "CREATE TABLE failover (id INTEGER PRIMARY KEY, writer INTEGER)"}]}
        answer = wait_until(lambda: self.cluster.ask_any("POST", "/v1/transactions", body), START_TIMEOUT_S)
        if answer is None or not answer.is_ok:
            raise RuntimeError(f"the table could not be made: {answer and (answer.status, answer.body)}")
        for writer in self._writers:
            writer.start()

    def stop(self):
        self._stopping.set()
        for writer in self._writers:
            writer.join(2 * SOCKET_TIMEOUT_S)

    def attempts_since(self, begin):
        """All attempts that ended after that time, by their ends."""
        found = []
        for writer in self._writers:
            for attempt in reversed(writer.attempts):
                if attempt[1] < begin:
                    break
                found.append(attempt)
        return sorted(found, key=lambda attempt: attempt[1])

    def well_with_leader(self):
        """The leader's name, once every node is ready and writes succeed."""
        if not self.cluster.wait_ready(READY_TIMEOUT_S):
            raise RuntimeError("not all nodes became ready:\n" + self.cluster.log_tails())
        time.sleep(LOAD_BEFORE_S)
        leader = wait_until(self.cluster.find_leader, READY_TIMEOUT_S)
        if not leader:
            raise RuntimeError("no leader is known")
        return leader[1]

    def kill_leader(self):
        """Seconds from the kill to the end of the first write that succeeded and had begun after it."""
        host = self.cluster.host(self.well_with_leader())
        killed = time.monotonic()
        host.kill()

        def first_success():
            return min((end for begin, end, outcome in self.attempts_since(killed)
                        if begin >= killed and outcome == "applied"), default=None)
        end = wait_until(first_success, FAILOVER_TIMEOUT_S, 0.005)
        host.start()
        if not end:
            raise RuntimeError(f"no write succeeded within {FAILOVER_TIMEOUT_S} s after {host.name} was killed")
        return end - killed

    def watch(self, act):
        """(writes refused, writes of unknown outcome, longest gap between successes in seconds, result of `act()`)."""
        begin = time.monotonic()
        result = act()
        time.sleep(WATCH_TRANSFER_S)
        attempts = self.attempts_since(begin)
        ends = [begin] + [end for _, end, outcome in attempts if outcome == "applied"] + [time.monotonic()]
        gap = max(later - earlier for earlier, later in zip(ends, ends[1:]))
        return (sum(outcome == NOT_APPLIED for *_, outcome in attempts),
                sum(outcome in ("unknown", "not_sent") for *_, outcome in attempts), gap, result)

    def transfer(self):
        """The same as watch(), for a hand-over to another node; None when it was refused."""
        leader = self.well_with_leader()
        target = random.choice([host.name for host in self.cluster.data_hosts if host.name != leader])
        *watched, answer = self.watch(lambda: self.cluster.transfer_leadership(target))
        return None if answer is None or not answer.is_ok else watched


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def milliseconds(values):
    return [f"{value * 1000:.0f} ms" for value in
            (*(percentile(values, share) for share in (0.5, 0.9, 0.99)), max(values))]


def measure(measurement, rounds):
    measurement.start()
    quiet = []
    for _ in range(min(rounds, 10)):
        measurement.well_with_leader()
        quiet.append(measurement.watch(lambda: None))
    kills = [measurement.kill_leader() for _ in range(rounds)]
    transfers = [measurement.transfer() for _ in range(rounds)]
    done = [one for one in transfers if one is not None]
    heads = ("measured", "rounds", "p50", "p90", "p99", "max")
    rows = [("kill -9 of the leader: until a write succeeds", rounds, *milliseconds(kills)),
            ("no disturbance: longest gap between writes", len(quiet), *milliseconds([gap for _, _, gap, _ in quiet]))]
    if done:
        rows.append(("transfer: longest gap between writes", len(done), *milliseconds([gap for *_, gap in done])))
    print_table(heads, rows)
    if done:
        refused, unknown = [one[0] for one in done], [one[1] for one in done]
        print(f"\nper transfer, writes refused: {statistics.mean(refused):.1f} on average, at most {max(refused)}; "
              f"of unknown outcome: {statistics.mean(unknown):.1f} on average, at most {max(unknown)}")
    print(f"transfers that were refused: {len(transfers) - len(done)}")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="tests.chaos.failover", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--mode", default="quorum", choices=("quorum", "dual_write"))
    parser.add_argument("--binary", default=os.environ.get("QUORATE_BINARY", str(ROOT / "build/release/quorate")))
    options = parser.parse_args(arguments)
    sweep(tempfile.gettempdir())
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"quorate-chaos-{os.getpid()}-"))
    cluster = Cluster(command_of(options.binary), folder, options.nodes, mode=options.mode)
    measurement = Measurement(cluster)
    is_done = False
    try:
        measure(measurement, options.rounds)
        measurement.stop()
        is_done = True
    finally:
        cluster.close()
        if is_done:
            shutil.rmtree(folder)
        else:
            print(f"kept: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
