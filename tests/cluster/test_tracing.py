"""A request that is passed on leaves its ids in the logs of both processes."""

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


def send(node, request_id, path, body):
    return node.session.post(node.url + path, json=body, headers={**HEADERS, "X-Request-Id": request_id}, timeout=60)


def test_a_forwarded_request_is_found_in_both_logs(make_cluster):
    cluster = make_cluster(flags=["--log-level", "debug", "--log-requests", "true"])
    leader = cluster.leader()
    follower = cluster.others(leader)[0]
    write = {"statements": [{"sql": "CREATE TABLE t (a PRIMARY KEY)"}, {"sql": "INSERT INTO t VALUES (1)"}]}
    assert send(follower, "passed-on-1", "/v1/transactions", write).status_code == 200
    assert send(follower, "passed-on-2", "/v1/query", {"sql": "SELECT a FROM t"}).status_code == 200
    assert send(follower, "passed-on-3", "/v1/query", {"sql": "SELECT a FROM t", "consistency": "leader"}).status_code == 200
    assert send(follower, "passed-on-4", "/v1/transactions",
                {"statements": [{"sql": "INSERT INTO t VALUES (1)"}]}).status_code == 422
    follower.wait_log("info", f"request passed-on-1 trace {TRACE}: POST /v1/transactions 200")
    for request_id, what, result in (("passed-on-1", "write", "done"), ("passed-on-2", "read_index", "done"),
                                     ("passed-on-3", "query", "done"), ("passed-on-4", "write", "UNIQUE")):
        leader.wait_log("debug", f"request {request_id} trace {TRACE}: {what} for node {follower.id}: ", result)
