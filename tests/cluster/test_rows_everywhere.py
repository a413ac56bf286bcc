"""Rows and tables by way of every process: the leader's, a follower's, and one without any data."""

import threading

from test_witness import join_witness

TABLE = "CREATE TABLE item (id INTEGER PRIMARY KEY, writer TEXT, version INTEGER NOT NULL DEFAULT 1)"
PATH = "/v1/tables/item/rows"


def send(node, method, path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return node.session.request(method, node.url + path, json=body, headers=headers, timeout=30)


def check_every_door(cluster, *nodes):
    """A row written by way of one process is read and changed by way of the next."""
    for turn, node in enumerate(nodes):
        reader = nodes[(turn + 1) % len(nodes)]
        created = send(node, "POST", PATH, {"writer": node.name})
        assert created.status_code == 201, f"{node.name}: {created.text}\n{cluster.log_tails()}"
        path = created.headers["Location"]
        read = send(reader, "GET", path)
        assert (read.status_code, read.json()) == (200, created.json())
        changed = send(reader, "PATCH", path, {"writer": reader.name}, If_Match=read.headers["ETag"])
        assert changed.status_code == 200 and changed.json()["version"] == 2
        refused = send(node, "DELETE", path, If_Match=read.headers["ETag"])
        assert refused.status_code == 412 and refused.json()["current_version"] == 2
        replaced = send(node, "PUT", path, {}, If_Match=refused.headers["ETag"])
        assert replaced.json() == {"id": created.json()["id"], "writer": None, "version": 3}
        assert send(node, "DELETE", path, If_Match='"3"').status_code == 204
        assert send(reader, "GET", path).status_code == 404


def test_every_process_serves_rows(make_cluster):
    cluster = make_cluster(size=3)
    cluster.leader().must_write(TABLE)
    leader = cluster.leader()
    for node in cluster:
        assert send(node, "GET", "/v1/tables/item").json()["versioned"] is True
    check_every_door(cluster, leader, *cluster.others(leader))
    cluster.leader().request("PUT", "/v1/cluster/mode", {"mode": "dual_write"})
    check_every_door(cluster, *cluster)
    cluster.wait_settled()
    cluster.check_equal("n1", "n2", "n3")


def test_a_process_without_data_serves_rows(make_cluster):
    cluster = make_cluster(size=2)
    witness = join_witness(cluster)
    witness.must_write(TABLE)
    tables = send(witness, "GET", "/v1/tables").json()["tables"]
    assert [table["name"] for table in tables] == ["item"]
    check_every_door(cluster, witness, cluster["n1"], cluster["n2"])
    local = send(witness, "GET", PATH + "?consistency=local")
    assert local.status_code == 503 and local.json()["code"] == "node_unavailable"


def test_no_version_is_given_out_twice_while_the_leader_is_killed(make_cluster):
    cluster = make_cluster(size=3)
    cluster.leader().must_write(TABLE)
    assert send(cluster["n1"], "POST", PATH, {"id": 1}).status_code == 201
    stop, won, unknown = threading.Event(), [], []

    def compete(node):
        session = type(node.session)()
        while not stop.is_set():
            try:
                tag = session.get(node.url + PATH + "/1", timeout=10).headers.get("ETag")
                response = session.patch(node.url + PATH + "/1", json={}, headers={"If-Match": tag}, timeout=10)
            except OSError:
                unknown.append(node.name)
                continue
            if response.status_code == 200:
                won.append(int(response.headers["ETag"].strip('"')))
            elif response.status_code != 412 and response.json().get("outcome") != "not_applied":
                unknown.append(response.text)

    threads = [threading.Thread(target=compete, args=(node,)) for node in cluster for _ in range(2)]
    for thread in threads:
        thread.start()
    leader = cluster.leader()
    stop.wait(1)
    leader.kill()
    left = cluster.others(leader)
    cluster.wait_writable(left[0], "INSERT INTO item (writer) VALUES ('after the leader')")
    stop.wait(1)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(won) == len(set(won)), "two writers were told that they made the same version"
    version = send(left[0], "GET", PATH + "/1").json()["version"]
    assert len(won) + 1 <= version <= len(won) + 1 + len(unknown)
    assert max(won) <= version
