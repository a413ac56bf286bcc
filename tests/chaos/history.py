"""The record of what clients asked and saw: one operation a line, as JSON.

Times are nanoseconds of the driver's monotonic clock, so operations of different clients can be compared. An operation
took effect, if it did, at one moment between `invoke_ns` and `complete_ns`; one with outcome `unknown` at any moment
after `invoke_ns`, or never.
"""

import dataclasses
import json
import threading

OK, FAIL, UNKNOWN = "ok", "fail", "unknown"

SETUP = "setup"                    # arguments: accounts, balance
REGISTER_WRITE = "register_write"  # arguments: key, value; result: version
REGISTER_CAS = "register_cas"      # arguments: key, value, expected_version; result: version
REGISTER_READ = "register_read"    # arguments: key, consistency, min_index; result: value, version
TRANSFER = "transfer"              # arguments: id, source, target, amount
BANK_READ = "bank_read"            # arguments: consistency, min_index; result: balances [[id, balance], ...]
LIST_APPEND = "list_append"        # arguments: key, value; result: elements, as they were before
LIST_READ = "list_read"            # arguments: key, consistency, min_index; result: elements
FINAL_READ = "final_read"          # result: registers [[key, value, version]], accounts [[id, balance]],
#                                            transfers [id], lists [[key, value]] in the order of their positions

WRITES = (REGISTER_WRITE, REGISTER_CAS, TRANSFER, LIST_APPEND)
READS = (REGISTER_READ, BANK_READ, LIST_READ)


@dataclasses.dataclass(slots=True)
class Operation:
    """One request of a client. `fail` means for a write: it has no effect, ever; for a read: it returned nothing."""

    kind: str
    client: int
    process: str
    arguments: dict
    invoke_ns: int
    complete_ns: int
    outcome: str
    index: int | None = None  # the place in the replicated log that the answer names
    code: str | None = None   # why it was not ok
    result: dict = dataclasses.field(default_factory=dict)

    @property
    def key(self):
        return self.arguments.get("key")

    @property
    def is_linearizable_read(self):
        return self.outcome == OK and self.arguments.get("consistency") == "linearizable"

    def describe(self):
        """One line for people."""
        start_s, took_ms = self.invoke_ns / 1e9, (self.complete_ns - self.invoke_ns) / 1e6
        result = {name: abbreviate(value) for name, value in self.result.items()}
        return (f"{self.kind} {self.arguments} by client {self.client} on {self.process}, at {start_s:.3f} s for "
                f"{took_ms:.1f} ms: {self.outcome} {self.code or ''} index {self.index} {result or ''}").rstrip()


def abbreviate(value, most=12):
    if isinstance(value, list) and len(value) > most:
        return f"[{len(value)} elements, the last {value[-most:]}]"
    return value


class HistoryWriter:
    """Appends operations to a file. Every method may be called from any thread."""

    def __init__(self, path):
        self._file = open(path, "w", encoding="utf-8")
        self._lock = threading.Lock()

    def add(self, operation):
        line = json.dumps(dataclasses.asdict(operation), separators=(",", ":"))
        with self._lock:
            self._file.write(line + "\n")

    def close(self):
        with self._lock:
            self._file.close()


def read_history(path):
    """All operations of the file, in the order of their lines."""
    with open(path, encoding="utf-8") as lines:
        return [Operation(**json.loads(line)) for line in lines if line.strip()]


def write_history(path, operations):
    writer = HistoryWriter(path)
    for operation in operations:
        writer.add(operation)
    writer.close()
