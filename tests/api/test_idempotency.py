"""Idempotency-Key: a transaction that bears one happens once, and GET /v1/transactions/{key} tells what became of it."""

import concurrent.futures
import urllib.parse
import uuid

import pytest
from conftest import assert_problem

TABLE = "CREATE TABLE IF NOT EXISTS once (id INTEGER PRIMARY KEY, note TEXT, version INTEGER NOT NULL DEFAULT 1)"


def insert(note="x"):
    return {"statements": [{"sql": "INSERT INTO once (note) VALUES (?) RETURNING *", "params": [note]}]}


def send(server, key, body=None, **kwargs):
    headers = {"Idempotency-Key": key}
    return server.session.post(server.url + "/v1/transactions", json=body or insert(key), headers=headers, timeout=60,
                               **kwargs)


def look_up(server, key, **kwargs):
    return server.get("/v1/transactions/" + urllib.parse.quote(key, safe=""), **kwargs)


def count(server, note):
    return server.rows("SELECT count(*) FROM once WHERE note = ?", [note])[0][0]


@pytest.fixture
def key(server):
    server.must_write(TABLE)
    return str(uuid.uuid4())


def test_sent_again_it_is_answered_as_the_first_time_and_not_run_again(server, key):
    first = send(server, key)
    assert first.status_code == 200, first.text
    for again in (send(server, key), send(server, f'"{key}"', insert(key))):  # as it is, or quoted as the draft has it
        assert again.status_code == 200, again.text
        answers = [{name: value for name, value in r.json().items() if name != "nodes"} for r in (first, again)]
        assert answers[0] == answers[1]
        assert sorted(sum(again.json()["nodes"].values(), [])) == ["n1", "n2", "n3"]
        assert again.headers["Quorate-Index"] == first.headers["Quorate-Index"]
    assert count(server, key) == 1


def test_how_it_is_written_does_not_matter_only_what_is_asked(server, key):
    body = {"statements": [{"sql": "INSERT INTO once (note) VALUES (:note)", "params": {"note": key}}]}
    first = send(server, key, body)
    again = send(server, key, {"timeout_ms": 9000, **body})
    assert first.json()["index"] == again.json()["index"]


@pytest.mark.parametrize("change", [
    {"statements": [{"sql": "INSERT INTO once (note) VALUES (?) RETURNING *", "params": ["other"]}]},
    {"mode": "dual_write"},
    {"statements": [{"sql": "INSERT INTO once (note) VALUES (?) RETURNING *", "params": ["k"], "expect_rows": 1}]},
], ids=["parameter", "mode", "expectation"])
def test_a_key_stands_for_one_request_only(server, key, change):
    first = send(server, key, insert("k"))
    before = server.position()
    problem = assert_problem(send(server, key, {**insert("k"), **change}), 422, "idempotency_key_reused",
                             outcome="not_applied", retryable=False)
    assert key in problem["detail"] and str(first.json()["index"]) in problem["detail"]
    assert server.position() == before


def test_one_that_failed_leaves_its_key_free(server, key):
    body = {"statements": [{"sql": "UPDATE once SET note = 'new' WHERE note = ?", "params": [key]}]}
    assert_problem(send(server, key, body), 409, "version_conflict")
    state = look_up(server, key)
    assert state.status_code == 200 and state.json() == {
        "key": key, "state": "aborted", "code": "version_conflict",
        "detail": "The statement touched no row: what it looked for has changed."}
    server.must_write(("INSERT INTO once (note) VALUES (?)", [key]))
    assert send(server, key, body).status_code == 200
    assert send(server, key, body).status_code == 200, "now it is the outcome of the one that succeeded"
    assert look_up(server, key).json()["state"] == "committed"


def test_many_at_once_happen_once(server, key):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: send(server, key), range(64)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["transaction_id"] for answer in answers}) == 1
    assert count(server, key) == 1


def test_what_became_of_it_can_be_asked(server, key):
    assert_problem(look_up(server, key), 404, "not_found")
    receipt = send(server, key).json()
    state = look_up(server, key)
    assert state.status_code == 200
    assert {name: value for name, value in state.json().items() if name != "nodes"} == {
        "key": key, "state": "committed", **{n: v for n, v in receipt.items() if n != "nodes"}}
    as_text = look_up(server, key, params={"integers": "string"}).json()
    assert as_text["results"][0]["rows"] == [[str(receipt["results"][0]["last_insert_id"]), key, "1"]]


@pytest.mark.parametrize("key_text", ["a/b c?d%41&e=f#", "it's \\ \"quoted\"", "K" * 255, "~"])
def test_any_printable_text_is_a_key(server, key_text):
    server.must_write(TABLE)
    assert send(server, key_text).status_code == 200
    assert look_up(server, key_text).json()["key"] == key_text


@pytest.mark.parametrize("key_text", ["", '""', "K" * 256, "gr\u00fc\u00dfe".encode(), "tab\there"])
def test_anything_else_is_refused(server, key_text):
    server.must_write(TABLE)
    assert_problem(send(server, key_text, insert()), 400, "malformed_request", outcome="not_applied")


def test_values_come_back_as_they_were(server, key):
    sql = "SELECT ?, ?, ?, ?, ?, 9e999, -9e999"
    values = [2**63 - 1, -2**63, 0.1, None, {"base64": "AP8="}]
    body = {"statements": [{"sql": "INSERT INTO once (note) VALUES ('values')"}, {"sql": sql, "params": values}]}
    first, again = send(server, key, body).json(), send(server, key, body).json()
    assert first["results"] == again["results"] and first["results"][1]["rows"][0][:5] == values


def test_an_answer_that_is_too_large_to_keep_is_refused(make_server):
    server = make_server("--max-kept-result-bytes", "10KiB")
    server.must_write(TABLE)
    body = {"statements": [{"sql": "INSERT INTO once (note) VALUES (?) RETURNING note", "params": ["x" * 20_000]}]}
    assert_problem(send(server, "large", body), 413, "result_too_large", outcome="not_applied")
    assert server.post("/v1/transactions", body).status_code == 200, "without a key it may be as large as ever"
    assert count(server, "x" * 20_000) == 1


def test_it_is_kept_for_as_long_as_was_said(make_server):
    server = make_server("--key-retention-ms", "300")
    server.must_write(TABLE)
    first = send(server, "k").json()
    while look_up(server, "k").status_code == 200:  # the clock goes on with the transactions
        server.must_write("INSERT INTO once (note) VALUES ('later')")
    again = send(server, "k").json()
    assert again["index"] > first["index"] and count(server, "k") == 2


def test_it_survives_kill_9_of_everything(make_server):
    server = make_server()
    server.must_write(TABLE)
    first = send(server, "k").json()
    server.kill()
    server.start()
    assert send(server, "k").json()["transaction_id"] == first["transaction_id"]
    assert look_up(server, "k").json()["index"] == first["index"]
    assert count(server, "k") == 1
    server.wait_caught_up()
    assert server.verify()["equal"]


def test_nobody_else_writes_the_table_of_keys(server):
    for sql in ("DELETE FROM _cluster_keys", "INSERT INTO _cluster_keys VALUES ('k', 0, x'')", "DROP TABLE _cluster_keys",
                "DROP INDEX _cluster_keys_expiry", "SELECT * FROM _cluster_keys"):
        assert_problem(server.write(sql), 422, "forbidden_sql")
