"""The protocol itself: framing, pipelining, keep-alive, timeouts, limits, HEAD."""

import json
import time

import pytest

from conftest import assert_problem
from raw_http import Connection, chunked_post, post

QUERY = {"sql": "SELECT 1"}
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("head", [
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "POST /v1/query HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n",
    "GET /healthz HTTP/1.1\r\n",
    "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n",
    "GET /healthz HTTP/2.0\r\nHost: x\r\n",
    "GET /healthz HTTP/1.2\r\nHost: x\r\n",
    "GET /healthz\r\nHost: x\r\n",
    "GET  /healthz HTTP/1.1\r\nHost: x\r\n",
    "GET /health z HTTP/1.1\r\nHost: x\r\n",
    "GET healthz HTTP/1.1\r\nHost: x\r\n",
    "GET /v1/query?sql=SELECT+%2 HTTP/1.1\r\nHost: x\r\n",
    "GET /v1/query?sql=SELECT+%zz HTTP/1.1\r\nHost: x\r\n",
    "GET * HTTP/1.1\r\nHost: x\r\n",
    "GET ftp://x/healthz HTTP/1.1\r\nHost: x\r\n",
    "GET /healthz HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n",
    "GET /healthz HTTP/1.1\r\nHost: x\r\nName: \x01\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is TLS\r\n",
], ids=lambda head: repr(head)[1:90])
def test_framing_attacks_and_broken_heads(server, head):
    """400, and the connection is closed: the bytes behind it must not be taken for another request."""
    with Connection(server) as connection:
        connection.send(head.encode("latin1") + b"\r\n" + b"0\r\n\r\n" + GET)
        assert connection.problem() == (400, "malformed_request")
        assert connection.is_closed()
        assert connection.received == b""


@pytest.mark.parametrize("body", [b"zz\r\nabc\r\n", b"-5\r\nabc\r\n", b"5\r\nabc\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n",
                                  b"3\r\nabcdef\r\n0\r\n\r\n", b"3;\x00\r\nabc\r\n0\r\n\r\n", b"3 \r\n"],
                         ids=lambda body: repr(body)[2:])
def test_chunked_garbage(server, body):
    head = b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Connection(server) as connection:
        connection.send(head + body + GET)
        status, code = connection.problem()
        assert (status, code) in ((400, "malformed_request"), (413, "limit_exceeded"))
        assert connection.is_closed() and connection.received == b""


