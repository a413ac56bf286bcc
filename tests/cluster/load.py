"""Clients that write without a pause, and what must be true of their writes afterwards."""

import random
import threading
import time

from processes import PATIENCE_S
from chaos.client import APPLIED, NOT_APPLIED, UNKNOWN, Broken, Connection, NotSent
from chaos.hosts import wait_until

WRITERS = 4
PAUSE_S = 0.002
SOCKET_TIMEOUT_S = 60
TABLE = "CREATE TABLE written (key INTEGER NOT NULL, note TEXT)"  # a key may be there twice: that would be seen
KEYS_PER_WRITER = 1_000_000
MAX_ROWS = 100_000
BROKEN = "no answer"  # how `why` begins when the connection ended first


class Attempt:
    """One request for one key, times by time.monotonic()."""

    def __init__(self, key, node, begin, end, outcome, why):
        self.key, self.node, self.begin, self.end, self.outcome, self.why = key, node, begin, end, outcome, why

    def __repr__(self):
        return f"key {self.key} at {self.node.name}: {self.outcome} after {self.end - self.begin:.3f} s, {self.why}"


class Writer(threading.Thread):
    """Inserts one key after the other, none twice. Goes on to the next node when a write is not applied."""

    def __init__(self, nodes, first_key, body, stopping):
        super().__init__(daemon=True)
        self.nodes, self.next_key, self.body, self.stopping = nodes, first_key, body, stopping
        self.connections = [Connection(node.address, node.http_port, SOCKET_TIMEOUT_S) for node in nodes]
        self.at = random.randrange(len(nodes))
        self.attempts = []

    def run(self):
        while not self.stopping.is_set():
            self.write(self.next_key)
            self.next_key += 1
            time.sleep(PAUSE_S)

    def write(self, key):
        node, begin = self.nodes[self.at], time.monotonic()
        body = {"statements": [{"sql": "INSERT INTO written VALUES (?, ?)", "params": [key, node.name]}], **self.body}
        try:
            answer = self.connections[self.at].post("/v1/transactions", body)
            outcome, why = answer.outcome, answer.code
        except NotSent as error:
            outcome, why = NOT_APPLIED, str(error)
        except Broken as error:
            outcome, why = UNKNOWN, f"{BROKEN}: {error}"
        self.attempts.append(Attempt(key, node, begin, time.monotonic(), outcome, why))
        if outcome != APPLIED:
            self.at = (self.at + 1) % len(self.nodes)


class Load:
    """`with Load(cluster) as load:` writes to all of its nodes meanwhile, or each writer to the one of `nodes` that it
    is given alone. Makes the table. `fields` are those of each request."""

    def __init__(self, cluster, nodes=None, writers=WRITERS, **fields):
        self.cluster = cluster
        cluster.leader().must_write(TABLE)
        self.stopping = threading.Event()
        groups = [[node] for node in nodes] if nodes else [list(cluster)] * writers
        self.writers = [Writer(group, number * KEYS_PER_WRITER, fields, self.stopping)
                        for number, group in enumerate(groups)]

    def __enter__(self):
        for writer in self.writers:
            writer.start()
        self.wait_applied(20)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for writer in self.writers:
            writer.join(2 * SOCKET_TIMEOUT_S)
            assert not writer.is_alive(), "a request was not answered"

    # --- What happened ---

    def attempts(self):
        return [attempt for writer in self.writers for attempt in list(writer.attempts)]

    def keys(self, outcome):
        return {attempt.key for attempt in self.attempts() if attempt.outcome == outcome}

    def failures(self):
        return [attempt for attempt in self.attempts() if attempt.outcome != APPLIED]

    def wait_applied(self, more):
        """Until so many more writes have been acknowledged."""
        wanted = len(self.keys(APPLIED)) + more
        assert wait_until(lambda: len(self.keys(APPLIED)) >= wanted, PATIENCE_S), \
            f"writes do not go on: {self.failures()[-10:]}\n{self.cluster.log_tails()}"

    def wait_first_applied(self, begin):
        """Seconds from `begin` to the answer of the first write that was sent after it and applied."""
        def first():
            return min((a.end for a in self.attempts() if a.begin >= begin and a.outcome == APPLIED), default=None)
        end = wait_until(first, PATIENCE_S, 0.005)
        assert end, f"writes do not go on: {self.failures()[-10:]}\n{self.cluster.log_tails()}"
        return end - begin

    def longest_gap(self, begin, end):
        """The longest time, in seconds, between two acknowledgements within these times."""
        ends = sorted(a.end for a in self.attempts() if a.outcome == APPLIED and begin <= a.end <= end)
        return max(after - before for before, after in zip([begin, *ends], [*ends, end]))

    def summary(self):
        return ", ".join(f"{len(self.keys(outcome))} {outcome}" for outcome in (APPLIED, NOT_APPLIED, UNKNOWN))

    # --- What must be true of it ---

    def check(self, *nodes):
        """Every node's own content: acknowledged writes exactly once, refused ones not at all."""
        applied, refused, unknown = map(self.keys, (APPLIED, NOT_APPLIED, UNKNOWN))
        index = self.cluster.leader().query("SELECT 1").json()["index"]
        for node in nodes or self.cluster:
            rows = node.rows("SELECT key, count(*) FROM written GROUP BY key", consistency="local", min_index=index,
                             max_rows=MAX_ROWS, timeout_ms=60_000)
            stored = {key for key, _ in rows}
            assert [row for row in rows if row[1] != 1] == [], f"{node.name} has writes twice"
            assert applied - stored == set(), f"{node.name} lost acknowledged writes"
            assert stored & refused == set(), f"{node.name} has refused writes"
            assert stored - applied - unknown == set(), f"{node.name} has writes that nobody sent"
