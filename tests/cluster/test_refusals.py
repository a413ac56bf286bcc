"""Who is refused: processes with wrong files, a taken name or another cluster, and whoever talks nonsense on the peer
port. Each time the log says so, and the cluster goes on as if nothing had been: same term, same leader, same members."""

import os
import random
import shutil
import struct

import pytest

from peer_port import PING, Caller, answer_to, introduction
from processes import PATIENCE_S, wait_until

HANDSHAKE_LIMIT = 64


@pytest.fixture
def cluster(shared_cluster):
    before = shared_cluster.wait_settled()
    yield shared_cluster
    for node in shared_cluster:
        assert node.is_running, f"{node.name} ended with {node.exit_code}:\n{node.log_tail()}"
        node.must_write("CREATE TABLE IF NOT EXISTS undisturbed (a)", "INSERT INTO undisturbed VALUES (1)")
    after = shared_cluster.wait_settled()
    for member in ("cluster_id", "term", "leader"):
        assert after[member] == before[member], f"{member}: {before}, {after}\n{shared_cluster.log_tails()}"
    assert [(n["id"], n["instance"]) for n in after["nodes"]] == [(n["id"], n["instance"]) for n in before["nodes"]]


@pytest.fixture
def stranger(cluster, request):
    """stranger(node_id) is a process that does not run yet; it is ended after the test."""
    made = []

    def make(node_id):
        number = len(cluster.strangers)
        made.append(cluster.add_stranger(f"stranger{number}", node_id))
        return made[-1]
    yield make
    for node in made:
        if node.is_running:
            assert node.terminate() == 0, node.log_tail()


# --- Processes ---

def test_files_that_belong_to_another_cluster_are_refused_by_their_own_process(cluster):
    node = cluster["n3"]
    assert node.terminate() == 0
    cluster.start_node(node, "--cluster-id", "another")
    assert node.wait_ended() == 2, node.log_tail()
    cluster_id = cluster["n1"].status()["cluster_id"]
    node.wait_log("refuses to start", f"its cluster id is {cluster_id}, the configuration says another")
    cluster.start_node(node, "--cluster-id", cluster_id)
    cluster.wait_ready()


def test_files_of_another_node_are_refused_by_their_own_process(cluster, stranger):
    node, other = cluster["n3"], stranger("n2")
    assert node.terminate() == 0
    command = [node.database if part == other.database else part for part in other.command(*cluster.members_flag())]
    other.start(command)
    assert other.wait_ended() == 2, other.log_tail()
    other.wait_log("refuses to start", "its node id is n3, the configuration says n2")
    cluster.start_node(node)
    cluster.wait_ready()


def test_a_member_of_another_cluster_is_refused(cluster, stranger):
    other = stranger("n9")
    other.start(other.command("--cluster", f"n9={other.peer}", "--cluster-id", "another"))
    assert wait_until(other.is_ready, PATIENCE_S), other.log_tail()
    other.must_write("CREATE TABLE undisturbed (b)")
    assert other.terminate() == 0
    other.start(other.command("--cluster", f"n9={other.peer},n1={cluster['n1'].peer},n2={cluster['n2'].peer}",
                              "--join", cluster["n3"].peer))
    cluster_id = cluster["n1"].status()["cluster_id"]
    for node in cluster:
        assert f"Node {node.id} belongs to cluster {cluster_id} and node n9 to cluster another." in \
            node.wait_log("node n9 from 127.0.0.1 is refused as a peer", "identity_mismatch")
        other.wait_log("refuses this node", f"Node {node.id} belongs to cluster {cluster_id}")
    assert wait_until(other.is_ready, PATIENCE_S), "its own cluster goes on"
    assert other.status()["cluster_id"] == "another"


def test_a_new_node_that_wants_another_cluster_does_not_join(cluster, stranger):
    other = stranger("n4")
    other.start(other.command("--join", cluster["n1"].peer, "--cluster-id", "another"))
    cluster_id = cluster["n1"].status()["cluster_id"]
    other.wait_log(f"node n1 belongs to cluster {cluster_id}, not to another")
    assert not other.is_ready()


