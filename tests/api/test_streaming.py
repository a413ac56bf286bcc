"""Results that are streamed: as NDJSON and as CSV, with bounded memory, and never one that was cut taken for whole."""

import base64
import contextlib
import csv
import http.client
import io
import json
import socket
import threading
import time

import pytest
import requests

from conftest import assert_problem

NDJSON = {"Accept": "application/x-ndjson"}
CSV = {"Accept": "text/csv"}
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i{} FROM n"


def numbers(count, more=""):
    return NUMBERS.format(count, more)


def stream(server, sql, headers=NDJSON, **fields):
    return requests.post(server.url + "/v1/query", json={"sql": sql, **fields}, headers=headers, stream=True, timeout=60)


def lines_of(response):
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.iter_lines()]


def resident_kib(server):
    status = open(f"/proc/{server.process.pid}/status").read()
    return int(status.split("VmRSS:")[1].split()[0])


@contextlib.contextmanager
def raw_query(server, sql, accept="application/x-ndjson", receive_buffer=None, version="1.1"):
    """A client that reads only when told to. Yields its socket."""
    with socket.socket() as client:
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(60)
        client.connect((server.host, server.port))
        body = json.dumps({"sql": sql}).encode()
        client.sendall(f"POST /v1/query HTTP/{version}\r\nHost: x\r\nAccept: {accept}\r\nContent-Length: {len(body)}\r\n"
                       f"Content-Type: application/json\r\n\r\n".encode() + body)
        yield client


def read_to_end(client):
    received = b""
    while True:
        try:
            part = client.recv(1 << 20)
        except ConnectionResetError:
            return received
        if not part:
            return received
        received += part


# --- what is sent ---

def test_ndjson_has_a_head_the_rows_and_an_end(server, table):
    index = server.must_write((f"INSERT INTO {table} (value) VALUES (?), (?)", ["a", None]))["index"]
    response = stream(server, f"SELECT id, value FROM {table} ORDER BY id")
    assert response.headers["Content-Type"] == "application/x-ndjson"
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert int(response.headers["Quorate-Index"]) >= index
    assert "Accept" in response.headers["Vary"]
    head, *rows, end = lines_of(response)
    assert head == {"columns": ["id", "value"], "types": ["INTEGER", ""], "node": head["node"],
                    "index": int(response.headers["Quorate-Index"])}
    assert rows == [[1, "a"], [2, None]]
    assert end == {"end": True, "rows": 2, "truncated": False}


def test_values_are_those_of_the_json_form(server):
    sql = ("SELECT 9223372036854775807 a, -9223372036854775808 b, 0.1 c, 1e300 d, 9e999 e, -9e999 f, NULL g, "
           "'é\n\"' h, x'00ff' i, CAST(x'ff' AS TEXT) j, '' k, x'' l")
    for shape in ("arrays", "objects"):
        for integers in ("number", "string"):
            url = f"{server.url}/v1/query?integers={integers}"
            body = {"sql": sql, "shape": shape}
            whole = requests.post(url, json=body, timeout=60).json()
            head, row, end = lines_of(requests.post(url, json=body, headers=NDJSON, timeout=60))
            assert [row] == whole["rows"]
            assert head["columns"] == whole["columns"] and head["types"] == whole["types"]
            assert end["rows"] == 1


def test_csv_follows_rfc_4180(server):
    sql = ("SELECT 1 AS \"a,b\", NULL n, '' e, 'x,\"y\"\r\nz' q, x'00ff' b, x'' eb, 1.0 r, -9e999 i, "
           "9223372036854775807 m, ' s ' s")
    response = stream(server, sql, CSV)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert response.headers["Trailer"] == "Quorate-Rows"
    assert response.content.decode() == (
        '"a,b",n,e,q,b,eb,r,i,m,s\r\n'
        '1,,"","x,""y""\r\nz",AP8=,"",1.0,-Infinity,9223372036854775807, s \r\n')
    names, values = csv.reader(io.StringIO(response.content.decode(), newline=""))
    assert names[0] == "a,b" and values[3] == 'x,"y"\r\nz' and base64.b64decode(values[4]) == b"\x00\xff"


