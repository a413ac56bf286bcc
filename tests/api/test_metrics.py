"""GET /metrics: well-formed by Prometheus's own parser, and true."""

import time

import requests
from prometheus_client.parser import text_string_to_metric_families


def families(server):
    response = requests.get(server.url + "/metrics", timeout=10)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    parsed = {family.name: family for family in text_string_to_metric_families(response.text)}
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    assert sum(len(family.samples) for family in parsed.values()) == len(lines), "every line is a sample"
    return parsed


def value(parsed, sample_name, **labels):
    """The sample's value, 0 if there is none: a counter begins when it first counts."""
    found = [sample.value for family in parsed.values() for sample in family.samples
             if sample.name == sample_name and labels.items() <= sample.labels.items()]
    assert len(found) <= 1, found
    return found[0] if found else 0


def test_every_family_has_help_and_a_type_and_a_good_name(server):
    server.query("SELECT 1")
    parsed = families(server)
    for family in parsed.values():
        assert family.documentation and family.type in ("counter", "gauge", "histogram"), family
        assert family.name.startswith("quorate_")
        for sample in family.samples:
            assert (family.type != "counter") or sample.name.endswith("_total")
    assert {"quorate_http_requests", "quorate_http_request_duration_seconds", "quorate_http_connections",
            "quorate_http_response_bytes", "quorate_transactions", "quorate_node_term", "quorate_node_leads",
            "quorate_node_commit_index", "quorate_node_applied_index", "quorate_node_lag_entries",
            "quorate_node_log_bytes", "quorate_node_queued_writes", "quorate_node_streams", "quorate_uptime_seconds",
            "quorate_build_info"} <= set(parsed)


def test_requests_are_counted_by_route_and_status(server):
    before = families(server)
    for _ in range(3):
        server.query("SELECT 1")
    server.query("SELECT")
    server.get("/problems/internal")
    server.get("/problems/sql_error")
    server.session.head(server.url + "/problems/internal", timeout=10)
    server.get("/nowhere")
    after = families(server)

    def grown(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)

    query = {"route": "/v1/query", "method": "POST"}
    assert grown("quorate_http_requests_total", status="2xx", **query) == 3
    assert grown("quorate_http_requests_total", status="4xx", **query) == 1
    assert grown("quorate_http_requests_total", route="/problems/{code}", method="GET", status="2xx") == 3
    assert grown("quorate_http_requests_total", route="none", status="4xx") == 1
    assert grown("quorate_http_response_bytes_total") > 1000


def test_the_histogram_is_one(server):
    for _ in range(5):
        server.query("SELECT 1")
    family = families(server)["quorate_http_request_duration_seconds"]
    of_query = [s for s in family.samples if s.labels["route"] == "/v1/query" and s.labels["method"] == "POST"]
    buckets = [sample for sample in of_query if sample.name.endswith("_bucket")]
    bounds = [float(sample.labels["le"]) for sample in buckets]
    assert bounds == sorted(bounds) and bounds[-1] == float("inf")
    counts = [sample.value for sample in buckets]
    assert counts == sorted(counts) and counts[-1] >= 5
    [count] = [sample.value for sample in of_query if sample.name.endswith("_count")]
    [total] = [sample.value for sample in of_query if sample.name.endswith("_sum")]
    assert count == counts[-1] and 0 < total < 60 * count


def test_transactions_and_nodes(make_server):
    server = make_server()
    server.must_write("CREATE TABLE t (a PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    for _ in range(2):
        assert server.write("DELETE FROM t WHERE a = 9").status_code == 409
    assert server.write("INSERT INTO t VALUES (1)").status_code == 422
    cluster = server.wait_caught_up()
    parsed = families(server)
    assert value(parsed, "quorate_transactions_total", result="applied") == 1
    assert value(parsed, "quorate_transactions_total", result="version_conflict") == 2
    assert value(parsed, "quorate_transactions_total", result="constraint_failed") == 1
    for node in ("n1", "n2", "n3"):
        assert value(parsed, "quorate_node_term", node=node) == cluster["term"]
        assert value(parsed, "quorate_node_applied_index", node=node) == cluster["commit_index"]
        assert value(parsed, "quorate_node_lag_entries", node=node) == 0
        assert value(parsed, "quorate_node_leads", node=node) == (1 if node == cluster["leader"] else 0)
        assert value(parsed, "quorate_node_serves", node=node) == 1
        assert value(parsed, "quorate_node_log_bytes", node=node) > 0
    assert 0 < value(parsed, "quorate_uptime_seconds") < 600


def test_connections_and_streams_that_are_open(make_server):
    server = make_server()
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"

    def open_now():
        parsed = families(server)
        return (sum(value(parsed, "quorate_node_streams", node=node) for node in ("n1", "n2", "n3")),
                value(parsed, "quorate_http_connections"))

    streams, connections = open_now()
    assert streams == 0
    response = requests.post(server.url + "/v1/query", json={"sql": sql}, headers={"Accept": "text/csv"}, stream=True,
                             timeout=60)
    assert open_now() == (1, connections + 1)
    response.close()
    deadline = time.monotonic() + 20
    while open_now() != (0, connections):
        assert time.monotonic() < deadline
        time.sleep(0.05)
