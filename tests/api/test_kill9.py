"""kill -9 under load, again and again: every acknowledged transaction is on every node afterwards, and none is half
there. Each transaction inserts three rows and counts in a fourth, so that a lost or doubled one shows."""

import threading
import time

import requests

ROUNDS = 50
WRITERS = 6
LOAD_S = 0.25
PARTS = 3


class Writer(threading.Thread):
    def __init__(self, url, keys):
        super().__init__(daemon=True)
        self.url = url
        self.keys = keys
        self.applied, self.unknown = set(), set()

    def run(self):
        session = requests.Session()
        for key in self.keys:
            statements = [{"sql": "INSERT INTO part VALUES (?, ?)", "params": [key, i]} for i in range(PARTS)]
            statements.append({"sql": "UPDATE counter SET n = n + 1, version = version + 1"})
            try:
                response = session.post(self.url + "/v1/transactions", json={"statements": statements}, timeout=30)
            except requests.exceptions.RequestException:
                self.unknown.add(key)
                return
            if response.status_code == 200:
                self.applied.add(key)
            elif response.json()["outcome"] == "unknown":
                self.unknown.add(key)


def check_round(server, applied, unknown):
    """Looks at each node's own content."""
    index = server.query("SELECT 1").json()["index"]
    for node in ("n1", "n2", "n3"):
        def rows(sql, **fields):
            return server.rows(sql, consistency="local", node=node, min_index=index, **fields)
        assert rows("SELECT key FROM part GROUP BY key HAVING count(*) <> 3 OR sum(i) <> 3") == [], "half there"
        stored = {key for [key] in rows("SELECT DISTINCT key FROM part", max_rows=100_000)}
        assert applied <= stored, f"{node} lost acknowledged transactions: {sorted(applied - stored)[:10]}"
        assert stored <= applied | unknown, f"{node} has refused ones: {sorted(stored - applied - unknown)[:10]}"
        assert rows("SELECT n FROM counter") == [[len(stored)]]


def test_nothing_acknowledged_is_lost_by_kill_9(make_server):
    server = make_server()
    server.must_write("CREATE TABLE part (key INTEGER, i INTEGER, PRIMARY KEY (key, i))",
                      "CREATE TABLE counter (n INTEGER, version INTEGER)", "INSERT INTO counter VALUES (0, 1)")
    applied, unknown = set(), set()
    next_key = 0
    for number in range(ROUNDS):
        writers = []
        for _ in range(WRITERS):
            writers.append(Writer(server.url, range(next_key, next_key + 100_000)))
            next_key += 100_000
        for writer in writers:
            writer.start()
        time.sleep(LOAD_S)
        server.kill()
        for writer in writers:
            writer.join(30)
            applied |= writer.applied
            unknown |= writer.unknown
        server.start()
        if number % 5 == 4:
            check_round(server, applied, unknown)
    check_round(server, applied, unknown)
    assert server.verify()["equal"] is True
    assert len(applied) > ROUNDS * WRITERS