def test_the_last_chunk_is_followed_by_the_number_of_rows(server):
    for accept in ("application/x-ndjson", "text/csv"):
        with raw_query(server, numbers(2500), accept) as client:
            received = b""
            while not received.endswith(b"\r\n0\r\nQuorate-Rows: 2500\r\n\r\n"):
                part = client.recv(65536)
                assert part, received[-200:]
                received += part
            # The connection goes on.
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")


def test_nothing_to_stream_is_a_whole_result_too(server):
    assert lines_of(stream(server, "SELECT 1 a WHERE 0"))[1:] == [{"end": True, "rows": 0, "truncated": False}]
    assert stream(server, "SELECT 1 a WHERE 0", CSV).content == b"a\r\n"


def test_max_rows_holds_only_if_given(server):
    assert lines_of(stream(server, numbers(100_001)))[-1] == {"end": True, "rows": 100_001, "truncated": False}
    assert lines_of(stream(server, numbers(5000), max_rows=4000))[-1] == {"end": True, "rows": 4000, "truncated": True}
    assert lines_of(stream(server, numbers(150_000), max_rows=200_000))[-1]["rows"] == 150_000


def test_get_and_head(server):
    parameters = {"sql": "SELECT ? a", "params": "[7]", "consistency": "local"}
    assert lines_of(server.get("/v1/query", params=parameters, headers=NDJSON))[1] == [7]
    response = server.session.head(server.url + "/v1/query", params=parameters, headers=CSV, timeout=60)
    assert response.status_code == 200 and response.content == b""
    assert response.headers["Content-Type"].startswith("text/csv")
    assert server.get("/healthz").status_code == 200


@pytest.mark.parametrize("consistency", ["local", "leader", "linearizable"])
def test_consistency_and_min_index(server, table, consistency):
    for i in range(5):
        index = server.must_write((f"INSERT INTO {table} (value) VALUES (?)", [i]))["index"]
        rows = lines_of(stream(server, f"SELECT count(*) FROM {table}", consistency=consistency, min_index=index))
        assert rows[1] == [i + 1]
    for node in ("n1", "n2", "n3"):
        head = lines_of(stream(server, f"SELECT 1 FROM {table}", consistency="local", node=node, min_index=index))[0]
        assert head["node"] == node and head["index"] >= index


@pytest.mark.parametrize("accept, media", [
    ("*/*", "application/json"), ("application/*", "application/json"), ("text/*", "text/csv"),
    ("application/x-ndjson, */*", "application/x-ndjson"), ("application/x-ndjson;q=0.5, application/json", "application/json"),
    ("text/csv;q=0.9, application/x-ndjson;q=0.8, */*;q=0.1", "text/csv"), ("application/json;q=0, */*", "application/x-ndjson"),
    ("TEXT/CSV; charset=UTF-8", "text/csv"), ("nonsense, text/csv", "text/csv"), ("", "application/json"),
    ("image/png, */*;q=0.01", "application/json")])
def test_accept_decides(server, accept, media):
    response = server.get("/v1/query", params={"sql": "SELECT 1"}, headers={"Accept": accept})
    assert response.headers["Content-Type"].split(";")[0] == media


def test_accept_on_several_lines_is_one_list(server):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    connection.putrequest("GET", "/v1/query?sql=SELECT%201")
    connection.putheader("Accept", "image/png")
    connection.putheader("Accept", "text/csv")
    connection.endheaders()
    assert connection.getresponse().headers["Content-Type"].startswith("text/csv")


# --- refusals, before the first byte ---

def test_what_cannot_be_sent_is_refused(server):
    for accept in ("image/png", "text/html", "*/*;q=0", "text/csv; charset=latin1"):
        response = server.get("/v1/query", params={"sql": "SELECT 1"}, headers={"Accept": accept})
        assert_problem(response, 406, "not_acceptable")


