"""Nodes that lose their files, move, leave and come."""

import requests
from chaos.hosts import wait_until
from load import Load
from processes import PATIENCE_S, PATIENT

ROW = "INSERT INTO item (writer) VALUES ('{}')"
TABLE = "CREATE TABLE item (id INTEGER PRIMARY KEY, writer TEXT)"
LARGE_ROWS, LARGE_BYTES = 12, 3 * 1024 * 1024  # together more than --help's 32 MiB, after which a database is made durable


def count(node):
    [[number]] = node.rows("SELECT count(*) FROM item", consistency="linearizable")
    return number


def read_while_it_joins(node):
    """It shows all there was before it came, or nothing: never the empty database that it begins with."""
    try:
        response = node.query("SELECT count(*) FROM item", consistency="local")
    except requests.exceptions.RequestException:
        return
    assert response.status_code in (200, 503), response.text
    assert response.status_code == 503 or response.json()["rows"][0][0] >= 2, response.text


def test_nodes_that_lose_their_files_come_back_with_the_same_command_line(make_cluster):
    cluster = make_cluster()
    cluster["n1"].must_write(TABLE, ROW.format("before"))
    for name in ("n3", "n1"):  # n1 leads, and is the one that began the cluster
        lost, former = cluster[name], cluster.instance(name)
        lost.kill()
        other = cluster.others(lost)[0]
        cluster.wait_writable(other, ROW.format(f"without {name}"))
        lost.wipe()
        lost.start()
        assert wait_until(lambda: read_while_it_joins(lost) or lost.is_ready(), PATIENCE_S), cluster.log_tails()
        cluster.wait_members("n1", "n2", "n3")
        assert cluster.instance(name) != former, "it is another instance, whose former votes do not count"
        index = lost.must_write(ROW.format(name))["index"]
        assert len(lost.rows("SELECT * FROM item", consistency="local", min_index=index)) == count(other)
    cluster.check_equal()
    cluster["n2"].kill()  # the two that came back are a majority, with all content
    cluster.wait_writable(cluster["n3"], ROW.format("without n2"))
    assert count(cluster["n1"]) == 6
    cluster["n2"].start()
    cluster.wait_ready()
    cluster.check_equal()


def test_a_node_is_found_again_at_another_address(make_cluster):
    cluster = make_cluster()
    cluster["n1"].must_write(TABLE)
    for name in ("n3", "n1"):
        node, instance = cluster[name], cluster.instance(name)
        assert node.terminate() == 0
        node.take_other_ports()
        cluster.start_node(node)  # the others still have the command line with its former address
        cluster.wait_ready()
        cluster.wait_members("n1", "n2", "n3")
        assert cluster.instance(name) == instance, "it is the same node"
        node.must_write(ROW.format(name))
    cluster["n2"].kill()
    cluster.wait_writable(cluster["n3"], ROW.format("the two that moved"))
    cluster["n2"].start()
    cluster.wait_ready()
    cluster.check_equal()
    assert count(cluster["n2"]) == 3
    urls = {node["id"]: node.get("url") for node in cluster.leader().status()["nodes"]}
    assert urls == {node.id: node.url for node in cluster}


def test_the_leader_is_removed_under_load(make_cluster):
    cluster = make_cluster(flags=PATIENT)
    removed = cluster.leader()
    others = cluster.others(removed)
    with Load(cluster, [*others, *others], timeout_ms=30_000) as load:
        response = removed.request("DELETE", f"/v1/cluster/nodes/{removed.id}")
        assert response.status_code == 200 and response.json()["removed"] == removed.id, response.text
        load.wait_applied(50)
        cluster.wait_members(*(node.id for node in others), asked=others[0])
        removed.wait_log(f"Node {removed.id} has been removed from the cluster.")
        load.wait_applied(50)
    assert load.failures() == []
    assert not removed.is_ready()
    refused = removed.write(ROW.format("removed"), timeout_ms=2000)
    assert refused.status_code == 503 and refused.json()["outcome"] == "not_applied", refused.text
    again = others[0].request("DELETE", f"/v1/cluster/nodes/{removed.id}")
    assert again.status_code == 404 and again.json()["code"] == "not_found", again.text
    assert removed.terminate() == 0
    removed.start()  # with its files, as if nobody had told it
    removed.wait_log("has been removed from the cluster")
    removed.wait_unready(f"Node {removed.id} is down (removed).")
    load.check(*others)
    del cluster.nodes[removed.id]
    cluster.strangers.append(removed)
    cluster.check_equal()


def test_a_node_that_was_removed_joins_again_without_its_files(make_cluster):
    cluster = make_cluster()
    cluster["n1"].must_write(TABLE, ROW.format("before"))
    response = cluster["n1"].request("DELETE", "/v1/cluster/nodes/n2")
    assert response.status_code == 200, response.text
    cluster["n2"].wait_log("has been removed")
    assert cluster["n2"].terminate() == 0
    cluster["n2"].wipe()
    cluster.join(cluster["n2"], cluster["n3"])
    cluster.wait_ready()
    cluster.check_equal("n1", "n2", "n3")
    assert count(cluster["n2"]) == 1


