"""Happy paths: transactions, queries, values of all types, both ways."""

import base64
import math
import random

import pytest


def test_a_transaction_is_written_and_read(server, table):
    receipt = server.must_write((f"INSERT INTO {table} (id, value) VALUES (?, ?)", [1, "one"]),
                                (f"INSERT INTO {table} (id, value) VALUES (:id, :value)", {"id": 2, "value": "two"}))
    assert receipt["mode"] == "quorum"
    assert receipt["index"] > 0 and receipt["term"] > 0 and receipt["transaction_id"]
    assert receipt["results"] == [{"rows_affected": 1, "last_insert_id": 1}, {"rows_affected": 1, "last_insert_id": 2}]
    nodes = receipt["nodes"]
    assert sorted(nodes["committed"] + nodes["pending"]) == ["n1", "n2", "n3"]
    assert len(nodes["committed"]) >= 2

    answer = server.query(f"SELECT id, value FROM {table} ORDER BY id").json()
    assert answer["columns"] == ["id", "value"]
    assert answer["types"] == ["INTEGER", ""]
    assert answer["rows"] == [[1, "one"], [2, "two"]]
    assert answer["truncated"] is False
    assert answer["index"] >= receipt["index"]
    assert answer["node"] in ("n1", "n2", "n3")


def test_select_and_returning_give_rows_back(server, table):
    receipt = server.must_write((f"INSERT INTO {table} (value) VALUES (?), (?) RETURNING id, value", ["a", "b"]),
                                f"SELECT count(*) AS n FROM {table}")
    assert receipt["results"][0] == {"rows_affected": 2, "last_insert_id": 2, "columns": ["id", "value"],
                                     "rows": [[1, "a"], [2, "b"]]}
    assert receipt["results"][1]["columns"] == ["n"]
    assert receipt["results"][1]["rows"] == [[2]]


VALUES = [
    None, 0, 1, -1, 2**53 + 1, 2**63 - 1, -2**63, 0.5, -1.5e-300, 1.7976931348623157e308, 5e-324, 3.0,
    "", "plain", "ünïcödé ∀ 漢字 🚀", 'quotes " and \\ and / and \n\t\r\b\f\x01', "nul \x00 inside", "\u2028\uffff",
    {"base64": ""}, {"base64": base64.b64encode(bytes(range(256))).decode()},
    {"real": "Infinity"}, {"real": "-Infinity"},
    {"base64": base64.b64encode(b"not \xff UTF-8").decode(), "text": True},
]


@pytest.mark.parametrize("value", VALUES, ids=[repr(v)[:40] for v in VALUES])
def test_every_value_comes_back_as_it_was_sent(server, value):
    server.must_write("CREATE TABLE IF NOT EXISTS any_value (id INTEGER PRIMARY KEY, v)",
                      {"sql": "DELETE FROM any_value", "allow_no_rows": True},
                      ("INSERT INTO any_value VALUES (1, ?)", [value]))
    [[read]] = server.rows("SELECT v FROM any_value")
    assert read == value and type(read) is type(value)
    [[read, kind]] = server.rows("SELECT ?, typeof(?1)", [value])
    assert read == value
    expected_kind = {type(None): "null", int: "integer", float: "real", str: "text"}.get(type(value))
    if expected_kind is None:
        expected_kind = "real" if "real" in value else "text" if value.get("text") else "blob"
    assert kind == expected_kind


def test_other_forms_of_parameters(server):
    assert server.rows("SELECT ?, ?, ?", [True, False, {"integer": "-9223372036854775808"}]) == [[1, 0, -2**63]]
    assert server.rows("SELECT ?", [{"text": False, "base64": "AA=="}]) == [[{"base64": "AA=="}]]
    assert server.rows("SELECT 1", []) == [[1]]
    assert server.rows("SELECT :a, @b, $c", {"a": 1, "b": 2, "c": 3}) == [[1, 2, 3]]
    assert server.post("/v1/query", {"sql": "SELECT 1", "params": None}).json()["rows"] == [[1]]


