"""What schemathesis sends is steered a little, so that it gets further than to "no such table" and does not end the cluster
that it tests. Everything that is no valid request goes out as it was generated.

- SQL: most generated texts are replaced by statements that run. Which one is decided by the text, so a seed replays.
- Time limits are cut to a second, else a read with a large `min_index` waits for two minutes.
- Nodes: leadership goes to real nodes, and may. A node that is to join is given a peer port at which nobody listens. Nodes
  of the cluster are not removed, which is tested in tests/cluster; what is removed has another id.
"""

import zlib

import schemathesis

MAX_TIMEOUT_MS = 1000
MEMBERS = ("n1", "n2", "n3")
CLOSED_PORT = "127.0.0.1:9"
WRITES = [
    "CREATE TABLE IF NOT EXISTS fuzz (id INTEGER PRIMARY KEY, value, version INTEGER DEFAULT 1)",
    "INSERT INTO fuzz (value) VALUES (random()) RETURNING *",
    "INSERT INTO fuzz (value) SELECT randomblob(8) FROM fuzz LIMIT 5",
    "UPDATE fuzz SET value = CURRENT_TIMESTAMP, version = version + 1 WHERE id = 1",
    "DELETE FROM fuzz WHERE id = (SELECT max(id) FROM fuzz)",
    "INSERT OR ROLLBACK INTO fuzz (id, value) VALUES (1, 9e999), (1, -9e999)",
    "SELECT count(*), max(value) FROM fuzz",
]
READS = [
    "SELECT * FROM fuzz ORDER BY id LIMIT 20",
    "SELECT NULL a, 1 b, 1.5 c, 'x' d, x'00ff' e, 9e999 f, CAST(x'ff' AS TEXT) g, 9223372036854775807 h",
    "SELECT 1 AS a, 2 AS a",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) SELECT i, hex(i) FROM n",
    "DELETE FROM fuzz",
]


def pick(text, choices):
    """One of the choices, or None for one text in eight."""
    number = zlib.crc32(repr(text).encode("utf-8", "surrogatepass"))
    return choices[number // 8 % len(choices)] if number % 8 else None


def steer(fields, reads):
    """Changes the fields of a body or of a query string in place, where they have the right types."""
    if isinstance(fields.get("sql"), str) and fields["sql"]:
        fields["sql"] = pick(fields["sql"], reads) or fields["sql"]
    timeout = str(fields.get("timeout_ms"))
    if timeout.isdecimal() and MAX_TIMEOUT_MS < int(timeout) <= 120_000:
        fields["timeout_ms"] = type(fields["timeout_ms"])(MAX_TIMEOUT_MS)  # a query string has it as text


@schemathesis.serializer("application/x-ndjson")
def lines_of(_context, value):
    """Most texts become lines for a statement without parameters; the rest goes out as it was generated."""
    if not isinstance(value, str):
        return b"no row"
    return (pick(value, ["[]\n[]\n", "\n{}\n"]) or value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body if isinstance(case.body, dict) else {}
    steer(body, READS)
    if case.query:
        steer(case.query, READS)
    statements = body.get("statements")
    for statement in statements if isinstance(statements, list) else []:
        if isinstance(statement, dict):
            steer(statement, WRITES)
    if case.path.endswith("/leader") and isinstance(body.get("node"), str):
        body["node"] = pick(body["node"], MEMBERS) or body["node"]
    if isinstance(body.get("peer"), str) and ":" in body["peer"]:
        body["peer"] = CLOSED_PORT
    parameters = case.path_parameters or {}
    if case.method.upper() == "DELETE" and parameters.get("id") in MEMBERS:
        parameters["id"] += "-not"
