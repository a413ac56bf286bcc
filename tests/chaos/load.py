"""Clients on threads of their own, each with its own connections, and the record of all they do."""

import math
import random
import threading
import time

from . import client, history
from .client import Broken, Connection, NotSent, ask
from .history import FAIL, OK, UNKNOWN, Operation
from .workloads import ACCOUNTS, BALANCE, USES_OF_A_LIST, USES_OF_A_REGISTER, Bank, Lists, Registers, Shared, \
    setup_statements

SOCKET_TIMEOUT_S = 3.0     # more than the longest timeout that a request names
FOLLOW_LEADER_SHARE = 0.3
AVOID_S = 2.0              # a process that did not answer is asked less for so long
AVOIDED_ASK_SHARE = 0.15
SETUP_TIMEOUT_S = 60
PAGE_ROWS = 50_000
FINAL_READ_TIMEOUT_MS = 30_000
CONTENT = {
    "registers": "SELECT id, value, version FROM register ORDER BY id",
    "accounts": "SELECT id, balance FROM account ORDER BY id",
    "transfers": "SELECT id FROM transfer ORDER BY rowid",
    "lists": "SELECT list, value FROM item ORDER BY list, position, rowid",
}


class Load:
    """All clients of one run. `rate` is operations a second, of all clients together, if the cluster can do so many."""

    def __init__(self, cluster, writer, seed, clients=12, rate=250, seconds=60):
        self.cluster = cluster
        self.writer = writer
        self.rate = rate
        keys = math.ceil(rate * seconds / 3)
        self._registers = 8 + math.ceil(1.5 * keys / USES_OF_A_REGISTER)
        shared = Shared()
        lists = 8 + math.ceil(1.5 * keys / USES_OF_A_LIST)
        workloads = (Registers(shared, self._registers), Bank(shared), Lists(shared, lists))
        self._stop = threading.Event()
        self.clients = [Client(number, self, workloads, shared, random.Random(f"{seed} client {number}"))
                        for number in range(clients)]

    def setup(self):
        """Makes the tables, and sees them on every node: a local read of one that has not applied them yet finds none.
        Raises if that does not succeed in time."""
        deadline = time.monotonic() + SETUP_TIMEOUT_S
        body = {"statements": setup_statements(self._registers), "timeout_ms": 5000}
        while True:
            begin = time.monotonic_ns()
            answer = self.cluster.ask_any("POST", "/v1/transactions", body, timeout_s=10)
            if answer is not None and answer.is_ok:
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"the tables could not be made: {answer and (answer.status, answer.body)}")
            time.sleep(0.2)
        self.writer.add(Operation(history.SETUP, -1, "", {"accounts": ACCOUNTS, "balance": BALANCE}, begin,
                                  time.monotonic_ns(), OK, answer.body["index"]))
        while not all(shows_tables(host, fields) for _, host, fields in self.cluster.readers()):
            if time.monotonic() > deadline:
                raise RuntimeError("not every node shows the tables")
            time.sleep(0.05)

    def start(self):
        for one in self.clients:
            one.start()

    def stop(self):
        """Waits until every client has its last answer. Raises if one does not end."""
        self._stop.set()
        for one in self.clients:
            one.join(4 * SOCKET_TIMEOUT_S)
            if one.is_alive():
                raise RuntimeError(f"client {one.number} hangs")
            if one.error is not None:
                raise one.error

    @property
    def is_stopping(self):
        return self._stop.is_set()

    def pause(self, seconds):
        self._stop.wait(seconds)

    def read_final_state(self):
        """Records what each node has. The cluster must be settled, and no request under way."""
        for name, host, fields in self.cluster.readers():
            begin = time.monotonic_ns()
            content = {part: read_all(host, sql, fields) for part, sql in CONTENT.items()}
            content["transfers"] = [number for [number] in content["transfers"]]
            end = time.monotonic_ns()
            self.writer.add(Operation(history.FINAL_READ, -1, name, {}, begin, end, OK, None, None, content))