def test_an_endless_chunk_header(make_server):
    with Connection(make_server()) as connection:
        connection.send(b"POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 100_000)
        assert connection.problem()[0] in (400, 431)
        assert connection.is_closed()


def test_chunked_bodies_work(server):
    text = json.dumps(QUERY).encode()
    with Connection(server) as connection:
        connection.send(chunked_post("/v1/query", *[text[i:i + 1] for i in range(len(text))]))
        status, _, body = connection.response()
        assert status == 200 and json.loads(body)["rows"] == [[1]]
        connection.send(chunked_post("/v1/query", text))
        assert connection.response()[0] == 200


def test_chunked_bodies_have_the_same_limit(server):
    with Connection(server) as connection:
        connection.send(b"POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(17):
                connection.send(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert connection.problem() == (413, "limit_exceeded")


def test_requests_byte_by_byte(server):
    with Connection(server) as connection:
        for byte in post("/v1/query", QUERY) + b"\r\n" + GET:
            connection.send(bytes([byte]))
        assert connection.response()[0] == 200
        assert connection.response()[0] == 200


def test_pipelining_keeps_the_order(server):
    with Connection(server) as connection:
        requests = [post("/v1/query", {"sql": "SELECT ?", "params": [i]}) if i % 3 else
                    f"GET /nothing/{i} HTTP/1.1\r\nHost: x\r\nX-Request-Id: r{i}\r\n\r\n".encode() for i in range(200)]
        connection.send(b"".join(requests))
        for i in range(200):
            status, headers, body = connection.response()
            if i % 3:
                assert status == 200 and json.loads(body)["rows"] == [[i]]
            else:
                assert status == 404 and headers["x-request-id"] == f"r{i}"


def test_pipelined_writes_are_done_in_their_order(server, table):
    insert = {"statements": [{"sql": f"INSERT INTO {table} (id, value) VALUES (1, 0)"}]}
    update = {"statements": [{"sql": f"UPDATE {table} SET value = value + 1, version = version + 1 "
                                     "WHERE id = 1 AND version = ?"}]}
    requests = [post("/v1/transactions", insert)]
    for version in range(1, 101):
        update["statements"][0]["params"] = [version]
        requests.append(post("/v1/transactions", update))
    with Connection(server) as connection:
        connection.send(b"".join(requests))
        assert [connection.response()[0] for _ in requests] == [200] * 101
    assert server.rows(f"SELECT value, version FROM {table}") == [[100, 101]]


def test_connection_close_is_obeyed(server):
    with Connection(server) as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + GET)
        status, headers, _ = connection.response()
        assert status == 200 and headers["connection"] == "close"
        assert connection.is_closed() and connection.received == b""


def test_http_1_0(server):
    with Connection(server) as connection:
        connection.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert connection.response()[1]["connection"] == "close"
        assert connection.is_closed()
    with Connection(server) as connection:
        for _ in range(3):
            connection.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert connection.response()[1]["connection"] == "keep-alive"


def test_absolute_targets_and_escapes(server):
    with Connection(server) as connection:
        connection.send(b"GET http://example.org/healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.response()[0] == 200
        connection.send(b"GET /%68ealthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.response()[0] == 200


def test_expect_100_continue(server):
    body = json.dumps(QUERY).encode()
    head = post("/v1/query", body, "Expect: 100-continue")[:-len(body)]
    with Connection(server) as connection:
        connection.send(head)
        assert connection.response()[0] == 100
        connection.send(body)
        assert connection.response()[0] == 200
        connection.send(head + body)  # a client that does not wait after all
        status = connection.response()[0]
        assert (connection.response()[0] if status == 100 else status) == 200


def test_expectations_that_cannot_be_met(server):
    with Connection(server) as connection:
        connection.send("POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n")
        assert connection.problem() == (413, "limit_exceeded")
    with Connection(server) as connection:
        connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: something\r\n\r\n")
        assert connection.problem() == (417, "expectation_failed")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/cluster", "/v1/query?sql=SELECT+1", "/openapi.yaml",
                                  "/problems/internal", "/nothing"])
def test_head(server, path):
    with Connection(server) as connection:
        connection.send(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, _ = connection.response(head_only=True)
        assert status == (404 if path == "/nothing" else 200)
        assert int(headers["content-length"]) > 0
        connection.send(GET)
        assert connection.response()[0] == 200  # which shows that no body was in between
        assert connection.received == b""


def test_request_ids(server):
    def request_id(value):
        return server.get("/healthz", headers={"X-Request-Id": value}).headers["X-Request-Id"]
    assert request_id("abc-123:~!") == "abc-123:~!"
    assert request_id("x" * 128) == "x" * 128
    assert request_id("x" * 129) not in ("", "x" * 129)
    assert " " not in request_id("with space")
    made = {server.get("/healthz").headers["X-Request-Id"] for _ in range(20)}
    assert len(made) == 20


@pytest.mark.parametrize("headers, status, code", [
    ("X: " + "y" * 17_000, 431, "header_too_large"),
    ("\r\n".join(f"X-{i}: {'y' * 100}" for i in range(200)), 431, "header_too_large"),
])
def test_headers_that_are_too_large(server, headers, status, code):
    with Connection(server) as connection:
        connection.send(f"GET /healthz HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n")
        assert connection.problem() == (status, code)
        assert connection.is_closed()


def test_headers_that_grow_slowly_are_limited_too(server):
    with Connection(server) as connection:
        connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n")
        try:
            for i in range(400):
                connection.send(f"X-{i}: {'y' * 100}\r\n")
                time.sleep(0.001)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert connection.problem() == (431, "header_too_large")


def test_a_target_that_is_too_long(server):
    with Connection(server) as connection:
        connection.send(f"GET /{'x' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.problem() == (414, "target_too_long")


@pytest.fixture(scope="module")
def hasty_server(tmp_path_factory):
    from conftest import Server
    server = Server(tmp_path_factory.mktemp("hasty"), "--header-timeout-ms", 300, "--body-timeout-ms", 300,
                    "--idle-timeout-ms", 700, "--max-connections", 20).start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.mark.parametrize("beginning", [
    "G", "GET /healthz HTTP/1.1\r\nHost: x\r\n",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    "POST /v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
])
def test_slow_requests(hasty_server, beginning):
    started = time.monotonic()
    with Connection(hasty_server) as connection:
        connection.send(beginning)
        assert connection.problem() == (408, "request_timeout")
        assert connection.is_closed()
    assert 0.25 < time.monotonic() - started < 5


def test_a_trickle_does_not_extend_the_time(hasty_server):
    started = time.monotonic()
    with Connection(hasty_server) as connection:
        connection.send("GET /healthz HTTP/1.1\r\n")
        connection.socket.settimeout(0.05)
        while not connection.received and time.monotonic() - started < 5:
            connection.send("X: y\r\n")
            try:
                connection.receive()
            except TimeoutError:
                pass
        assert connection.problem() == (408, "request_timeout")


def test_half_sent_requests(hasty_server):
    with Connection(hasty_server) as connection:
        connection.send("POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        connection.end_sending()
        assert connection.problem() == (400, "malformed_request")
    with Connection(hasty_server) as connection:
        connection.send(post("/v1/query", QUERY))
        connection.end_sending()  # a whole request is answered all the same
        assert connection.response()[0] == 200


def test_idle_connections_are_closed_without_a_word(hasty_server):
    with Connection(hasty_server) as connection:
        assert connection.is_closed() and connection.received == b""
    with Connection(hasty_server) as connection:
        connection.send(GET)
        assert connection.response()[0] == 200
        started = time.monotonic()
        assert connection.is_closed() and connection.received == b""
        assert time.monotonic() - started > 0.5


def test_too_many_connections(hasty_server):
    connections = []
    deadline = time.monotonic() + 10
    while len(connections) < 20:  # those of other tests may not be over yet
        connection = Connection(hasty_server)
        connection.send(GET)
        status = connection.response()[0]
        assert status == 200 or (status == 503 and time.monotonic() < deadline)
        if status == 200:
            connections.append(connection)
        else:
            connection.socket.close()
    with Connection(hasty_server) as connection:
        status, headers, body = connection.response()
        assert status == 503 and headers["retry-after"] and json.loads(body)["code"] == "too_many_connections"
        assert connection.is_closed()
    for connection in connections:
        connection.socket.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with Connection(hasty_server) as connection:
            connection.send(GET)
            if connection.response()[0] == 200:
                return
    raise AssertionError("no room again after connections were closed")


def test_clients_that_do_not_read(make_server):
    """A result larger than all socket buffers, to a client that stops reading: others are served, it is cut off."""
    server = make_server("--idle-timeout-ms", 700)
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30) SELECT hex(zeroblob(500000)) FROM n"
    with Connection(server) as connection:
        connection.send(post("/v1/query", {"sql": sql}))
        time.sleep(2)
        assert server.rows("SELECT 1") == [[1]]
        assert connection.is_closed()
        assert len(connection.received) < 30 * 1_000_000
    assert len(server.rows(sql)) == 30


def test_large_bodies_share_a_limit(make_server):
    server = make_server("--max-body-memory-bytes", "16MiB")
    half = b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n\r\n"
    with Connection(server) as first, Connection(server) as second:
        first.send(half + b" " * 9_000_000)
        time.sleep(0.5)
        try:
            second.send(half + b" " * 9_000_000)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert second.problem() == (429, "overloaded")
        first.send(b" " * (1_000_000 - len(json.dumps(QUERY))) + json.dumps(QUERY).encode())
        assert first.response()[0] == 200
    big = {"sql": "SELECT 1" + " " * 1_000_000}
    assert_problem(server.post("/v1/query", {"sql": "SELECT 1", "x": "y" * 9_000_000}), 400, "malformed_request")
    assert server.post("/v1/query", big).status_code == 200
