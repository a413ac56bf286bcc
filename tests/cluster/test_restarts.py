"""Nodes that are told to stop: an update of one after the other, and the whole cluster switched off and on."""

from chaos.client import UNKNOWN
from load import BROKEN, Load
from processes import PATIENCE_S, PATIENT, content_of_file, wait_until


def test_restarting_one_node_after_the_other_loses_nothing(make_cluster):
    cluster = make_cluster()
    with Load(cluster, timeout_ms=30_000) as load:
        for name in ("n3", "n2", "n1"):
            cluster.wait_ready()
            load.wait_applied(100)
            assert cluster[name].terminate() == 0, cluster[name].log_tail()
            load.wait_applied(50)
            cluster.start_node(cluster[name])
        cluster.wait_ready()
        load.wait_applied(50)
    print(f"each node restarted once: {load.summary()}")
    # A connection that the node closes while it is idle may be just the one that a request is being sent on.
    answered = [a for a in load.failures() if not a.why.startswith(BROKEN)]
    assert [a for a in answered if a.outcome == UNKNOWN] == [], "a node that stops knows what it has done"
    load.check()
    cluster.check_equal()


def test_clients_of_the_other_nodes_do_not_notice_that_the_leader_stops(make_cluster):
    cluster = make_cluster(flags=PATIENT)
    leader = cluster.leader()
    others = cluster.others(leader)
    with Load(cluster, [*others, *others], timeout_ms=30_000) as load:
        assert leader.terminate() == 0, leader.log_tail()
        load.wait_applied(50)
        cluster.start_node(leader)
        cluster.wait_ready()
        cluster.wait_leader(leader.id)  # the preferred master leads again
        load.wait_applied(50)
    assert load.failures() == []
    load.check()
    cluster.check_equal()


def test_a_cluster_that_is_stopped_and_started_again_has_everything(make_cluster):
    cluster = make_cluster(flags=["--mode", "dual_write"])
    before = cluster.leader().status()
    with Load(cluster) as load:
        load.wait_applied(100)
    load.check()
    cluster.stop()
    contents = [content_of_file(node) for node in cluster]
    assert contents[0] == contents[1] == contents[2]
    cluster.start()
    after = cluster.leader().status()
    assert after["cluster_id"] == before["cluster_id"] and after["mode"] == "dual_write"
    assert {n["id"]: n["instance"] for n in after["nodes"]} == {n["id"]: n["instance"] for n in before["nodes"]}
    load.check()
    cluster["n3"].must_write("INSERT INTO written VALUES (-1, 'after')")
    cluster.check_equal()


def test_a_cluster_that_is_killed_at_once_under_load_has_everything(make_cluster):
    cluster = make_cluster()
    with Load(cluster, writers=6) as load:
        for _ in range(2):
            load.wait_applied(100)
            for node in cluster:
                node.kill()
            assert wait_until(lambda: load.attempts()[-1].outcome != "applied", PATIENCE_S)
            for node in cluster:
                cluster.start_node(node)
            cluster.wait_ready()
            load.wait_applied(50)
    print(f"all nodes killed at once, twice: {load.summary()}")
    load.check()
    cluster.check_equal()


def test_two_of_three_go_on_and_the_third_follows(make_cluster):
    cluster = make_cluster(flags=PATIENT)
    late = cluster["n3"]
    with Load(cluster, [cluster["n1"], cluster["n2"]]) as load:
        assert late.terminate() == 0
        load.wait_applied(200)
        cluster.start_node(late)
        cluster.wait_ready()
    assert load.failures() == []
    load.check()
    cluster.check_equal()
