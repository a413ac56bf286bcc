"""What failed can be found in the logs, by the ids that its client knows."""

import re
import time

import pytest
import requests

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def wait_log(server, *parts, timeout_s=10):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        lines = [line for line in server.log().splitlines() if all(part in line for part in parts)]
        if lines:
            return lines
        time.sleep(0.02)
    raise AssertionError(f"no line with {parts} in the log:\n{server.log()}")


@pytest.fixture(scope="module")
def talkative(tmp_path_factory):
    from conftest import Server
    server = Server(tmp_path_factory.mktemp("talkative"), "--log-requests", "true").start()
    yield server
    assert server.stop() == 0, server.log()


def test_an_answer_of_the_500s_is_logged_with_its_ids(server):
    headers = {"X-Request-Id": "find-me-1", "traceparent": PARENT}
    response = server.post("/v1/query", {"sql": "SELECT 1", "min_index": 10**9, "timeout_ms": 50}, headers=headers)
    assert response.status_code == 503 and response.headers["X-Request-Id"] == "find-me-1"
    [line] = wait_log(server, "find-me-1")
    assert "warning" in line
    assert re.search(rf"request find-me-1 trace {TRACE}: POST /v1/query 503 stale_read, not_applied, \d+ bytes in "
                     r"\d+\.\d{3} ms", line), line


def test_others_are_logged_only_when_asked_for(server, talkative):
    for target in (server, talkative):
        for request_id, sql in (("went-well", "SELECT 1"), ("refused", "SELECT")):
            target.get("/v1/query", params={"sql": sql}, headers={"X-Request-Id": request_id})
    [line] = wait_log(talkative, "went-well")
    assert "info" in line and "GET /v1/query 200" in line and "SELECT" not in line, "what is asked is not logged"
    [line] = wait_log(talkative, "refused")
    assert "422 sql_error" in line
    assert "went-well" not in server.log() and "refused" not in server.log()


def test_a_stream_that_is_cut_is_logged(make_server):
    server = make_server("--stream-time-ms", "200")
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.post(server.url + "/v1/query", json={"sql": sql}, timeout=60,
                      headers={"Accept": "text/csv", "X-Request-Id": "cut-short"})
    [line] = wait_log(server, "cut-short")
    assert "warning" in line and "200 cut: statement_timeout" in line and "not all of it sent" in line


@pytest.mark.parametrize("traceparent", [
    "", "00", PARENT.upper(), PARENT[:-1], PARENT + "-", "01" + PARENT[2:], "ff" + PARENT[2:],
    f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE[:-1]}g-00f067aa0ba902b7-01",
    f"00_{TRACE}-00f067aa0ba902b7-01"])
def test_a_malformed_traceparent_is_ignored(talkative, traceparent, request):
    request_id = f"malformed-{abs(hash(request.node.name))}"
    response = talkative.get("/healthz", headers={"traceparent": traceparent, "X-Request-Id": request_id})
    assert response.status_code == 200
    [line] = wait_log(talkative, request_id)
    assert " trace " not in line


def test_a_good_one_is_logged_and_ids_are_made_where_there_is_none(talkative):
    request_id = talkative.get("/healthz", headers={"traceparent": PARENT}).headers["X-Request-Id"]
    [line] = wait_log(talkative, f"request {request_id} ")
    assert f"trace {TRACE}: GET /healthz 200" in line
