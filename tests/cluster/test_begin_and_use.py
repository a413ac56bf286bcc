"""A cluster of three processes in everyday use: each node takes every request, and all come to the same content."""

import sqlite3

from processes import PATIENCE_S, content_of_file, wait_until


def test_each_node_takes_writes_and_reads_of_every_consistency(make_cluster):
    cluster = make_cluster()
    cluster["n2"].must_write("CREATE TABLE item (id INTEGER PRIMARY KEY, writer TEXT)")
    indexes = []
    for number, node in enumerate(cluster):
        receipt = node.must_write(("INSERT INTO item VALUES (?, ?)", [number, node.name]))
        assert receipt["mode"] == "quorum" and receipt["results"][0]["rows_affected"] == 1
        indexes.append(receipt["index"])
        expected = [[i, other.name] for i, other in enumerate(list(cluster)[:number + 1])]
        for reader in cluster:
            for fields in ({}, {"consistency": "linearizable"}, {"consistency": "leader"},
                           {"consistency": "local", "min_index": receipt["index"]}):
                response = reader.query("SELECT * FROM item ORDER BY id", **fields)
                assert response.json()["rows"] == expected, f"{reader.name} {fields}: {response.text}"
                assert response.json()["index"] >= receipt["index"]
            assert reader.query("SELECT 1", consistency="local").json()["node"] == reader.name
    assert indexes == sorted(set(indexes))
    late = cluster["n3"].query("SELECT 1", consistency="local", min_index=10**12, timeout_ms=200)
    assert late.status_code == 503 and late.json()["code"] == "stale_read"


def test_an_error_is_told_the_same_by_every_node(make_cluster):
    cluster = make_cluster()
    cluster["n1"].must_write("CREATE TABLE account (id INTEGER PRIMARY KEY, version INTEGER)",
                             "INSERT INTO account VALUES (1, 1)")
    for node in cluster:
        for statement, status, code in (("INSERT INTO account VALUES (1, 1)", 422, "constraint_failed"),
                                        ("UPDATE account SET version = 3 WHERE version = 2", 409, "version_conflict"),
                                        ("INSERT INTO missing VALUES (1)", 422, "sql_error")):
            response = node.write("INSERT INTO account VALUES (2, 1)", statement)
            assert (response.status_code, response.json()["code"]) == (status, code), f"{node.name}: {response.text}"
            assert response.json()["outcome"] == "not_applied" and response.json()["statement"] == 1
    assert cluster["n3"].rows("SELECT * FROM account") == [[1, 1]]


def test_all_nodes_agree_about_the_cluster_and_have_equal_files(make_cluster):
    cluster = make_cluster()
    cluster["n3"].must_write("CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, made TEXT DEFAULT CURRENT_TIMESTAMP, "
                             "chance INTEGER DEFAULT (random()))", "CREATE INDEX by_chance ON item (chance)")
    for number in range(50):
        cluster.nodes[f"n{number % 3 + 1}"].must_write("INSERT INTO item DEFAULT VALUES")
    assert wait_until(lambda: cluster["n1"].status()["leader"] == "n1", PATIENCE_S), "the first node is the preferred master"
    cluster.wait_settled()
    views = [node.status() for node in cluster]
    for member in ("cluster_id", "mode", "term", "leader", "commit_index"):
        assert len({view[member] for view in views}) == 1, [view[member] for view in views]
    assert views[0]["leader"] == "n1"
    for view in views:
        nodes = {node["id"]: node for node in view["nodes"]}
        assert {name: node["role"] for name, node in nodes.items()} == {"n1": "master", "n2": "backup", "n3": "backup"}
        assert {name for name, node in nodes.items() if node["preferred_master"]} == {"n1"}
        for name, node in nodes.items():
            assert node["state"] == "running" and node["peer"] == cluster[name].peer and node["lag"] == 0
            assert node["url"] == cluster[name].url and not node["out_of_dual_write"]
        assert len({node["digest"] for node in view["nodes"]}) == 1
        assert len({node["instance"] for node in view["nodes"]}) == 3
    cluster.check_equal()
    cluster.stop()
    contents = [content_of_file(node) for node in cluster]
    assert len(contents[0]) > 50 and contents[0] == contents[1] == contents[2]


def test_a_cluster_begins_when_all_of_its_nodes_have_come_and_not_before(make_cluster):
    cluster = make_cluster(start=False)
    early = [cluster["n3"], cluster["n1"]]
    for node in early:
        cluster.start_node(node)
    for node in early:
        assert wait_until(node.status, PATIENCE_S), node.log_tail()
        refused = node.write("CREATE TABLE t (a)", timeout_ms=500)
        assert refused.status_code == 503 and refused.json()["outcome"] == "not_applied", refused.text
        assert not node.is_ready()
    cluster.start_node(cluster["n2"])
    cluster.wait_ready()
    cluster["n2"].must_write("CREATE TABLE t (a)")
    cluster.check_equal()


def test_an_existing_database_becomes_the_content_of_all(make_cluster):
    cluster = make_cluster(start=False)
    with sqlite3.connect(cluster["n1"].database) as database:
        database.execute("CREATE TABLE brought (id INTEGER PRIMARY KEY, text TEXT)")
        database.executemany("INSERT INTO brought (text) VALUES (?)", [(f"row {i}",) for i in range(1000)])
    database.close()
    cluster.start()
    cluster.wait_settled()
    for node in cluster:
        assert node.rows("SELECT count(*), max(text) FROM brought", consistency="local") == [[1000, "row 999"]]
    cluster["n3"].must_write("INSERT INTO brought (text) VALUES ('new')")
    cluster.check_equal()


def test_a_node_that_wants_another_cluster_id_does_not_begin_with_the_others(make_cluster):
    cluster = make_cluster(start=False)
    cluster.start_node(cluster["n2"], "--cluster-id", "another")
    for name in ("n1", "n3"):
        cluster.start_node(cluster[name], "--cluster-id", "shop")
    cluster.wait_ready(cluster["n1"], cluster["n3"])
    cluster["n3"].must_write("CREATE TABLE t (a)")
    cluster["n2"].wait_log("node n2 cannot begin", "cluster shop", "another")
    assert not cluster["n2"].is_ready()
    assert cluster["n2"].terminate() == 0
    cluster.start_node(cluster["n2"], "--cluster-id", "shop")
    cluster.wait_ready()
    cluster.check_equal()
