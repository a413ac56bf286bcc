"""The cluster's state, its mode, and the comparison of its nodes."""

import pytest

from conftest import assert_problem


def test_the_state(server):
    server.must_write("CREATE TABLE IF NOT EXISTS t (a)")
    cluster = server.wait_caught_up()
    assert cluster["cluster_id"] and cluster["term"] > 0 and cluster["commit_index"] > 0
    assert cluster["mode"] == "quorum"
    nodes = {node["id"]: node for node in cluster["nodes"]}
    assert sorted(nodes) == ["n1", "n2", "n3"]
    assert cluster["leader"] in nodes
    for name, node in nodes.items():
        assert node["engine"] == "sqlite" and node["state"] == "running" and node["lag"] == 0
        assert node["role"] == ("master" if name == cluster["leader"] else "backup")
        assert node["preferred_master"] == (name == "n1")
        assert len(node["digest"]) == 32
    assert len({node["digest"] for node in nodes.values()}) == 1


def test_readiness_and_liveness(server):
    assert server.get("/healthz").json() == {"status": "ok"}
    assert server.get("/readyz").json() == {"status": "ready"}


def test_switching_the_mode(server):
    try:
        switched = server.put("/v1/cluster/mode", {"mode": "dual_write", "timeout_ms": 5000})
        assert switched.status_code == 200, switched.text
        assert switched.json()["mode"] == "dual_write"
        assert int(switched.headers["Quorate-Index"]) == switched.json()["index"]
        assert server.get("/v1/cluster").json()["mode"] == "dual_write"

        receipt = server.must_write("CREATE TABLE IF NOT EXISTS in_dual_write (a)")
        assert receipt["mode"] == "dual_write" and receipt["index"] > switched.json()["index"]
        assert sorted(receipt["nodes"]["committed"]) == ["n1", "n2", "n3"]
        assert server.must_write("INSERT INTO in_dual_write VALUES (1)", mode="dual_write")["mode"] == "dual_write"
        problem = assert_problem(server.write("INSERT INTO in_dual_write VALUES (2)", mode="quorum"), 400,
                                 "malformed_request", outcome="not_applied")
        assert "weaker" in problem["detail"]
        assert server.rows("SELECT * FROM in_dual_write") == [[1]]
    finally:
        assert server.put("/v1/cluster/mode", {"mode": "quorum"}).status_code == 200
    assert server.must_write("INSERT INTO in_dual_write VALUES (3)", mode="quorum")["mode"] == "quorum"


def test_a_request_may_strengthen_the_mode(server):
    receipt = server.must_write("CREATE TABLE IF NOT EXISTS strengthened (a)", mode="dual_write")
    assert receipt["mode"] == "dual_write" and len(receipt["nodes"]["committed"]) == 3
    assert server.get("/v1/cluster").json()["mode"] == "quorum"


def test_the_mode_survives_a_restart(make_server):
    server = make_server()
    assert server.put("/v1/cluster/mode", {"mode": "dual_write"}).status_code == 200
    server.restart()
    assert server.get("/v1/cluster").json()["mode"] == "dual_write"
    assert server.must_write("CREATE TABLE t (a)")["mode"] == "dual_write"


@pytest.mark.parametrize("body", [{}, {"mode": "none"}, {"mode": 1}, {"mode": "quorum", "x": 1},
                                  {"mode": "quorum", "timeout_ms": 0}, [], "quorum"], ids=str)
def test_bad_mode_requests(server, body):
    assert_problem(server.put("/v1/cluster/mode", body), 400, "malformed_request")


def test_verify(server):
    server.must_write({"sql": "DROP TABLE IF EXISTS verified"}, "CREATE TABLE verified (a)",
                      "INSERT INTO verified VALUES (1), (2), (3)")
    report = server.verify()
    assert report["equal"] is True and report["differences"] == []
    assert [node["id"] for node in report["nodes"]] == ["n1", "n2", "n3"]
    tables = [node["tables"] for node in report["nodes"]]
    assert tables[0]["verified"]["rows"] == 3
    assert tables[0] == tables[1] == tables[2]
    assert len({node["schema"] for node in report["nodes"]}) == 1
    assert not any(name.startswith("_cluster") for name in tables[0])
    digest = tables[0]["verified"]["digest"]
    server.must_write("UPDATE verified SET a = 4 WHERE a = 3")
    assert server.verify()["nodes"][0]["tables"]["verified"]["digest"] != digest


def test_verify_takes_no_or_an_empty_body(server):
    assert server.session.post(server.url + "/v1/cluster/verify", timeout=60).json()["equal"] is True
    assert server.post("/v1/cluster/verify", {}).json()["equal"] is True
    assert_problem(server.post("/v1/cluster/verify", {"x": 1}), 400, "malformed_request")
    assert_problem(server.post_raw("/v1/cluster/verify", "{}", "text/plain"), 415, "unsupported_media_type")


def test_min_index_that_never_comes(server):
    response = server.query("SELECT 1", consistency="local", min_index=10**15, timeout_ms=300)
    assert_problem(response, 503, "stale_read", retryable=True)
