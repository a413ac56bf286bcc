"""params_batch: one statement, run once with each of many parameter lists."""

import sqlite3

import pytest
from conftest import assert_position_unchanged, assert_problem

INSERT = "INSERT INTO {} (id, value) VALUES (?, ?)"


def insert(table, batch, **fields):
    return {"sql": INSERT.format(table), "params_batch": batch, **fields}


def test_all_rows_are_written_with_one_result(server, table):
    receipt = server.must_write(insert(table, [[i, f"value {i}"] for i in range(1, 1001)]))
    assert receipt["results"] == [{"rows_affected": 1000, "last_insert_id": 1000}]
    assert server.rows(f"SELECT count(*), min(value), max(id) FROM {table}") == [[1000, "value 1", 1000]]


def test_every_kind_of_value_comes_out_as_from_params(server, table):
    values = [None, True, 7, -9223372036854775808, 9223372036854775807, 1.5, 1e300, "", "text \u0000 \U0001f600",
              {"base64": "AP8="}, {"base64": "QUI=", "text": True}, {"integer": "12"}, {"real": "-Infinity"}]
    server.must_write(insert(table, [[i, value] for i, value in enumerate(values)]))
    for i, value in enumerate(values):
        server.must_write((INSERT.format(table), [100 + i, value]))
    of_batch = server.rows(f"SELECT typeof(value), value FROM {table} WHERE id < 100 ORDER BY id")
    of_params = server.rows(f"SELECT typeof(value), value FROM {table} WHERE id >= 100 ORDER BY id")
    assert of_batch == of_params


def test_objects_are_taken_in_any_order_of_their_names(server, table):
    batch = [{"id": 1, "value": "one"}, {"value": "two", "id": 2}, {"id": 3, "value": {"base64": "Mw==", "text": True}}]
    server.must_write({"sql": f"INSERT INTO {table} (id, value) VALUES (:id, $value)", "params_batch": batch})
    assert server.rows(f"SELECT id, value FROM {table} ORDER BY id") == [[1, "one"], [2, "two"], [3, "3"]]


def test_rows_of_returning_and_select_follow_one_another(server, table):
    receipt = server.must_write(
        {"sql": f"INSERT INTO {table} (value) VALUES (?) RETURNING id, value", "params_batch": [["a"], ["b"]]},
        {"sql": f"SELECT value FROM {table} WHERE id = ?", "params_batch": [[2], [9], [1]]})
    assert receipt["results"][0]["rows"] == [[1, "a"], [2, "b"]]
    assert receipt["results"][1]["rows"] == [["b"], ["a"]]


def test_many_rows_are_changed_by_their_versions(server, table):
    server.must_write(insert(table, [[i, 0] for i in range(5)]))
    change = {"sql": f"UPDATE {table} SET value = ?, version = version + 1 WHERE id = ? AND version = ?"}
    server.must_write({**change, "params_batch": [[10 + i, i, 1] for i in range(5)]})
    before = server.position()
    stale = [[20, 0, 2], [20, 1, 2], [20, 2, 1], [20, 3, 2]]
    response = server.write(insert(table, [[99, 0]]), {**change, "params_batch": stale})
    assert_problem(response, 409, "version_conflict", statement=1, params_index=2, outcome="not_applied")
    assert_position_unchanged(server, before)
    assert server.rows(f"SELECT id, value, version FROM {table} ORDER BY id") == [[i, 10 + i, 2] for i in range(5)]
    assert server.must_write({**change, "params_batch": stale, "allow_no_rows": True})["results"][0]["rows_affected"] == 3
    response = server.write({"sql": f"DELETE FROM {table} WHERE id >= ?", "params_batch": [[4], [3], [0]], "expect_rows": 1})
    assert_problem(response, 409, "row_count_mismatch", statement=0, params_index=2)


def test_a_failing_row_undoes_all(server, table):
    batch = [[i, i] for i in range(500)] + [[7, "again"]] + [[i, i] for i in range(500, 600)]
    response = server.write(insert(table, batch))
    assert_problem(response, 422, "constraint_failed", statement=0, params_index=500)
    assert server.rows(f"SELECT count(*) FROM {table}") == [[0]]