def test_errors_before_the_first_byte_are_problems(server):
    assert_problem(stream(server, "SELECT nothing"), 422, "sql_error")
    assert_problem(stream(server, "DELETE FROM t"), 422, "sql_error")
    assert_problem(stream(server, "CREATE TABLE u (a)"), 422, "forbidden_sql")
    assert_problem(stream(server, "SELECT ?"), 422, "parameter_mismatch")
    assert_problem(stream(server, "SELECT 1 a, 2 a", shape="objects"), 400, "malformed_request")
    assert_problem(stream(server, "SELECT 1", node="n9", consistency="local"), 404, "not_found")
    assert_problem(stream(server, "SELECT 1", min_index=10**9, timeout_ms=100), 503, "stale_read")
    started = time.monotonic()
    slow = stream(server, numbers(10**9, " WHERE i < 0").replace("SELECT i WHERE i < 0 FROM n", "SELECT i FROM n WHERE i < 0"),
                  timeout_ms=300)
    assert_problem(slow, 422, "statement_timeout")
    assert time.monotonic() - started < 5


def test_http_1_0_has_no_chunks(server):
    with raw_query(server, "SELECT 1", version="1.0") as client:
        received = read_to_end(client)
    assert received.startswith(b"HTTP/1.1 426 Upgrade Required\r\n") and b"Upgrade: HTTP/1.1\r\n" in received
    assert json.loads(received.split(b"\r\n\r\n")[1])["code"] == "http_version"
    with raw_query(server, "SELECT 1", accept="application/json", version="1.0") as client:
        assert read_to_end(client).startswith(b"HTTP/1.1 200 OK")


# --- what it costs, and what it leaves alone ---

def test_a_million_rows_and_a_slow_client_take_little_memory(make_server):
    server = make_server()
    server.must_write("CREATE TABLE big (id INTEGER PRIMARY KEY, text TEXT)",
                      "INSERT INTO big " + numbers(1_000_000, ", 'row ' || i || ' of some length, as rows are'"))
    server.wait_caught_up()
    before = resident_kib(server)
    most = 0
    seen = 0
    response = stream(server, "SELECT id, text FROM big ORDER BY id")
    for number, line in enumerate(response.iter_lines(chunk_size=65536)):
        if number % 50_000 == 0:
            time.sleep(0.05)
            most = max(most, resident_kib(server))
        seen += 1
    assert seen == 1_000_002 and json.loads(line) == {"end": True, "rows": 1_000_000, "truncated": False}
    assert most - before < 24 * 1024, (before, most)


def test_writes_go_on_and_the_stream_sees_its_own_position(make_server):
    server = make_server()
    server.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)",
                      "INSERT INTO t " + numbers(300_000, ", 0"))
    response = stream(server, "SELECT v FROM t ORDER BY id")
    lines = response.iter_lines()
    index = json.loads(next(lines))["index"]
    for round_ in range(1, 6):
        assert server.must_write(f"UPDATE t SET v = {round_} WHERE id % 1000 = 0")["index"] > index
    server.must_write("DROP TABLE t")
    values = [json.loads(line) for line in lines]
    assert values.pop() == {"end": True, "rows": 300_000, "truncated": False}
    assert all(value == [0] for value in values)


def test_fifty_streams_at_once_leave_the_readers_to_others(make_server):
    server = make_server()
    sql = numbers(200_000, ", 'some text that makes the row longer'")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(raw_query(server, sql, receive_buffer=16384)) for _ in range(50)]
        for client in clients:
            assert client.recv(15).startswith(b"HTTP/1.1 200 OK")
        # All of them wait for their clients now; queries and writes do not wait for them.
        started = time.monotonic()
        for _ in range(20):
            assert server.rows("SELECT 1", consistency="local") == [[1]]
        server.must_write("CREATE TABLE t (a)")
        assert time.monotonic() - started < 5
        ends = []

        def drain(client):
            received = b""
            while not received.endswith(b"Quorate-Rows: 200000\r\n\r\n"):
                part = client.recv(1 << 20)
                if not part:
                    return
                received = (received + part)[-200:]
            ends.append(received)

        threads = [threading.Thread(target=drain, args=[client]) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert len(ends) == 50


def test_one_stream_too_many_is_refused_until_another_ends(make_server):
    server = make_server("--max-streams", "2")
    with raw_query(server, numbers(10**9)) as first, raw_query(server, numbers(10**9)) as second:
        assert first.recv(15) and second.recv(15)
        assert_problem(stream(server, "SELECT 1"), 429, "overloaded")
        first.close()
        deadline = time.monotonic() + 20
        while stream(server, "SELECT 1").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)