def test_random_values_come_back_exactly(server, table):
    chance = random.Random(7)
    values = [chance.choice([lambda: chance.randint(-2**63, 2**63 - 1),
                             lambda: chance.uniform(-1e6, 1e6),
                             lambda: math.ldexp(chance.random(), chance.randint(-1000, 1000)),
                             lambda: "".join(chr(chance.choice([chance.randint(0, 0xd7ff), chance.randint(0xe000,
                                     0x10ffff)])) for _ in range(chance.randint(0, 30))),
                             lambda: {"base64": base64.b64encode(chance.randbytes(chance.randint(0, 50))).decode()},
                             ])() for _ in range(2000)]
    server.must_write(*[(f"INSERT INTO {table} (id, value) VALUES (?, ?)", [i, v]) for i, v in enumerate(values)])
    rows = server.rows(f"SELECT value FROM {table} ORDER BY id")
    assert [row[0] for row in rows] == values


def test_integers_as_strings(server, table):
    receipt = server.post("/v1/transactions?integers=string",
                          {"statements": [{"sql": f"INSERT INTO {table} VALUES (9007199254740993, 1.5, 2) RETURNING *"}]})
    assert receipt.json()["results"][0]["rows"] == [["9007199254740993", 1.5, "2"]]
    assert receipt.json()["results"][0]["last_insert_id"] == "9007199254740993"
    assert receipt.json()["results"][0]["rows_affected"] == 1
    answer = server.post("/v1/query?integers=string", {"sql": f"SELECT id FROM {table}"})
    assert answer.json()["rows"] == [["9007199254740993"]]
    answer = server.get("/v1/query", params={"sql": f"SELECT id FROM {table}", "integers": "number"})
    assert answer.json()["rows"] == [[9007199254740993]]


def test_get_query(server):
    answer = server.get("/v1/query", params={"sql": "SELECT ? AS a, ? AS b", "params": '[1, "x & y = z + %"]',
                                             "consistency": "local", "shape": "objects", "max_rows": 5,
                                             "min_index": 1, "timeout_ms": 5000, "node": "n2"}).json()
    assert answer["rows"] == [{"a": 1, "b": "x & y = z + %"}]
    assert answer["node"] == "n2"


def test_shapes_and_max_rows(server):
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10) SELECT i FROM n"
    answer = server.query(numbers, max_rows=3).json()
    assert answer["rows"] == [[1], [2], [3]] and answer["truncated"] is True
    answer = server.query(numbers, max_rows=10).json()
    assert len(answer["rows"]) == 10 and answer["truncated"] is False
    answer = server.query("SELECT 1 AS a, 'x' AS \"b\"\"c\"", shape="objects").json()
    assert answer["rows"] == [{"a": 1, 'b"c': "x"}]


def test_a_large_result(server):
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000) SELECT i, 'row ' || i FROM n"
    for shape in ("arrays", "objects"):
        rows = server.rows(sql, shape=shape)
        assert len(rows) == 50_000
        last = rows[-1] if shape == "arrays" else list(rows[-1].values())
        assert last == [50_000, "row 50000"]


@pytest.mark.parametrize("consistency", ["local", "leader", "linearizable"])
def test_reads_see_writes(server, table, consistency):
    for i in range(20):
        receipt = server.must_write((f"INSERT INTO {table} (id) VALUES (?)", [i]))
        fields = {"consistency": consistency}
        if consistency == "local":
            fields["min_index"] = receipt["index"]
        assert server.rows(f"SELECT max(id) FROM {table}", **fields) == [[i]]


def test_every_node_can_be_read_at_an_index(server, table):
    receipt = server.must_write((f"INSERT INTO {table} (id) VALUES (?)", [1]))
    for node in ("n1", "n2", "n3"):
        answer = server.query(f"SELECT count(*) FROM {table}", consistency="local", node=node,
                              min_index=receipt["index"]).json()
        assert answer["rows"] == [[1]] and answer["node"] == node and answer["index"] >= receipt["index"]


def test_causal_headers(server, table):
    write = server.write((f"INSERT INTO {table} (id) VALUES (?)", [1]))
    assert int(write.headers["Quorate-Index"]) == write.json()["index"]
    read = server.query("SELECT 1")
    assert int(read.headers["Quorate-Index"]) == read.json()["index"] >= write.json()["index"]
    assert int(server.get("/healthz").headers["Quorate-Index"]) >= write.json()["index"]


def test_functions_of_time_and_chance_are_equal_on_all_nodes(server, table):
    server.must_write(*[f"INSERT INTO {table} (value) VALUES (random() || strftime('%s %f', 'now'))"] * 50)
    server.wait_caught_up()
    contents = [server.rows(f"SELECT * FROM {table} ORDER BY id", consistency="local", node=node)
                for node in ("n1", "n2", "n3")]
    assert contents[0] == contents[1] == contents[2] and len({row[1] for row in contents[0]}) == 50
