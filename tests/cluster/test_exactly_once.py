"""Requests with an Idempotency-Key, sent again and again while leaders are killed: each has its effect once."""

import random
import threading

from chaos.client import Broken, Connection, NotSent
from processes import PATIENCE_S, wait_until

REQUESTS = 10_000
CLIENTS = 8
KILLS = 6
AGAIN = 0.3  # the share of requests that are sent again although they have been answered
SOCKET_TIMEOUT_S = 30
TABLE = "CREATE TABLE once (key TEXT NOT NULL, note TEXT)"  # a key may be there twice: that would be seen
RETAIN = "--log-retain-bytes=16KiB"  # who was away gets a snapshot, and the keys with it


class Client(threading.Thread):
    """Sends each of its requests until it has an answer that settles it, to any node."""

    def __init__(self, nodes, keys, given_up):
        super().__init__(daemon=True)
        self.connections = [Connection(node.address, node.http_port, SOCKET_TIMEOUT_S) for node in nodes]
        self.keys = keys
        self.given_up = given_up
        self.random = random.Random(keys[0])
        self.outcomes = {}  # key -> set of (transaction_id, index)
        self.sent = 0
        self.strange = []

    def run(self):
        for key in self.keys:
            self.outcomes[key] = set()
            while not self.given_up.is_set() and (not self.outcomes[key] or self.random.random() < AGAIN):
                self.send(key)

    def send(self, key):
        body = {"statements": [{"sql": "INSERT INTO once VALUES (?, 'x')", "params": [key]}], "timeout_ms": 2000}
        self.sent += 1
        try:
            answer = self.random.choice(self.connections).post("/v1/transactions", body, {"Idempotency-Key": key})
        except (NotSent, Broken):
            return
        if answer.is_ok:
            self.outcomes[key].add((answer.body["transaction_id"], answer.body["index"]))
        elif answer.status not in (429, 503):
            self.strange.append((key, answer.status, answer.body))


def test_ten_thousand_requests_happen_once_each_while_leaders_are_killed(make_cluster):
    cluster = make_cluster(flags=[RETAIN])
    cluster.leader().must_write(TABLE)
    given_up = threading.Event()
    keys = [f"key-{number}" for number in range(REQUESTS)]
    clients = [Client(list(cluster), keys[number::CLIENTS], given_up) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        for kill in range(1, KILLS + 1):
            wait_for_answers(clients, kill * REQUESTS // (KILLS + 2), cluster)
            _, leader = wait_until(cluster.find_leader, PATIENCE_S)
            leader.kill()
            wait_until(cluster.find_leader, PATIENCE_S)
            cluster.start_node(leader)
        wait_for_answers(clients, REQUESTS, cluster)
    finally:
        given_up.set()
        for client in clients:
            client.join(2 * SOCKET_TIMEOUT_S)
    print(f"{REQUESTS} requests, sent {sum(client.sent for client in clients)} times, the leader killed {KILLS} times; "
          f"{sum(node.log().count('installs a snapshot') for node in cluster)} snapshots installed")
    assert [strange for client in clients for strange in client.strange] == []
    outcomes = {key: outcome for client in clients for key, outcome in client.outcomes.items()}
    assert [key for key in keys if len(outcomes[key]) != 1] == [], "every answer to a request is the same"
    cluster.wait_ready()
    for node in cluster:
        index = cluster.leader().query("SELECT 1").json()["index"]
        rows = node.rows("SELECT key, count(*) FROM once GROUP BY key", consistency="local", min_index=index)
        assert sorted(key for key, _ in rows) == sorted(keys), f"{node.name} has every request"
        assert [row for row in rows if row[1] != 1] == [], f"{node.name} has none twice"
    transaction_id, index = next(iter(outcomes[keys[0]]))
    state = cluster["n2"].request("GET", f"/v1/transactions/{keys[0]}").json()
    assert (state["state"], state["transaction_id"], state["index"]) == ("committed", transaction_id, index)
    cluster.check_equal()


def wait_for_answers(clients, wanted, cluster):
    def answered():
        return sum(len(outcome) > 0 for client in clients for outcome in list(client.outcomes.values())) >= wanted
    assert wait_until(answered, PATIENCE_S), cluster.log_tails()