def test_a_new_node_replaces_a_dead_one(make_cluster):
    cluster = make_cluster(flags=PATIENT)
    cluster["n1"].must_write(TABLE)
    with Load(cluster, [cluster["n1"], cluster["n2"]], timeout_ms=30_000) as load:
        dead = cluster.nodes.pop("n3")
        cluster.strangers.append(dead)
        dead.kill()
        response = cluster["n2"].request("DELETE", "/v1/cluster/nodes/n3")
        assert response.status_code == 200, response.text
        new = cluster.add("n4")
        cluster.join(new, cluster["n2"])
        cluster.wait_ready(new)
        cluster.wait_members("n1", "n2", "n4")
        new.must_write(ROW.format("n4"))
        dead.start()  # it knows nothing of its removal, and nobody speaks to it
        dead.wait_unready("Node n3 is down (removed).")
    assert load.failures() == []
    load.check()
    cluster.check_equal("n1", "n2", "n4")
    assert new.terminate() == 0  # from now on it knows by itself whom to call: the one that it joined by is not there
    cluster["n2"].kill()
    new.start()
    cluster.wait_writable(new, ROW.format("n4 and n1"))
    cluster["n2"].start()
    cluster.wait_ready()
    cluster.check_equal("n1", "n2", "n4")


def test_a_node_that_waits_is_added_over_the_api(make_cluster):
    cluster = make_cluster()
    cluster["n1"].must_write(TABLE, ROW.format("n1"))
    new = cluster.add("n4")
    new.start(new.command())
    new.wait_log("node n4 waits to be added")
    assert not new.is_ready()
    wrong = cluster["n2"].request("POST", "/v1/cluster/nodes", {"node": "n5", "peer": new.peer, "timeout_ms": 500})
    assert wrong.status_code == 503 and wrong.json()["code"] == "node_unavailable", wrong.text
    taken = cluster["n2"].request("POST", "/v1/cluster/nodes", {"node": "n3", "peer": new.peer})
    assert taken.status_code == 201, "n3 is where it was, whatever the address given"
    for _ in range(2):  # the second time it is there already
        added = cluster["n2"].request("POST", "/v1/cluster/nodes", {"node": "n4", "peer": new.peer})
        assert added.status_code == 201 and added.json()["added"] == "n4", added.text
    cluster.wait_ready()
    cluster.wait_members("n1", "n2", "n3", "n4")
    new.must_write(ROW.format("n4"))
    cluster.check_equal("n1", "n2", "n3", "n4")


def test_too_few_are_left_to_remove_another(make_cluster):
    cluster = make_cluster()
    leader = cluster.leader()
    dead, other = cluster.others(leader)
    dead.kill()
    leader.wait_log(f"the connection to node {dead.id} is closed")
    response = leader.request("DELETE", f"/v1/cluster/nodes/{other.id}")
    problem = response.json()  # of those that would be left, the leader and a dead one, one answers
    assert response.status_code == 503 and problem["code"] == "node_unavailable", problem
    assert problem["outcome"] == "not_applied", problem
    leader.must_write(TABLE)  # it goes on
    dead.start()
    cluster.wait_ready()
    cluster.check_equal()


def test_who_misses_more_than_the_retained_log_gets_a_snapshot(make_cluster):
    cluster = make_cluster(flags=[*PATIENT, "--log-retain-bytes", "1MiB"])
    cluster["n1"].must_write("CREATE TABLE large (id INTEGER PRIMARY KEY, body BLOB)", TABLE)
    cluster.wait_settled()
    away = cluster["n2"]
    away.kill()
    body = {"base64": "QUJD" * (LARGE_BYTES // 3)}
    for number in range(LARGE_ROWS):
        cluster.wait_writable(cluster["n1"], ("INSERT INTO large VALUES (?, ?) ON CONFLICT DO NOTHING", [number, body]))
    instance = cluster.instance("n2")
    new = cluster.add("n4")
    cluster.join(new, cluster["n1"])
    new.wait_log("installs a snapshot")  # so the log does not reach back any more
    away.start()
    cluster.wait_ready()
    cluster.wait_members("n1", "n2", "n3", "n4")
    assert cluster.instance("n2") == instance, "the one that was away is the same node"
    for node in (new, away):
        node.must_write(ROW.format(node.id))
    cluster.check_equal()
    for node in (new, away):
        node.wait_log("installs a snapshot")
        assert node.rows("SELECT count(*), sum(length(body)) FROM large", consistency="local") == [
            [LARGE_ROWS, LARGE_ROWS * (LARGE_BYTES // 3 * 3)]]
