"""dual_write over processes: every node or none; with --dual-write-degrade, every node but those recorded as gone."""

from processes import PATIENCE_S, wait_until

DUAL_WRITE = ["--mode", "dual_write"]
TABLE = "CREATE TABLE item (id INTEGER PRIMARY KEY, note TEXT)"


def ids(node):
    return [number for [number] in node.rows("SELECT id FROM item ORDER BY id", consistency="local")]


def member(node, name):
    status = node.status()
    return next((each for each in status["nodes"] if each["id"] == name), None) if status else None


def test_a_write_is_answered_when_every_node_has_it(make_cluster):
    cluster = make_cluster(flags=DUAL_WRITE)
    cluster["n3"].must_write(TABLE)
    for number, node in enumerate(cluster):
        receipt = node.must_write(("INSERT INTO item VALUES (?, 'x')", [number]))
        assert receipt["mode"] == "dual_write"
        assert sorted(receipt["nodes"]["committed"]) == ["n1", "n2", "n3"] and receipt["nodes"]["pending"] == []
        for other in cluster:
            assert number in ids(other), "it is in every database before it is answered"
    cluster.check_equal()


def test_while_a_node_does_not_answer_nothing_is_written(make_cluster):
    cluster = make_cluster(flags=DUAL_WRITE)
    cluster["n1"].must_write(TABLE, "INSERT INTO item VALUES (0, 'before')")
    cluster.wait_settled()
    leader = cluster.leader()
    silent, other = cluster.others(leader)
    before = leader.status()
    silent.pause()
    for number, node in enumerate((leader, other), start=1):
        response = node.write(("INSERT INTO item VALUES (?, 'refused')", [number]), timeout_ms=60_000)
        problem = response.json()
        assert response.status_code == 503 and problem["code"] == "node_unavailable", response.text
        assert problem["outcome"] == "not_applied" and problem["node"] == silent.id, problem
    for node in (leader, other):
        assert ids(node) == [0]
    after = leader.status()
    if after["term"] == before["term"]:  # else there was an election in between, on a very busy machine
        assert after["commit_index"] == before["commit_index"]
    assert leader.rows("SELECT id FROM item") == [[0]], "reads go on"
    silent.resume()
    cluster.wait_ready()
    cluster.wait_writable(silent, "INSERT INTO item VALUES (3, 'after')")
    cluster.check_equal()
    for node in cluster:
        assert ids(node) == [0, 3]


def test_while_a_node_is_down_a_write_is_refused_and_quorum_goes_on(make_cluster):
    cluster = make_cluster(flags=DUAL_WRITE)
    cluster["n1"].must_write(TABLE)
    cluster.wait_settled()
    leader = cluster.leader()
    dead, other = cluster.others(leader)
    dead.kill()
    response = other.write("INSERT INTO item VALUES (1, 'refused')", timeout_ms=60_000)
    problem = response.json()
    assert (response.status_code, problem["outcome"], problem["node"]) == (503, "not_applied", dead.id), problem
    switched = other.request("PUT", "/v1/cluster/mode", {"mode": "quorum"})
    assert switched.status_code == 200, switched.text
    receipt = other.must_write("INSERT INTO item VALUES (2, 'quorum')")
    assert receipt["mode"] == "quorum" and dead.id in receipt["nodes"]["pending"]
    strengthened = other.write("INSERT INTO item VALUES (3, 'refused')", mode="dual_write", timeout_ms=60_000)
    assert strengthened.status_code == 503 and strengthened.json()["node"] == dead.id, strengthened.text
    cluster.start_node(dead)
    cluster.wait_ready()
    cluster.wait_writable(dead, "INSERT INTO item VALUES (4, 'after')")
    cluster.check_equal()
    assert ids(dead) == [2, 4]


def test_degraded_dual_write_goes_on_without_a_node_and_takes_it_back(make_cluster):
    cluster = make_cluster(flags=[*DUAL_WRITE, "--dual-write-degrade", "true"])
    cluster["n1"].must_write(TABLE)
    cluster.wait_settled()
    leader = cluster.leader()
    gone, other = cluster.others(leader)
    gone.pause()
    receipt = cluster.wait_writable(other, "INSERT INTO item VALUES (1, 'without')")
    assert receipt["mode"] == "dual_write" and gone.id in receipt["nodes"]["pending"], receipt
    for node in (leader, other):
        assert member(node, gone.id)["out_of_dual_write"] is True, "it is recorded before anything is written"
        assert not member(node, leader.id)["out_of_dual_write"]
        assert 1 in ids(node)
    gone.resume()
    assert wait_until(lambda: member(leader, gone.id)["out_of_dual_write"] is False, PATIENCE_S), leader.status()
    receipt = gone.must_write("INSERT INTO item VALUES (2, 'with')")
    assert sorted(receipt["nodes"]["committed"]) == ["n1", "n2", "n3"], receipt
    for node in cluster:
        assert ids(node) == [1, 2]
    cluster.check_equal()


def test_two_nodes_gone_is_too_many_also_for_degraded_dual_write(make_cluster):
    cluster = make_cluster(flags=[*DUAL_WRITE, "--dual-write-degrade", "true"])
    cluster["n1"].must_write(TABLE)
    cluster.wait_settled()
    leader = cluster.leader()
    for node in cluster.others(leader):
        node.kill()
    response = leader.write("INSERT INTO item VALUES (1, 'x')", timeout_ms=6000)
    assert response.status_code == 503 and response.json()["outcome"] in ("not_applied", "unknown"), response.text
    for node in cluster.others(leader):
        cluster.start_node(node)
    cluster.wait_ready()
    cluster.wait_writable(leader, "INSERT INTO item VALUES (2, 'x')")
    assert response.json()["outcome"] == "unknown" or 1 not in ids(leader)
    cluster.check_equal()
