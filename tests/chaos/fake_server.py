"""A stand-in for the server, to test the driver and the checker with: it takes the same command line and the same
requests, but its nodes are processes that share one SQLite file. CHAOS_FAKE_BUG makes it break one promise:

stale_read      a linearizable read returns what was true half a second ago, with the index of now
stale_index     the same, with its true index
old_min_index   a read with min_index returns what is older, with the index that was asked for
lost_write      a write is answered with 200 and not made
ghost_write     a write is made and answered with not_applied
double_write    a write is made twice
torn_write      the first statement of a transaction can be read before the others are made
lost_update     a write on condition of a version ignores the condition
crash           the process ends by itself now and then
differing_node  one node shows another final state than the others
"""

import argparse
import fcntl
import http.server
import json
import os
import pathlib
import random
import signal
import sqlite3
import sys
import threading
import time

BUG = os.environ.get("CHAOS_FAKE_BUG", "")
BUG_SHARE = 0.2
SNAPSHOT_AGE_S = 0.5
LOCK_TIMEOUT_S = 10


class Problem(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status = status
        self.body = {"status": status, "code": code, "retryable": status == 503, "outcome": "not_applied"}


def happens(bug):
    return BUG == bug and random.random() < BUG_SHARE


class Store:
    """The shared file. Each thread has a connection of its own."""

    def __init__(self, path):
        self._path = path
        self._own = threading.local()
        self._old = None
        self._old_lock = threading.Lock()

    def connection(self):
        if not hasattr(self._own, "connection"):
            self._own.connection = self._open()
        return self._own.connection

    def _open(self):
        connection = sqlite3.connect(self._path, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        with open(f"{self._path}.lock", "w") as lock:  # SQLite does not wait when several make a file's first log
            fcntl.flock(lock, fcntl.LOCK_EX)
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    def setup(self, member, is_joining):
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE IF NOT EXISTS _fake (name TEXT PRIMARY KEY, value)")
        connection.execute("CREATE TABLE IF NOT EXISTS _fake_member (id TEXT PRIMARY KEY)")
        connection.execute(
            "INSERT OR IGNORE INTO _fake VALUES ('index', 1), ('term', 1), ('leader', 'n1'), ('begun', 0)")
        if is_joining or self.value("begun") == 0:
            connection.execute("INSERT OR IGNORE INTO _fake_member VALUES (?)", [member])
        connection.execute("COMMIT")

    def value(self, name):
        return self.connection().execute("SELECT value FROM _fake WHERE name = ?", [name]).fetchone()[0]

    def set(self, name, value):
        self.connection().execute("UPDATE _fake SET value = ? WHERE name = ?", [value, name])

    def transaction(self, statements):
        """No bug touches the making of the tables."""
        is_setup = statements[0]["sql"].startswith("CREATE")
        if not is_setup and happens("crash"):
            os._exit(3)
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            self.set("begun", 1)
            results = self._run(connection, statements)
            if not is_setup and happens("double_write"):
                self._run(connection, statements)
            self.set("index", self.value("index") + 1)
            index = self.value("index")
        except sqlite3.IntegrityError as error:
            connection.execute("ROLLBACK")
            raise Problem(422, "constraint_failed") from error
        except Problem:
            connection.execute("ROLLBACK")
            raise
        if not is_setup and happens("lost_write"):
            connection.execute("ROLLBACK")
            self.set("index", index)
        else:
            connection.execute("COMMIT")
        if not is_setup and happens("ghost_write"):
            raise Problem(503, "no_leader")
        return {"transaction_id": os.urandom(8).hex(), "index": index, "term": 1, "results": results}

    def _run(self, connection, statements):
        results = []
        for number, statement in enumerate(statements):
            sql, params = statement["sql"], statement.get("params", [])
            if BUG == "lost_update" and " AND version = ?" in sql:
                sql, params = sql.replace(" AND version = ?", ""), params[:-1]
            before = connection.total_changes
            rows = connection.execute(sql, params).fetchall()
            changes = connection.total_changes - before
            if changes == 0 and sql.startswith(("UPDATE", "DELETE")):
                raise Problem(409, "version_conflict")
            results.append({"rows_affected": changes, "last_insert_id": 0, "rows": rows})
            if number == 0 and sql.startswith("UPDATE account") and happens("torn_write"):
                connection.execute("COMMIT")
                time.sleep(0.02)
                connection.execute("BEGIN IMMEDIATE")
        return results

    def query(self, body, node):
        minimum = body.get("min_index", 0)
        is_linearizable = body.get("consistency", "linearizable") == "linearizable"
        if is_linearizable and (happens("stale_read") or happens("stale_index")):
            rows, index = self._query_old(body)
            return {"rows": rows, "index": index if BUG == "stale_index" else self.value("index"), "node": node}
        if minimum and BUG == "old_min_index":
            return {"rows": self._query_old(body)[0], "index": minimum, "node": node}
        connection = self.connection()
        connection.execute("BEGIN")
        index = self.value("index")
        rows = connection.execute(body["sql"], body.get("params", [])).fetchall()
        connection.execute("COMMIT")
        if BUG == "differing_node" and node == "n2" and " LIMIT " in body["sql"] and "FROM item" in body["sql"]:
            rows = rows[:-1]
        return {"rows": rows, "index": index, "node": node}

    def keep_old_snapshots(self):
        """Holds a snapshot at all times, which is renewed now and then. Does not return."""
        while True:
            with self._old_lock:
                if self._old is None:
                    self._old = self._open()
                else:
                    self._old.execute("COMMIT")
                self._old.execute("BEGIN")
                self._old.execute("SELECT * FROM _fake").fetchall()
            time.sleep(SNAPSHOT_AGE_S)

    def _query_old(self, body):
        with self._old_lock:
            [[index]] = self._old.execute("SELECT value FROM _fake WHERE name = 'index'").fetchall()
            return self._old.execute(body["sql"], body.get("params", [])).fetchall(), index

    def cluster(self):
        index, leader = self.value("index"), self.value("leader")
        members = [row[0] for row in self.connection().execute("SELECT id FROM _fake_member ORDER BY id")]
        return {"term": self.value("term"), "leader": leader, "commit_index": index, "nodes": [
            {"id": name, "role": "master" if name == leader else "backup", "state": "running", "applied_index": index,
             "digest": "0"} for name in members]}

    def lead(self, name):
        self.set("leader", name)
        self.set("term", self.value("term") + 1)
        return {}

    def remove(self, name):
        self.connection().execute("DELETE FROM _fake_member WHERE id = ?", [name])
        return {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self._answer({})

    def do_POST(self):
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "{}"))

    def do_DELETE(self):
        self._answer({})

    def _answer(self, request):
        try:
            status, body = 200, self._dispatch(request)
        except Problem as problem:
            status, body = problem.status, problem.body
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _dispatch(self, request):
        store, node = self.server.store, self.server.node
        routes = {("POST", "/v1/transactions"): lambda: store.transaction(request["statements"]),
                  ("POST", "/v1/query"): lambda: store.query(request, node),
                  ("GET", "/v1/cluster"): store.cluster,
                  ("GET", "/readyz"): lambda: {"status": "ready"},
                  ("POST", "/v1/cluster/verify"): lambda: {"equal": True, "differences": []},
                  ("POST", "/v1/cluster/leader"): lambda: store.lead(request["node"])}
        if self.command == "DELETE":
            return store.remove(self.path.rsplit("/", 1)[1])
        if (self.command, self.path) not in routes:
            raise Problem(404, "not_found")
        return routes[self.command, self.path]()

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve", "witness"])
    for name in ("--listen", "--node-id", "--peer-listen", "--db", "--data-dir", "--cluster", "--join", "--mode"):
        parser.add_argument(name)
    options = parser.parse_args()
    host, port = options.listen.rsplit(":", 1)
    http.server.ThreadingHTTPServer.daemon_threads = True
    server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    server.node = options.node_id
    server.store = Store(pathlib.Path(options.data_dir or os.path.dirname(options.db)).parent / "shared.db")
    server.store.setup(options.node_id, options.join is not None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if BUG in ("stale_read", "stale_index", "old_min_index"):
        threading.Thread(target=server.store.keep_old_snapshots, daemon=True).start()
    print(f"listening on http://{options.listen}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
