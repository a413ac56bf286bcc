"""SIGTERM finishes what is in flight, loses nothing that was acknowledged, and exits 0."""

import signal
import threading
import time

import pytest
import requests

from raw_http import Connection, post


class Writer(threading.Thread):
    """Writes rows of its own one after the other until the server goes away; remembers what became of each."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.url = server.url
        self.first = number * 1_000_000
        self.applied, self.refused, self.unanswered = [], [], []

    def run(self):
        session = requests.Session()
        for i in range(1_000_000):
            key = self.first + i
            body = {"statements": [{"sql": "INSERT INTO t VALUES (?, 'a')", "params": [2 * key]},
                                   {"sql": "INSERT INTO t VALUES (?, 'b')", "params": [2 * key + 1]}]}
            try:
                response = session.post(self.url + "/v1/transactions", json=body, timeout=30)
            except requests.exceptions.RequestException:
                # Not sent, or the server closed an idle connection just as we sent: the connection ended unanswered.
                self.unanswered.append(key)
                return
            if response.status_code == 200:
                self.applied.append(key)
            else:
                assert response.json()["outcome"] == "not_applied", response.text
                self.refused.append(key)
                if response.json()["code"] == "shutting_down":
                    return


def check_content(server, writers):
    """All of what was acknowledged is there, whole; nothing of what was refused; nothing half."""
    stored = {row[0] for row in server.rows("SELECT id FROM t", max_rows=100_000)}
    for writer in writers:
        for key in writer.applied:
            assert {2 * key, 2 * key + 1} <= stored, f"{key} was acknowledged and is lost"
        for key in writer.refused:
            assert not {2 * key, 2 * key + 1} & stored, f"{key} was refused and is there"
        for key in writer.unanswered:
            assert len({2 * key, 2 * key + 1} & stored) in (0, 2), f"{key} is half there"
    assert server.verify()["equal"] is True


@pytest.mark.parametrize("mode", ["quorum", "dual_write"])
def test_graceful_stop_under_load_loses_nothing(make_server, mode):
    server = make_server("--mode", mode)
    server.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, part)")
    writers = []
    for _ in range(3):
        round_of_writers = [Writer(server, len(writers) + i) for i in range(8)]
        for writer in round_of_writers:
            writer.start()
        time.sleep(1)
        assert server.stop() == 0
        for writer in round_of_writers:
            writer.join(30)
            assert not writer.is_alive()
            assert writer.applied
        writers += round_of_writers
        server.start()
    check_content(server, writers)


def test_a_request_in_flight_is_answered(make_server):
    """A slow query is running when the signal comes: it gets its answer, and is told that the connection ends."""
    server = make_server()
    slow = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 12000000) SELECT count(*) FROM n")
    with Connection(server, timeout_s=30) as busy, Connection(server) as idle:
        idle.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.response()[0] == 200
        busy.send(post("/v1/query", {"sql": slow}))
        time.sleep(0.2)
        server.terminate()
        assert idle.is_closed()
        status, headers, _ = busy.response()
        assert status == 200 and headers["connection"] == "close"
        assert busy.is_closed()
    assert server.wait() == 0


def test_a_request_being_received_is_answered(make_server):
    server = make_server()
    request = post("/v1/query", {"sql": "SELECT 1"})
    with Connection(server) as connection:
        connection.send(request[:-5])
        time.sleep(0.2)
        server.terminate()
        time.sleep(0.3)
        connection.send(request[-5:])
        status, headers, _ = connection.response()
        assert status in (200, 503) and headers["connection"] == "close"
    assert server.wait() == 0


def test_a_client_that_never_ends_does_not_keep_the_server(make_server):
    server = make_server("--shutdown-timeout-ms", 500)
    with Connection(server) as connection:
        connection.send(b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        time.sleep(0.2)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 10


def test_no_new_connections_after_the_signal(make_server):
    server = make_server()
    assert server.stop() == 0
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(server.url + "/healthz", timeout=2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_end_it(make_server, number):
    server = make_server()
    server.process.send_signal(number)
    assert server.wait() == 0


def test_a_broken_pipe_does_not_end_it(make_server):
    """Clients that vanish before their answer."""
    server = make_server()
    for _ in range(50):
        with Connection(server) as connection:
            connection.send(post("/v1/query", {"sql": "SELECT 1"}) * 20)
    assert server.rows("SELECT 1") == [[1]]