@pytest.mark.parametrize("batch, detail", [
    ([], "must hold at least one"), ({}, "must be an array of parameter lists"), (None, "must be an array"),
    ([[1, 2], [3]], "/params_batch/1 has 1 values, and the first has 2"),
    ([[1, 2], {"a": 1}], "/params_batch/1 must be an array"), ([[1, [2]]], "/params_batch/0/1 must be null"),
    ([{"a": 1}, {"b": 1}], "/params_batch/1 has the name"), ([[1, 2], "x"], "/params_batch/1 must be an array or an object"),
])
def test_what_is_no_batch_is_refused(server, table, batch, detail):
    response = server.write({"sql": INSERT.format(table), "params_batch": batch})
    assert detail in assert_problem(response, 400, "malformed_request", statement=0)["detail"]


def test_what_does_not_fit_the_statement_is_refused(server, table):
    both = server.write({"sql": INSERT.format(table), "params": [1, 2], "params_batch": [[1, 2]]})
    assert "not both" in assert_problem(both, 400, "malformed_request", statement=0)["detail"]
    assert_problem(server.write(insert(table, [[1]])), 422, "parameter_mismatch", statement=0)
    definition = {"sql": "CREATE TABLE never (id INTEGER PRIMARY KEY)", "params_batch": [[], []]}
    assert_problem(server.write(definition), 422, "parameter_mismatch", statement=0)


def test_a_key_makes_it_happen_once(server, table):
    body = {"statements": [{"sql": f"INSERT INTO {table} (value) VALUES (?)", "params_batch": [[1], [2]]}]}
    first, again = (server.post("/v1/transactions", body, headers={"Idempotency-Key": table}) for _ in range(2))
    assert first.status_code == 200 and first.json() == again.json()
    assert server.rows(f"SELECT count(*) FROM {table}") == [[2]]
    body["statements"][0]["params_batch"][1] = [3]
    other = server.post("/v1/transactions", body, headers={"Idempotency-Key": table})
    assert_problem(other, 422, "idempotency_key_reused")


def test_limits(make_server):
    server = make_server("--max-parameter-rows", "10", "--max-result-rows", "3", "--statement-time-ms", "300")
    server.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
    server.must_write(insert("t", [[i, i] for i in range(10)]))
    response = server.write(insert("t", [[i, i] for i in range(20, 31)]))
    assert_problem(response, 413, "limit_exceeded", statement=0, params_index=10)
    response = server.write(insert("t", [[i, i] for i in range(20, 26)]), insert("t", [[i, i] for i in range(30, 36)]))
    assert_problem(response, 413, "limit_exceeded")
    response = server.write({"sql": "SELECT value FROM t WHERE id = ?", "params_batch": [[1], [2], [3], [4]]})
    assert_problem(response, 413, "result_too_large", statement=0, params_index=3)
    slow = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000000) "
            "INSERT INTO t SELECT ?, count(*) FROM n")
    response = server.write({"sql": slow, "params_batch": [[i] for i in range(100, 110)]})
    assert_problem(response, 422, "statement_timeout", statement=0)


@pytest.mark.parametrize("mode", ["quorum", "dual_write"])
def test_a_body_at_its_limit_reaches_every_node(make_server, mode):
    """About 16 MiB in one log entry, which is more than any message to a follower is meant to have."""
    server = make_server("--mode", mode)
    server.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b REAL, c INTEGER)")
    rows = 250_000
    batch = ",".join(f'[{i},"some text of row {i}",{i}.25,{-i}]' for i in range(rows))
    body = '{"statements":[{"sql":"INSERT INTO t VALUES (?,?,?,?)","params_batch":[' + batch + "]}]}"
    assert 11_000_000 < len(body) < 16 * 1024 * 1024
    response = server.post_raw("/v1/transactions", body)
    assert response.status_code == 200, response.text[:1000]
    assert response.json()["results"] == [{"rows_affected": rows, "last_insert_id": rows - 1}]
    server.wait_caught_up()
    assert server.verify()["equal"]
    assert server.stop() == 0
    for node in ("n1", "n2", "n3"):
        with sqlite3.connect(server.database(node)) as database:
            assert database.execute("SELECT count(*), sum(c) FROM t").fetchone() == (rows, -sum(range(rows)))
