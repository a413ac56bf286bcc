"""What an attacker sends: requests that two readers would cut at different places, floods, and connections that are never
done. One request gets at most one answer, what is hidden in a body is never run, and memory stays bounded."""

import json
import random
import re
import socket
import time

import pytest

from raw_http import Connection, chunked_post, post

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: hidden\r\n\r\n"
HEAD = "POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
MIB = 1 << 20
# What the floods below may add to the memory of a server, beside the bodies that it may hold.
ROOM_BYTES = 64 * MIB


def memory(server):
    """The resident bytes of the server's process."""
    status = open(f"/proc/{server.process.pid}/status", encoding="ascii").read()
    return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE).group(1)) * 1024


def everything(connection):
    """All that the server sends until it closes, or is silent for a while."""
    connection.socket.settimeout(0.5)
    try:
        connection.is_closed()
    except TimeoutError:
        pass
    return connection.received


def send_all(connection, data):
    """A server that has seen enough may close while we still send."""
    try:
        connection.send(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


@pytest.mark.parametrize("fields", [
    "Content-Length: 0\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 0",
    "Content-Length: 0\r\nContent-Length: {size}",
    "Content-Length: {size}\r\nContent-Length: 0",
    "Content-Length: 0, {size}",
    "Content-Length: {size} 0",
    "Content-Length: {size}\x0b",
    "Content-Length: 1_0",
    "Content-Length: 1e1",
    "Content-Length: \xb2",
    "Content-Length\t: {size}",
    "Content-Length: 0\r\n Content-Length: {size}",
    "X: y\r\n\tContent-Length: {size}",
    "X: y\rContent-Length: {size}",
    "X: y\x00\r\nContent-Length: {size}",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: chunke",
    "Transfer-Encoding:",
    "Transfer_Encoding: chunked\r\nTransfer-Encoding: x",
    "X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: {size}",
    "Transfer-Encoding:\r\n chunked",
    "X:\r\n\ty\r\nContent-Length: {size}",
], ids=repr)
def test_a_request_that_is_cut_in_two_ways_hides_nothing(server, fields):
    """Each head is refused, and what follows is neither a body nor another request."""
    body = b"0\r\n\r\n" + HIDDEN
    with Connection(server) as connection:
        connection.send((HEAD + fields.format(size=len(body)) + "\r\n\r\n").encode("latin1") + body)
        status, _, answer = connection.response()
        assert status == 400, answer
        assert connection.is_closed() and connection.received == b""


@pytest.mark.parametrize("body", [
    b"0x0\r\n\r\n", b"00_0\r\n\r\n", b" 0\r\n\r\n", b"+0\r\n\r\n", b"\r\n0\r\n\r\n", b"0\n\n", b"0\r\r\n", b"\n",
    b"1\r\nx\n0\r\n\r\n", b"1\r\nx0\r\n\r\n", b"2\r\nx\r\n0\r\n\r\n", b"10000000000000000\r\n", b"0\r\nX : y\r\n\r\n",
], ids=repr)
def test_chunks_that_are_cut_in_two_ways_hide_nothing(server, body):
    with Connection(server) as connection:
        connection.send((HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode() + body + HIDDEN)
        connection.end_sending()
        status, _, answer = connection.response()
        assert status in (400, 413), answer
        assert connection.is_closed() and connection.received == b""


def test_trailers_change_nothing(server):
    """Fields behind a chunked body are no fields of the request, and have its limit."""
    text = json.dumps({"sql": "SELECT 1"}).encode()
    with Connection(server) as connection:
        connection.send(chunked_post("/v1/query", text)[:-2] + b"X-Request-Id: hidden\r\nContent-Length: 9\r\n\r\n" + GET)
        status, headers, _ = connection.response()
        if status == 200:
            assert headers["x-request-id"] != "hidden"
            assert connection.response()[0] == 200
        else:
            assert status == 400 and connection.is_closed()
    with Connection(server) as connection:
        send_all(connection, chunked_post("/v1/query", text)[:-2] + b"X: " + b"y" * 4 * MIB + b"\r\n\r\n")
        assert connection.response()[0] in (400, 413, 431)
        assert connection.is_closed()


def test_broken_requests_get_at_most_one_answer(server):
    """Two good requests with bytes changed, removed, added: never more answers than there are ends of heads, and of what is
    not even that."""
    chance = random.Random(1)
    good = post("/v1/query", {"sql": "SELECT 1"}) + chunked_post("/v1/query", b'{"sql":', b' "SELECT 2"}')
    for _ in range(400):
        data = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(data))
            what = chance.choice([b"", b"\r", b"\n", b"\r\n", b" ", b":", b"\x00", b"0", b"9", bytes([chance.randrange(256)])])
            data[at:at + chance.randint(0, 2)] = what
        with Connection(server) as connection:
            connection.send(bytes(data))
            connection.end_sending()
            connection.is_closed()
            statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", connection.received)]
        assert len(statuses) <= len(re.findall(rb"\r?\n\r?\n", data)) + 1, bytes(data)
        assert set(statuses) <= {200, 400, 404, 405, 408, 411, 413, 414, 415, 417, 422, 431}, (statuses, bytes(data))
    assert server.rows("SELECT 1") == [[1]]


def test_pipelined_requests_without_reading(make_server):
    """Requests whose answers nobody reads are not taken in without end."""
    server = make_server("--idle-timeout-ms", 2000)
    before = memory(server)
    sql = "SELECT hex(zeroblob(50000))"  # 100 KB for each answer
    request = post("/v1/query", {"sql": sql}) * 100
    with Connection(server) as connection:
        connection.socket.settimeout(0.5)
        try:
            for _ in range(200):
                connection.send(request)
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
        assert memory(server) - before < ROOM_BYTES
        assert server.rows("SELECT 1") == [[1]]


def test_a_thousand_connections_that_are_never_done(make_server):
    """Heads and bodies that come a byte at a time: others are served, each is cut off in time, memory stays bounded."""
    server = make_server("--header-timeout-ms", 2000, "--body-timeout-ms", 2000)
    before = memory(server)
    beginnings = [b"GET /healthz HTTP/1.1\r\nX: ", (HEAD + "Content-Length: 1000000\r\n\r\n{").encode(),
                  (HEAD + "Transfer-Encoding: chunked\r\n\r\nfffff\r\n ").encode(), b"G"]
    started = time.monotonic()
    slow = []
    for number in range(1000):
        slow.append(socket.create_connection((server.host, server.port), timeout=10))
        slow[-1].sendall(beginnings[number % len(beginnings)])
    assert server.rows("SELECT 1") == [[1]]
    assert memory(server) - before < ROOM_BYTES
    for connection in slow:
        try:
            connection.sendall(b"x")
        except (BrokenPipeError, ConnectionResetError):
            pass
    for connection in slow:
        answer = b""
        try:
            while data := connection.recv(4096):
                answer += data
        except ConnectionResetError:
            pass
        assert answer.count(b"HTTP/1.1 ") <= 1 and (not answer or answer.startswith(b"HTTP/1.1 408 ")), answer
        connection.close()
    assert time.monotonic() - started < 30
    assert memory(server) - before < ROOM_BYTES
    assert server.rows("SELECT 1") == [[1]]


@pytest.mark.parametrize("flood", [
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 500_000,
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 4 * MIB,
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A" * 4 * MIB,
    b"GET /" + b"a" * 4 * MIB,
    b"G" * 4 * MIB,
    b"\r\n" * 2 * MIB,
    (HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode() + b"1;" + b"a=b;" * MIB,
    (HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode() + b"1\r\n \r\n" * MIB,
    (HEAD + f"Content-Length: {64 * MIB}\r\n\r\n").encode() + b" " * 17 * MIB,
], ids=lambda flood: repr(flood[:1] + flood[-8:]))
def test_floods(server, flood):
    """Everything that has no end is cut off, with one answer, before it costs memory."""
    before = memory(server)
    for _ in range(8):
        with Connection(server) as connection:
            send_all(connection, flood)
            answer = everything(connection)
            assert answer.count(b"HTTP/1.1 ") <= 1, answer[:1000]
            assert not answer or re.match(rb"HTTP/1\.1 (400|413|414|431) ", answer), answer[:200]
    assert memory(server) - before < ROOM_BYTES
    assert server.rows("SELECT 1") == [[1]]
