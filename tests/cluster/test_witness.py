"""Two data nodes and a third vote: a witness of its own, or one that runs where a lock is held."""

import time

from chaos.hosts import wait_until
from processes import PATIENCE_S

TABLE = "CREATE TABLE item (id INTEGER PRIMARY KEY, writer TEXT)"
ROW = "INSERT INTO item (writer) VALUES ('{}')"


def member(cluster, name, asked=None):
    nodes = (asked or cluster.leader()).status()["nodes"]
    return next((node for node in nodes if node["id"] == name), None)


def wait_voter(cluster, name):
    """Until this witness counts."""
    def counts():
        node = member(cluster, name)
        return node and node["role"] == "witness" and node["state"] == "running" and node["match_index"] > 0
    assert wait_until(counts, PATIENCE_S), f"{name} does not vote:\n{cluster.log_tails()}"


def join_witness(cluster):
    """A witness that has joined the two nodes, and votes."""
    witness = cluster.add_witness()
    witness.start(witness.command("--join", cluster["n1"].peer, "--join", cluster["n2"].peer))
    cluster.wait_ready(witness)
    wait_voter(cluster, "w1")
    return witness


def lose_and_bring_back(cluster, lost):
    """The other data node goes on alone with the witness, and gets it back."""
    other = cluster.others(lost)[0]
    lost.kill()
    cluster.wait_writable(other, ROW.format(f"without {lost.id}"))
    assert member(cluster, lost.id, other)["role"] == "backup"
    lost.start()
    cluster.wait_ready()


def check_pair_equal(cluster):
    def settled():
        status = cluster.leader().status()
        data = [node for node in status["nodes"] if node["role"] != "witness"]
        return all(node["applied_index"] == status["commit_index"] and node["state"] == "running" for node in data)
    assert wait_until(settled, PATIENCE_S), cluster.log_tails()
    report = cluster.leader().request("POST", "/v1/cluster/verify", {}).json()
    assert report["equal"] is True, report
    assert sorted(node["id"] for node in report["nodes"]) == ["n1", "n2"], "a witness has no content to compare"


def test_a_witness_lets_either_of_two_nodes_go_on_alone(make_cluster):
    cluster = make_cluster(size=2)
    witness = join_witness(cluster)
    cluster["n1"].must_write(TABLE)
    for name in ("n1", "n2"):
        lose_and_bring_back(cluster, cluster[name])
    check_pair_equal(cluster)
    # It has no content, but its process knows who has.
    witness.must_write(ROW.format("by way of the witness"))
    assert witness.rows("SELECT count(*) FROM item") == [[3]]
    refused = witness.query("SELECT 1", consistency="local")
    assert refused.status_code == 503 and refused.json()["code"] == "node_unavailable", refused.text
    assert witness.status()["leader"] == cluster.leader().id
    refused = cluster["n1"].request("POST", "/v1/cluster/leader", {"node": "w1"})
    assert refused.status_code == 400, "a witness cannot lead"
    # Without it the two go on, and it comes back as what it was.
    assert witness.terminate() == 0
    cluster["n2"].must_write(ROW.format("without the witness"))
    witness.start()
    cluster.wait_ready(witness)
    # What it has acknowledged is not lost with the only data node that had it: n2 gets it from the witness.
    cluster["n2"].kill()
    cluster.wait_writable(cluster["n1"], ROW.format("n1 and the witness"))
    cluster["n1"].kill()
    cluster["n2"].start()
    cluster.wait_ready(cluster["n2"])
    assert cluster["n2"].rows("SELECT count(*) FROM item", consistency="linearizable") == [[5]]
    cluster["n1"].start()
    cluster.wait_ready()
    check_pair_equal(cluster)


def test_a_witness_may_be_among_those_that_begin(make_cluster):
    cluster = make_cluster(size=2, start=False)
    witness = cluster.add_witness()
    members = ["--cluster", ",".join(f"{node.id}={node.peer}" for node in [*cluster, witness])]
    for node in [*cluster, witness]:
        node.start(node.command(*members))
    cluster.wait_ready(*cluster, witness)
    assert member(cluster, "w1")["role"] == "witness"
    witness.kill()
    witness.wipe()
    witness.start()
    cluster.wait_ready(witness)
    wait_voter(cluster, "w1")
    cluster.leader().kill()
    left = next(node for node in cluster if node.is_answering)
    cluster.wait_writable(left, TABLE)
    next(node for node in cluster if not node.is_running).start()
    cluster.wait_ready()


def test_the_witness_of_a_shared_folder_runs_where_the_lock_is_held(make_cluster, tmp_path):
    folder = tmp_path / "shared"
    cluster = make_cluster(size=2, flags=["--witness-lock", folder])
    wait_voter(cluster, "witness")
    cluster["n1"].must_write(TABLE)
    hosts = []
    for _ in range(3):
        host = cluster[(folder / "lock").read_text(encoding="utf-8").strip().removeprefix("node ")]
        hosts.append(host.id)
        host.wait_log("witness", "runs here now")
        lose_and_bring_back(cluster, host)
    assert set(hosts) == {"n1", "n2"}, "it moves to the one that is left"
    check_pair_equal(cluster)
    assert cluster["n1"].rows("SELECT count(*) FROM item", consistency="linearizable") == [[3]]


def test_the_witness_votes_for_others_once_the_node_beside_it_is_removed(make_cluster, tmp_path):
    cluster = make_cluster(size=2, flags=["--witness-lock", tmp_path / "shared"])
    wait_voter(cluster, "witness")
    host = cluster[(tmp_path / "shared" / "lock").read_text(encoding="utf-8").strip().removeprefix("node ")]
    other = next(node for node in cluster if node is not host)
    response = other.request("DELETE", f"/v1/cluster/nodes/{host.id}")
    assert response.status_code == 200, response.text
    host.wait_log("has been removed from the cluster")
    host.wait_unready(f"Node {host.id} is down (removed).")
    cluster.wait_writable(other, TABLE)  # the witness has its part in it, and serves nobody
    time.sleep(1)
    host.wait_unready(f"Node {host.id} is down (removed).")


def test_a_shared_folder_of_another_cluster_is_not_used(make_cluster, tmp_path):
    first = make_cluster(size=2, flags=["--witness-lock", tmp_path / "shared"])
    wait_voter(first, "witness")
    first.stop()
    second = make_cluster(size=2, flags=["--witness-lock", tmp_path / "shared"])
    host = second[(tmp_path / "shared" / "lock").read_text(encoding="utf-8").strip().removeprefix("node ")]
    host.wait_log("witness", "refuses to start", "cluster id")
    assert member(second, "witness") is None
    second["n1"].must_write(TABLE)