def shows_tables(host, fields):
    body = {"sql": "SELECT count(*) FROM account", "consistency": "local", **fields}
    answer = ask(host, "POST", "/v1/query", body, SOCKET_TIMEOUT_S)
    return answer is not None and answer.is_ok


def read_all(host, sql, fields):
    rows = []
    while True:
        body = {"sql": f"{sql} LIMIT {PAGE_ROWS} OFFSET {len(rows)}", "consistency": "local",
                "timeout_ms": FINAL_READ_TIMEOUT_MS, **fields}
        answer = ask(host, "POST", "/v1/query", body, FINAL_READ_TIMEOUT_MS / 1000 + 5)
        if answer is None or not answer.is_ok:
            raise RuntimeError(f"{host.name} does not show its content: {answer and (answer.status, answer.body)}")
        rows += answer.body["rows"]
        if len(answer.body["rows"]) < PAGE_ROWS:
            return rows


class Client(threading.Thread):
    """Sends one request after the other, each to a process chosen at random or to the leader."""

    def __init__(self, number, load, workloads, shared, rng):
        super().__init__(daemon=True, name=f"client {number}")
        self.number = number
        self.error = None
        self._load = load
        self._workloads = workloads
        self._shared = shared
        self._rng = rng
        self._connections = {}
        self._avoid_until = {}

    def run(self):
        try:
            interval_s = len(self._load.clients) / self._load.rate
            while not self._load.is_stopping:
                begin = time.monotonic()
                self._one_operation()
                rest = self._rng.expovariate(1 / interval_s) - (time.monotonic() - begin)
                self._load.pause(max(rest, 0.001))
        except Exception as error:  # pylint: disable=broad-except  # handed to the one who stops the load
            self.error = error
        finally:
            for connection in self._connections.values():
                connection.close()

    def _choose_host(self):
        cluster = self._load.cluster
        leader = cluster.host(cluster.leader_hint)
        if leader is not None and self._rng.random() < FOLLOW_LEADER_SHARE:
            return leader
        host = self._rng.choice(cluster.data_hosts)
        now = time.monotonic()
        if self._avoid_until.get(host.name, 0) > now and self._rng.random() > AVOIDED_ASK_SHARE:
            others = [other for other in cluster.data_hosts if self._avoid_until.get(other.name, 0) <= now]
            host = self._rng.choice(others or cluster.data_hosts)
        return host

    def _one_operation(self):
        host = self._choose_host()
        request = self._rng.choice(self._workloads).next_request(self._rng)
        connection = self._connections.get(host.name)
        if connection is None:
            connection = self._connections[host.name] = Connection(host.address, host.http_port, SOCKET_TIMEOUT_S)
        is_write = request.kind in history.WRITES
        op = Operation(request.kind, self.number, host.name, request.arguments, time.monotonic_ns(), 0, FAIL)
        try:
            answer = connection.post(request.path, request.body)
            op.complete_ns = time.monotonic_ns()
            take_answer(op, request, answer, is_write)
        except NotSent:
            op.complete_ns = time.monotonic_ns()
            op.code = "not_sent"
            self._avoid_until[host.name] = time.monotonic() + AVOID_S
        except Broken as error:
            op.complete_ns = time.monotonic_ns()
            op.outcome, op.code = (UNKNOWN if is_write else FAIL), f"broken: {error}"
            self._avoid_until[host.name] = time.monotonic() + AVOID_S
        self._load.writer.add(op)
        if op.outcome == OK:
            self._shared.learn(op)
        elif op.code == "version_conflict":
            self._shared.versions.pop(op.key, None)


def take_answer(op, request, answer, is_write):
    """An answer that the API does not allow is an error of the server, kept under its own code."""
    op.code = answer.code
    if answer.is_ok:
        try:
            op.index = answer.body["index"]
            op.result = request.read_result(answer.body)
            op.outcome = OK
        except (KeyError, IndexError, TypeError) as error:
            op.outcome, op.code = (UNKNOWN if is_write else FAIL), f"malformed answer: {error!r}"
    elif is_write:
        op.outcome = {client.APPLIED: OK, client.NOT_APPLIED: FAIL, client.UNKNOWN: UNKNOWN}[answer.outcome]
