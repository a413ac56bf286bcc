"""Streamed results in a cluster of processes: who can serve them, and what becomes of them when their node changes."""

import contextlib
import json
import time

import requests
from chaos.hosts import wait_until
from processes import PATIENCE_S, PATIENT

NDJSON = {"Accept": "application/x-ndjson"}
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
TABLE = "CREATE TABLE item (id INTEGER PRIMARY KEY, value BLOB)"


def stream(node, sql, **fields):
    return requests.post(node.url + "/v1/query", json={"sql": sql, **fields}, headers=NDJSON, stream=True, timeout=60)


def read_until_cut(response):
    """The last lines of a stream that must not end well."""
    received = b""
    with contextlib.suppress(requests.exceptions.ChunkedEncodingError):
        for part in response.iter_content(65536):
            received = (received + part)[-65536:]
        raise AssertionError("it came to a proper end")
    return received.splitlines()


def test_every_data_node_streams_and_a_witness_says_that_it_cannot(make_cluster):
    cluster = make_cluster(2)
    witness = cluster.add_witness()
    cluster.join(witness, cluster["n1"])
    cluster.wait_ready(witness)
    index = cluster["n1"].must_write(TABLE, "INSERT INTO item (value) VALUES (1), (2)")["index"]
    for node in (cluster["n1"], cluster["n2"]):
        for consistency in ("local", "leader", "linearizable"):
            response = stream(node, "SELECT id FROM item ORDER BY id", consistency=consistency, min_index=index)
            head, *rows, end = [json.loads(line) for line in response.iter_lines()]
            assert head["node"] == node.id and head["index"] >= index
            assert rows == [[1], [2]] and end["end"]
    started = time.monotonic()
    for consistency in ("local", "linearizable"):
        response = stream(witness, "SELECT 1", consistency=consistency)
        assert response.status_code == 503 and "Retry-After" in response.headers
        assert response.json()["code"] == "node_unavailable", response.text
    assert time.monotonic() - started < 5


def test_a_killed_node_cuts_its_streams(make_cluster):
    cluster = make_cluster()
    response = stream(cluster["n3"], ENDLESS, consistency="local")
    assert response.status_code == 200
    cluster["n3"].kill()
    read_until_cut(response)


def test_a_stream_is_ended_before_a_snapshot_is_installed(make_cluster):
    """Small pieces of the snapshot, so that the node serves its former content for a while."""
    cluster = make_cluster(flags=[*PATIENT, "--log-retain-bytes", "1MiB", "--snapshot-bytes-per-second", "20MiB"])
    behind = cluster["n3"]
    cluster["n1"].must_write(TABLE)
    cluster.wait_settled()
    assert behind.terminate() == 0
    body = {"base64": "QUJD" * 1024 * 1024}
    for _ in range(12):  # together more than the 32 MiB after which a database is made durable
        cluster["n1"].must_write(("INSERT INTO item (value) VALUES (?)", [body]))
    last = cluster["n1"].must_write("INSERT INTO item (value) VALUES (1)")["index"]
    new = cluster.add("n4")
    cluster.join(new, cluster["n1"])
    new.wait_log("installs a snapshot")  # so the log does not reach back any more
    behind.start()

    opened = []

    def opens():
        with contextlib.suppress(requests.exceptions.ConnectionError):
            response = stream(behind, ENDLESS, consistency="local")
            if response.status_code == 200:
                opened.append(response)
        return opened

    assert wait_until(opens, PATIENCE_S), cluster.log_tails()
    lines = read_until_cut(opened[0])
    problem = json.loads(lines[-1])["error"]
    assert problem["code"] == "node_unavailable" and "installs a snapshot" in problem["detail"]
    cluster.wait_ready()
    assert behind.rows("SELECT count(*) FROM item", consistency="local", min_index=last) == [[13]]
    assert b"end" in stream(behind, "SELECT id FROM item", consistency="local").content
    cluster.check_equal()
