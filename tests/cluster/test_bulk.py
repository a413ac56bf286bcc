"""Many rows in one request, in a cluster of processes: sent to any node, and while leaders are killed."""

import json

import pytest
import requests
from processes import PATIENCE_S, PATIENT, wait_until

NDJSON = {"Content-Type": "application/x-ndjson"}
TABLE = "CREATE TABLE item (n INTEGER, value TEXT)"
INSERT = "INSERT INTO item (n, value) VALUES (?, ?)"
ROWS = 60_000
PER_TRANSACTION = 1000


def ingest(node, data, key):
    response = requests.post(node.url + "/v1/ingest", data=data, headers={**NDJSON, "Idempotency-Key": key},
                             params={"sql": INSERT, "rows_per_transaction": PER_TRANSACTION}, timeout=120)
    assert response.status_code == 200, response.text[:1000]
    return [json.loads(line) for line in response.text.splitlines()]


def count(node):
    return node.rows("SELECT count(*), count(DISTINCT n), sum(n) FROM item")[0]


def lines():
    return "".join(f'[{n},"value {n}"]\n' for n in range(ROWS)).encode()


def all_rows(rows):
    return [rows, rows, rows * (rows - 1) // 2]


@pytest.mark.parametrize("mode", ["quorum", "dual_write"])
def test_a_follower_passes_many_rows_on(make_cluster, mode):
    cluster = make_cluster(flags=PATIENT)
    leader = cluster.leader()
    follower = next(node for node in cluster if node is not leader)
    index = leader.must_write(TABLE)["index"]
    rows = 150_000
    statement = {"sql": INSERT, "params_batch": [[n, f"a value with some text {n}"] for n in range(rows)]}
    body = {"statements": [statement], "mode": mode, "timeout_ms": 60_000}
    receipt = follower.request("POST", "/v1/transactions", body)
    assert receipt.status_code == 200, receipt.text[:1000]
    assert receipt.json()["results"][0]["rows_affected"] == rows
    index = receipt.json()["index"]
    for node in cluster:
        assert node.rows("SELECT count(*), count(DISTINCT n), sum(n) FROM item", consistency="local",
                         min_index=index, timeout_ms=60_000)[0] == all_rows(rows)
    statement["params_batch"][77_777] = [1, "too", "many"]
    refused = follower.request("POST", "/v1/transactions", body)
    assert refused.status_code == 400 and refused.json()["params_index"] == 77_777
    body["statements"] = [{"sql": "UPDATE item SET value = 'x' WHERE n = ?", "params_batch": [[1], [2], [-1], [3]]}]
    refused = follower.request("POST", "/v1/transactions", body)
    assert refused.status_code == 409 and refused.json()["params_index"] == 2


@pytest.mark.parametrize("through", ["leader", "follower"])
def test_an_upload_goes_on_after_the_leader_was_killed(make_cluster, through):
    """The same upload sent again, to whatever node is left: each row is there once."""
    cluster = make_cluster()
    leader = cluster.leader()
    leader.must_write(TABLE)
    other = next(node for node in cluster if node is not leader)
    target = leader if through == "leader" else other
    data = lines()

    def parts():
        """Kills the leader half-way."""
        for begin in range(0, len(data), 10_000):
            if leader.is_running and begin > len(data) // 2:
                wait_until(lambda: count(other)[0] >= ROWS // 4, PATIENCE_S)
                leader.kill()
            yield data[begin:begin + 10_000]

    try:
        answer = ingest(target, parts(), "upload")
    except (requests.exceptions.RequestException, AssertionError):
        answer = None
    if answer is None:
        def again():
            try:
                return ingest(other, data, "upload")
            except (requests.exceptions.RequestException, AssertionError):
                return None
        answer = wait_until(again, PATIENCE_S)
    assert answer[-1] == {"end": True, "rows": ROWS, "transactions": ROWS // PER_TRANSACTION}
    assert count(other) == all_rows(ROWS)
    cluster.start_node(leader)
    cluster.wait_ready()
    assert ingest(leader, data, "upload")[-1]["rows"] == ROWS
    assert count(leader) == all_rows(ROWS)
    cluster.check_equal()