def test_a_second_process_with_the_name_of_a_living_node_is_refused(cluster, stranger):
    twins = {name: stranger(name) for name in ("n1", "n2")}
    for name, twin in twins.items():
        members = ",".join(f"{node.id}={twin.peer if node.id == name else node.peer}" for node in cluster)
        twin.start(twin.command("--cluster", members, "--join", cluster[name].peer))
    for name, twin in twins.items():
        for node in cluster.others(cluster[name]):
            twin.wait_log(f"node {node.id} at", "refuses this node", f"Node {name} is connected already, as another one")
        twin.wait_log(cluster[name].peer, "refuses this node", f"Both processes say that they are node {name}")
        assert not twin.is_ready()
        refused = twin.write("CREATE TABLE twin (a)", timeout_ms=1000)
        assert refused.status_code == 503 and refused.json()["outcome"] == "not_applied", refused.text
    for node in cluster:
        node.wait_log("from 127.0.0.1 is refused as a peer", "duplicate_node_id")


def test_a_copy_of_a_living_nodes_files_is_refused(cluster, stranger):
    node, twin = cluster["n3"], stranger("n3")
    assert node.terminate() == 0
    shutil.copytree(node.volume.path, twin.volume.path, dirs_exist_ok=True)
    cluster.start_node(node)
    cluster.wait_ready()
    twin.start(twin.command(*cluster.members_flag()))
    for other in cluster.others(node):
        twin.wait_log(f"node {other.id} at", "refuses this node", f"with the same files as at {twin.peer}")
    assert not twin.is_ready()


# --- Bytes ---

def test_a_wrong_introduction_is_answered_with_the_reason(cluster):
    node = cluster["n1"]
    cluster_id = node.status()["cluster_id"]
    for data, status, code in (
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
            (introduction("n9", "another"), 409, "identity_mismatch"),
            (introduction("n9", cluster_id, protocol=0), 426, "wrong_protocol"),
            (introduction("n9", cluster_id, protocol=99), 426, "wrong_protocol"),
            (introduction("n9", cluster_id, Quorate_Protocol=None), 426, "wrong_protocol"),
            (introduction("n9", cluster_id, Upgrade="websocket"), 400, "malformed_request"),
            (introduction("not a node id", cluster_id), 400, "malformed_request"),
            (introduction("n9", cluster_id, Quorate_Instance="not hexadecimal"), 400, "malformed_request"),
            (introduction("n1", cluster_id), 409, "duplicate_node_id"),
            (introduction("n2", cluster_id), 409, "duplicate_node_id")):
        answer = answer_to(node, data)
        assert answer.startswith(f"HTTP/1.1 {status} ") and f'"code":"{code}"' in answer, (data, answer)
        node.wait_log("127.0.0.1 is refused as a peer", f"({status} {code})")


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\0" * 4096,
                                  random.Random(1).randbytes(20_000), b"GET /" + b"a" * 20_000,
                                  introduction("n9", "x" * 9000)],
                         ids=["tls", "zeros", "random", "long target", "long field"])
def test_garbage_on_the_peer_port_ends_the_connection(cluster, data):
    for node in cluster:
        answer = answer_to(node, data)
        assert answer == "" or answer.startswith("HTTP/1.1 400 "), answer
        node.wait_log("127.0.0.1 is refused as a peer", "400 malformed_request")


@pytest.mark.parametrize("frame, reason", [
    (struct.pack("<IQ", 0xFFFFFFFF, 0), "it announced a message of 4294967295 bytes"),
    (struct.pack("<IQ", 5, 0) + b"\x01\x02\x03\x04\x05", "the checksum is wrong"),
    (PING + os.urandom(64), "has ended")], ids=["oversized", "damaged", "noise"])
def test_a_peer_that_sends_wrong_frames_is_disconnected(cluster, frame, reason):
    leader = cluster.leader()
    with Caller(leader) as caller:
        assert caller.send(introduction("n9", leader.status()["cluster_id"]))
        assert " 101 " in caller.read_head()
        assert caller.send(PING)
        leader.wait_log("connected with node n9")
        caller.send(frame)
        caller.read_to_end()
    leader.wait_log("the connection with node n9", reason)


def test_callers_that_do_not_come_to_the_point_are_hung_up_on(cluster):
    """Slowloris: more of them than are listened to at once, each with a byte now and then."""
    node, request = cluster.leader(), introduction("n9")
    callers = [Caller(node) for _ in range(HANDSHAKE_LIMIT + 16)]
    try:
        for position in range(4):
            for caller in callers:
                caller.send(request[position:position + 1])
        restarted = cluster.others(node)[0]
        assert restarted.terminate() == 0
        cluster.start_node(restarted)
        cluster.wait_ready()  # a node finds its way back in meanwhile
        restarted.must_write("CREATE TABLE IF NOT EXISTS undisturbed (a)")
        for caller in callers:
            assert caller.read_to_end() == ""
    finally:
        for caller in callers:
            caller.socket.close()
    node.wait_log("a connection from 127.0.0.1 is closed: it did not introduce itself in time")
