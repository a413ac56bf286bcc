"""What clients ask for: three workloads in one database. Each makes requests; load.py sends and records them.

Values, transfers and elements are all different, so that everything that is read tells which write it comes from. Keys
are used for a while and then left, so that what is recorded of one key stays short.
"""

import dataclasses
import itertools
import threading
import typing

from . import history

ACCOUNTS, BALANCE = 8, 100
MAX_AMOUNT = 40
KEYS_AT_ONCE = 4
USES_OF_A_REGISTER = 400
USES_OF_A_LIST = 150
DUAL_WRITE_SHARE = 0.03          # of the writes ask for more than a majority
OUTDATED_SHARE = 0.15            # of the writes on condition name a version that has certainly passed
TIMEOUTS_MS = (500, 2000, 2000)  # one of these for each request
CONSISTENCIES = ("linearizable", "linearizable", "min_index", "local")


@dataclasses.dataclass(slots=True)
class Request:
    """One operation as it is sent. `read_result` takes a receipt or the answer of a query."""

    kind: str
    arguments: dict
    path: str
    body: dict
    read_result: typing.Callable


class Shared:
    """What all clients know together. Hints only: nothing is checked by it."""

    def __init__(self):
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.highest_index = 0
        self.versions = {}  # of a register, as last seen

    def next_number(self):
        with self._lock:
            return next(self._numbers)

    def learn(self, operation):
        if operation.index is not None:
            with self._lock:
                self.highest_index = max(self.highest_index, operation.index)
        version = operation.result.get("version")
        if version is not None:
            self.versions[operation.key] = version


class KeyRing:
    """A few keys at a time. One that was used often enough makes room for the next; the last ones stay in use."""

    def __init__(self, keys, uses):
        self._fresh = iter(range(1, keys + 1))
        self._uses = uses
        self._left = {key: uses for key in itertools.islice(self._fresh, KEYS_AT_ONCE)}
        self._lock = threading.Lock()

    def take(self, rng):
        with self._lock:
            key = rng.choice(list(self._left))
            self._left[key] -= 1
            if self._left[key] <= 0:
                following = next(self._fresh, None)
                if following is not None:
                    del self._left[key]
                    self._left[following] = self._uses
            return key


def setup_statements(registers):
    """May be run again: what is there stays."""
    return [{"sql": sql} for sql in (
        "CREATE TABLE IF NOT EXISTS register (id INTEGER PRIMARY KEY, value INTEGER, version INTEGER)",
        "CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, balance INTEGER CHECK (balance >= 0))",
        "CREATE TABLE IF NOT EXISTS transfer (id INTEGER, source INTEGER, target INTEGER, amount INTEGER)",
        "CREATE TABLE IF NOT EXISTS item (list INTEGER, position INTEGER, value INTEGER)",
        "CREATE INDEX IF NOT EXISTS item_by_position ON item (list, position)",
        "INSERT OR IGNORE INTO register WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
        f"{registers}) SELECT i, 0, 0 FROM n",
        f"INSERT OR IGNORE INTO account WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
        f"{ACCOUNTS}) SELECT i, {BALANCE} FROM n")]


def write(rng, kind, arguments, statements, read_result=lambda receipt: {}):
    body = {"statements": [{"sql": sql, "params": list(params)} for sql, *params in statements],
            "timeout_ms": rng.choice(TIMEOUTS_MS)}
    if rng.random() < DUAL_WRITE_SHARE:
        body["mode"] = "dual_write"
    return Request(kind, arguments, "/v1/transactions", body, read_result)


def read(rng, shared, kind, arguments, sql, params, read_result):
    """`min_index` stands for a local read that must be as new as what any client has seen."""
    consistency = rng.choice(CONSISTENCIES)
    minimum = shared.highest_index if consistency == "min_index" else 0
    consistency = "local" if consistency == "min_index" else consistency
    body = {"sql": sql, "params": list(params), "consistency": consistency, "timeout_ms": rng.choice(TIMEOUTS_MS)}
    if minimum:
        body["min_index"] = minimum
    arguments = {**arguments, "consistency": consistency, "min_index": minimum}
    return Request(kind, arguments, "/v1/query", body, read_result)


class Registers:
    """A value and a version by key: writes, writes on condition of the version, reads."""

    def __init__(self, shared, keys):
        self._shared = shared
        self._keys = KeyRing(keys, USES_OF_A_REGISTER)

    def next_request(self, rng):
        key = self._keys.take(rng)
        choice = rng.random()
        if choice < 0.5:
            return read(rng, self._shared, history.REGISTER_READ, {"key": key},
                        "SELECT value, version FROM register WHERE id = ?", [key],
                        lambda answer: dict(zip(("value", "version"), answer["rows"][0])))
        arguments = {"key": key, "value": self._shared.next_number()}
        sql = "UPDATE register SET value = ?, version = version + 1 WHERE id = ?"
        params = [arguments["value"], key]
        if choice < 0.75:
            is_outdated = rng.random() < OUTDATED_SHARE
            arguments["expected_version"] = max(0, self._shared.versions.get(key, 0) - is_outdated)
            sql += " AND version = ?"
            params.append(arguments["expected_version"])
        kind = history.REGISTER_CAS if "expected_version" in arguments else history.REGISTER_WRITE
        return write(rng, kind, arguments, [(sql + " RETURNING version", *params)],
                     lambda receipt: {"version": receipt["results"][0]["rows"][0][0]})


class Bank:
    """Transfers between accounts, which must not fall below 0, with a ledger; reads of all accounts."""

    def __init__(self, shared):
        self._shared = shared

    def next_request(self, rng):
        if rng.random() < 0.4:
            return read(rng, self._shared, history.BANK_READ, {}, "SELECT id, balance FROM account ORDER BY id", [],
                        lambda answer: {"balances": answer["rows"]})
        source, target = rng.sample(range(1, ACCOUNTS + 1), 2)
        arguments = {"id": self._shared.next_number(), "source": source, "target": target,
                     "amount": rng.randint(1, MAX_AMOUNT)}
        amount = arguments["amount"]
        return write(rng, history.TRANSFER, arguments, [
            ("UPDATE account SET balance = balance + ? WHERE id = ?", amount, target),
            ("UPDATE account SET balance = balance - ? WHERE id = ?", amount, source),
            ("INSERT INTO transfer VALUES (?, ?, ?, ?)", arguments["id"], source, target, amount)])


class Lists:
    """Appends to a list in a transaction that also reads it; reads of the whole list."""

    def __init__(self, shared, keys):
        self._shared = shared
        self._keys = KeyRing(keys, USES_OF_A_LIST)

    def next_request(self, rng):
        key = self._keys.take(rng)
        select = "SELECT value FROM item WHERE list = ? ORDER BY position, rowid"
        if rng.random() < 0.4:
            return read(rng, self._shared, history.LIST_READ, {"key": key}, select, [key],
                        lambda answer: {"elements": [value for [value] in answer["rows"]]})
        value = self._shared.next_number()
        return write(rng, history.LIST_APPEND, {"key": key, "value": value}, [
            (select, key),
            ("INSERT INTO item SELECT ?, coalesce(max(position), 0) + 1, ? FROM item WHERE list = ?", key, value, key)],
            lambda receipt: {"elements": [value for [value] in receipt["results"][0]["rows"]]})