# --- streams that end early ---

def must_be_cut(received):
    assert not received.endswith(b"\r\n0\r\n\r\n") and b"Quorate-Rows: " not in received.split(b"\r\n\r\n", 1)[1]
    return received


def error_line(received):
    line = [line for line in received.split(b"\n") if line.startswith(b'{"error":')]
    assert len(line) == 1, received[-500:]
    return json.loads(line[0])["error"]


def test_a_client_that_stops_reading_is_cut(make_server):
    server = make_server("--stream-write-timeout-ms", "500", "--max-streams", "1")
    with raw_query(server, numbers(10**9), receive_buffer=16384) as client:
        assert client.recv(15)
        deadline = time.monotonic() + 20
        while stream(server, "SELECT 1").status_code != 200:  # the one place for a stream is free again
            assert time.monotonic() < deadline
            time.sleep(0.1)
        must_be_cut(read_to_end(client))


def test_a_stream_that_lasts_too_long_is_cut_also_while_nobody_reads(make_server):
    server = make_server("--stream-time-ms", "700")
    started = time.monotonic()
    with raw_query(server, numbers(10**9), receive_buffer=16384) as client:
        time.sleep(1.5)
        received = must_be_cut(read_to_end(client))
    assert time.monotonic() - started < 10
    problem = error_line(received)
    assert problem["code"] == "statement_timeout" and problem["request_id"] and problem["detail"]


def test_a_statement_that_takes_too_long_for_a_piece_is_cut(make_server):
    server = make_server("--statement-time-ms", "300")
    # The first rows come at once, and then none for ever.
    sql = numbers(10**12).replace("SELECT i FROM n", "SELECT i FROM n WHERE i < 3000 OR i > 1000000000")
    for accept in ("application/x-ndjson", "text/csv"):
        with raw_query(server, sql, accept) as client:
            received = must_be_cut(read_to_end(client))
        assert received.startswith(b"HTTP/1.1 200 OK")
        if accept == "application/x-ndjson":
            assert error_line(received)["code"] == "statement_timeout"


def test_every_http_client_notices_a_cut(make_server):
    server = make_server("--stream-time-ms", "300")
    for headers in (NDJSON, CSV):
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for _ in stream(server, numbers(10**9), headers).iter_content(65536):
                pass


def test_an_sql_error_in_the_middle_is_told_in_the_last_line(server):
    response = stream(server, numbers(5000, ", CASE WHEN i < 4000 THEN 1 ELSE abs(-9223372036854775807 - 1) END"))
    received = b""
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        for part in response.iter_content(None):
            received += part
    assert error_line(received)["code"] == "sql_error"


def test_shutdown_ends_streams_and_says_so(make_server):
    server = make_server("--shutdown-timeout-ms", "1000")
    with raw_query(server, numbers(10**9)) as reading, raw_query(server, numbers(10**9), receive_buffer=16384) as stuck:
        assert stuck.recv(15)
        result = []
        reader = threading.Thread(target=lambda: result.append(read_to_end(reading)[-5000:]))
        reader.start()
        time.sleep(0.3)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 10
        reader.join(10)
    assert b"\r\n0\r\n" not in result[0]
    assert error_line(result[0])["code"] == "shutting_down"
    server.start()
    assert lines_of(stream(server, "SELECT 1"))[1] == [1]
