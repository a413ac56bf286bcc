"""POST /v1/ingest: lines that become transactions while they arrive."""

import json
import threading

import pytest
import requests
from conftest import assert_problem
from raw_http import Connection

NDJSON = {"Content-Type": "application/x-ndjson"}
INSERT = "INSERT INTO {} (id, value) VALUES (?, ?)"


def lines_of(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def ingest(server, table, data, key=None, sql=INSERT, **parameters):
    headers = {**NDJSON, **({"Idempotency-Key": key} if key else {})}
    return server.session.post(server.url + "/v1/ingest", data=data, headers=headers, timeout=120,
                               params={"sql": sql.format(table), **parameters})


def answer_of(response):
    assert response.status_code == 200, response.text[:1000]
    assert response.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def count(server, table):
    return server.rows(f"SELECT count(*) FROM {table}")[0][0]


def test_each_so_many_lines_are_a_transaction(server, table):
    lines = answer_of(ingest(server, table, lines_of([[i, f"v{i}"] for i in range(25)]), rows_per_transaction=10))
    assert [line["rows"] for line in lines] == [10, 20, 25, 25]
    assert lines[0]["index"] < lines[1]["index"] < lines[2]["index"]
    assert lines[3] == {"end": True, "rows": 25, "transactions": 3}
    assert server.rows(f"SELECT id, value FROM {table} ORDER BY id") == [[i, f"v{i}"] for i in range(25)]


def test_lines_may_be_objects_empty_or_without_an_end(server, table):
    data = '\n{"id":1,"value":"a"}\r\n  \n{"value":{"base64":"YQ=="},"id":2}\n\n{"id":3,"value":null}'
    lines = answer_of(ingest(server, table, data, sql="INSERT INTO {} (id, value) VALUES (:id, :value)"))
    assert lines[-1] == {"end": True, "rows": 3, "transactions": 1}
    assert server.rows(f"SELECT value FROM {table} ORDER BY id") == [["a"], [{"base64": "YQ=="}], [None]]


def test_pieces_do_not_depend_on_how_the_bytes_arrive(server, table):
    data = lines_of([[i, "é" * (i % 50)] for i in range(300)]).encode()

    def bits():
        for i in range(0, len(data), 1009):
            yield data[i:i + 1009]

    lines = answer_of(ingest(server, table, bits(), rows_per_transaction=100))
    assert [line["rows"] for line in lines] == [100, 200, 300, 300]


def test_all_in_one_transaction(server, table):
    response = ingest(server, table, lines_of([[i, i] for i in range(30_000)]), rows_per_transaction="all")
    assert response.status_code == 200, response.text
    assert response.json()["results"] == [{"rows_affected": 30_000, "last_insert_id": 29_999}]
    data = lines_of([[i, i] for i in range(40_000, 60_000)] + [[5, "twice"]])
    response = ingest(server, table, data, rows_per_transaction="all")
    assert_problem(response, 422, "constraint_failed", params_index=20_000, line=20_001, rows=0, outcome="not_applied")
    assert count(server, table) == 30_000


@pytest.mark.parametrize("data, line, detail", [
    ("[1,2]\n\n[3,]\n", 3, "not valid JSON"), ("[1,2]\n[3]\n", 2, "has 1 values"), ("[1,[2]]\n", 1, "Line 1, /1 must be"),
    ('[1,2]\n{"id":3}\n', 2, "must be an array"), ("[1,2] [3,4]\n", 1, "not valid JSON"), ("7\n", 1, "must be an array or an"),
    ("[1,99999999999999999999]\n", 1, "64 bits"), ('[1,"\xff"]\n'.encode("latin-1"), 1, "not valid JSON"),
])
def test_a_malformed_line_is_named(server, table, data, line, detail):
    response = ingest(server, table, data)
    assert detail in assert_problem(response, 400, "malformed_request", line=line, rows=0)["detail"]
    assert count(server, table) == 0


def test_what_cannot_begin_is_an_ordinary_problem(server, table):
    assert_problem(ingest(server, table, ""), 400, "malformed_request")
    assert_problem(ingest(server, table, "\n \n"), 400, "malformed_request")
    assert_problem(ingest(server, table, "[1,2]", sql="INSERT INTO nowhere VALUES (?, ?)"), 422, "sql_error", line=1, rows=0)
    assert_problem(ingest(server, table, "[1]"), 422, "parameter_mismatch", line=1)
    assert_problem(ingest(server, table, "[1,2]", rows_per_transaction=0), 400, "malformed_request")
    assert_problem(ingest(server, table, "[1,2]", rows_per_transaction="some"), 400, "malformed_request")
    assert_problem(ingest(server, table, "[1,2]", allow_no_rows="perhaps"), 400, "malformed_request")
    assert_problem(ingest(server, table, "[1,2]", misspelt=1), 400, "malformed_request")
    assert_problem(ingest(server, table, "[1,2]", key="k" * 235), 400, "malformed_request")
    no_sql = server.session.post(server.url + "/v1/ingest", data="[1,2]", headers=NDJSON)
    assert_problem(no_sql, 400, "malformed_request")
    wrong_type = server.session.post(server.url + "/v1/ingest?sql=SELECT+1", data="[]")
    assert_problem(wrong_type, 415, "unsupported_media_type")
    assert count(server, table) == 0


def begin(connection, server, table, *fields, **parameters):
    """Sends the head of an upload."""
    request = requests.Request("POST", server.url + "/v1/ingest", params={"sql": INSERT.format(table), **parameters})
    head = [f"POST {request.prepare().path_url} HTTP/1.1", "Host: x", "Content-Type: application/x-ndjson", *fields]
    connection.send("\r\n".join(head) + "\r\n\r\n")


def read_until(connection, text):
    """What has come up to this text, and with it."""
    while text not in connection.received:
        assert connection.receive(), connection.received
    before, _, connection.received = connection.received.partition(text)
    return before + text


def raw_ingest(server, table, data, **parameters):
    """The answer's lines, and whether it was complete; requests would raise on what is cut."""
    with Connection(server) as connection:
        begin(connection, server, table, f"Content-Length: {len(data)}", **parameters)
        connection.send(data)
        assert connection.is_closed()
        raw = connection.received
    _, _, body = raw.partition(b"\r\n\r\n")
    lines = [json.loads(line) for line in body.split(b"\n") if line.startswith(b"{")]
    return lines, raw.endswith(b"0\r\n\r\n")


def test_a_failure_in_the_middle_ends_the_answer(server, table):
    data = lines_of([[i, i] for i in range(25)] + [[3, "again"]] + [[i, i] for i in range(30, 50)]).encode()
    lines, complete = raw_ingest(server, table, data, rows_per_transaction=10)
    assert not complete
    assert [line.get("rows") for line in lines] == [10, 20, None]
    error = lines[-1]["error"]
    assert (error["code"], error["rows"], error["line"], error["params_index"]) == ("constraint_failed", 20, 26, 5)
    assert count(server, table) == 20


def test_a_malformed_line_leaves_what_is_before_its_transaction(server, table):
    data = lines_of([[i, i] for i in range(15)]).encode() + b"[15,\n"
    lines, complete = raw_ingest(server, table, data, rows_per_transaction=10)
    assert not complete
    assert (lines[-1]["error"]["code"], lines[-1]["error"]["rows"], lines[-1]["error"]["line"]) == (
        "malformed_request", 10, 16)
    assert count(server, table) == 10


def test_the_same_upload_again_changes_nothing_and_goes_on(server, table):
    good = [[i, i] for i in range(35)]
    data = lines_of(good[:25] + [[3, "again"]] + good[25:])
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ingest(server, table, data, key=table, rows_per_transaction=10)
    assert count(server, table) == 20
    first = answer_of(ingest(server, table, lines_of(good), key=table, rows_per_transaction=10))
    assert [line["rows"] for line in first] == [10, 20, 30, 35, 35]
    again = answer_of(ingest(server, table, lines_of(good), key=table, rows_per_transaction=10))
    assert again == first
    assert count(server, table) == 35
    assert server.get(f"/v1/transactions/{table}%234").json()["state"] == "committed"
    other = ingest(server, table, lines_of([[77, 77]]), key=table, rows_per_transaction=10)
    assert_problem(other, 422, "idempotency_key_reused", rows=0)


def test_progress_comes_while_the_upload_goes_on(server, table):
    """A client may wait for the line of what it has sent before it sends more."""
    with Connection(server) as connection:
        begin(connection, server, table, "Transfer-Encoding: chunked", rows_per_transaction=2)
        for part in range(4):
            data = lines_of([[2 * part, "a"], [2 * part + 1, "b"]]).encode()
            connection.send(b"%x\r\n%s\r\n" % (len(data), data))
            read_until(connection, b'{"rows":%d,' % (2 * part + 2))
        connection.send(b"0\r\n\r\n")
        read_until(connection, b'{"end":true,"rows":8,"transactions":4}')
        read_until(connection, b"0\r\n\r\n")


def test_a_client_that_goes_away_leaves_whole_transactions(server, table):
    data = lines_of([[i, i] for i in range(25)])
    with Connection(server) as connection:
        begin(connection, server, table, f"Content-Length: {len(data) + 1000}", rows_per_transaction=10)
        connection.send(data)
        read_until(connection, b'{"rows":20')
    assert ingest(server, table, "[100, 100]").status_code == 200
    assert count(server, table) == 21


def test_limits(make_server):
    server = make_server("--max-ingests", "1", "--max-body-bytes", "20KiB", "--max-parameter-rows", "1000",
                         "--body-timeout-ms", "500", "--max-ingest-bytes", "100KiB")
    server.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
    data = lines_of([[i, "x" * 50] for i in range(500)])
    assert_problem(ingest(server, "t", data, rows_per_transaction="all"), 413, "limit_exceeded")
    data = lines_of([[i, ""] for i in range(1001)])
    assert_problem(ingest(server, "t", data, rows_per_transaction="all"), 413, "limit_exceeded", line=1001)
    assert_problem(ingest(server, "t", "[1,2]", rows_per_transaction=1001), 400, "malformed_request")
    assert count(server, "t") == 0
    with Connection(server) as slow:
        begin(slow, server, "t", "Content-Length: 100", rows_per_transaction=2)
        slow.send("[1,1]\n[2,2]\n")
        read_until(slow, b'{"rows":2')
        assert_problem(ingest(server, "t", "[3,3]"), 429, "overloaded")
        assert slow.is_closed()
        assert b'{"error":' in slow.received and not slow.received.endswith(b"0\r\n\r\n")
    assert answer_of(ingest(server, "t", "[3,3]"))[-1]["rows"] == 1
    data = lines_of([[i, "x" * 100] for i in range(10, 2000)])
    assert_problem(ingest(server, "t", data, rows_per_transaction=100), 413, "limit_exceeded")
    assert count(server, "t") == 3
    with pytest.raises(requests.exceptions.RequestException):  # its length is not announced
        ingest(server, "t", (line.encode() for line in data.splitlines(True)), rows_per_transaction=100)
    assert 3 < count(server, "t") < 1500


def resident_mib(server):
    status = open(f"/proc/{server.process.pid}/status").read()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def test_a_million_rows_take_bounded_memory(make_server):
    server = make_server()
    server.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
    rows, peak, done = 1_000_000, [0], threading.Event()

    def watch():
        while not done.wait(0.1):
            peak[0] = max(peak[0], resident_mib(server))

    watcher = threading.Thread(target=watch)
    watcher.start()
    before = resident_mib(server)

    def upload():
        for i in range(0, rows, 5000):
            yield "".join(f'[{j},"the value of row {j}"]\n' for j in range(i, i + 5000)).encode()

    lines = answer_of(ingest(server, "t", upload()))
    done.set()
    watcher.join()
    assert lines[-1] == {"end": True, "rows": rows, "transactions": 100}
    assert server.rows("SELECT count(*), sum(id) FROM t") == [[rows, rows * (rows - 1) // 2]]
    # Three nodes with a page cache of 64 MiB each are most of it.
    assert peak[0] - before < 400, (before, peak[0])


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_each_row_is_there_once_after_kill_9_and_the_same_upload_again(make_server, share):
    server = make_server()
    server.must_write("CREATE TABLE t (n INTEGER, value TEXT)")
    rows, parameters = 60_000, {"sql": "INSERT INTO t (n, value) VALUES (?, ?)", "rows_per_transaction": 2000}
    data = lines_of([[i, f"row {i}"] for i in range(rows)]).encode()

    def parts():
        for i in range(0, len(data), 20_000):
            if server.is_running and i > share * len(data):
                while count(server, "t") < share / 2 * rows:
                    pass
                server.kill()
            yield data[i:i + 20_000]

    with pytest.raises(requests.exceptions.RequestException):
        ingest(server, "t", parts(), key="upload", **parameters)
    server.start()
    committed = count(server, "t")
    assert committed % 2000 == 0 and 0 < committed < rows
    lines = answer_of(ingest(server, "t", data, key="upload", **parameters))
    assert lines[-1] == {"end": True, "rows": rows, "transactions": 30}
    assert server.rows("SELECT count(*), count(DISTINCT n), sum(n) FROM t") == [[rows, rows, rows * (rows - 1) // 2]]
