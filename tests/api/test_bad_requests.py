"""Everything that is not what the API takes is refused with the right problem, and changes nothing."""

import json

import pytest

from conftest import assert_position_unchanged, assert_problem

OK = {"sql": "SELECT 1"}


@pytest.fixture(autouse=True)
def nothing_changes(server):
    server.must_write("CREATE TABLE IF NOT EXISTS guarded (id INTEGER PRIMARY KEY)")
    position = server.position()
    yield
    assert server.rows("SELECT count(*) FROM guarded") == [[0]]
    assert_position_unchanged(server, position)


def transaction(**fields):
    return {"statements": [{"sql": "INSERT INTO guarded VALUES (1)"}, {**OK, **fields}]}


@pytest.mark.parametrize("body", [
    b"", b"{", b"[1,2", b"{\"statements\":[}", b"nonsense", b"{'statements':[]}", b"{\"statements\":[]}{}",
    b"{\"statements\":[],}", b"\xff\xfe", b"{\"statements\":[{\"sql\":\"SELECT '\xff'\"}]}",
    b"{\"statements\":[{\"sql\":\"SELECT '\xed\xa0\x80'\"}]}", b"{\"statements\":[{\"sql\":\"\\ud800\"}]}",
    b"{\"statements\":[{\"sql\":\"SELECT ?\",\"params\":[NaN]}]}",
    b"{\"statements\":[{\"sql\":\"SELECT ?\",\"params\":[Infinity]}]}",
    b"{\"statements\":[{\"sql\":\"SELECT ?\",\"params\":[1e999]}]}",
    b"{\"statements\":[{\"sql\":\"SELECT ?\",\"params\":[9223372036854775808]}]}",
    b"{\"statements\":[{\"sql\":\"SELECT ?\",\"params\":[-9223372036854775809]}]}",
    b"{\"statements\":[{\"sql\":\"SELECT ?\",\"params\":[" + b"9" * 400 + b"]}]}",
    b"{\"statements\":[{\"sql\":\"SELECT ?\",\"params\":[01]}]}",
    b"{\"statements\":[{\"sql\":\"SELECT 1\",\"sql\":\"SELECT 2\"}]}",
    b"{\"statements\":[{\"sql\":\"SELECT 1\"}],\"statements\":[{\"sql\":\"SELECT 1\"}]}",
    b"null", b"[]", b"1", b"\"text\"", b"{}",
], ids=lambda body: repr(body)[2:60])
def test_bodies_that_are_not_a_transaction(server, body):
    assert_problem(server.post_raw("/v1/transactions", body), 400, "malformed_request", outcome="not_applied",
                   retryable=False)


@pytest.mark.parametrize("body, place", [
    ({"statements": {}}, "/statements"),
    ({"statements": []}, "/statements"),
    ({"statements": [1]}, "/statements/0"),
    ({"statements": ["SELECT 1"]}, "/statements/0"),
    ({"statements": [OK, {}]}, "/statements/1"),
    ({"statements": [OK, {"sql": 1}]}, "/statements/1/sql"),
    ({"statements": [OK, {"sql": ""}]}, "/statements/1/sql"),
    ({"statements": [OK, {"sql": " ; "}]}, "/statements/1/sql"),
    ({"statements": [OK, {"sql": "SELECT \u0000 1"}]}, "/statements/1/sql"),
    ({"statements": [OK, {"sql": None}]}, "/statements/1/sql"),
    (transaction(params="x"), "/statements/1/params"),
    (transaction(params=1), "/statements/1/params"),
    (transaction(params=[[1]]), "/statements/1/params/0"),
    (transaction(params=[1, {"a": 1}]), "/statements/1/params/1"),
    (transaction(params={"a": []}), "/statements/1/params/a"),
    (transaction(params=[{}]), "/statements/1/params/0"),
    (transaction(params=[{"base64": 1}]), "/statements/1/params/0/base64"),
    (transaction(params=[{"base64": "AA="}]), "/statements/1/params/0"),
    (transaction(params=[{"base64": "AA"}]), "/statements/1/params/0"),
    (transaction(params=[{"base64": "A A="}]), "/statements/1/params/0"),
    (transaction(params=[{"base64": "AB=="}]), "/statements/1/params/0"),
    (transaction(params=[{"base64": "_-=="}]), "/statements/1/params/0"),
    (transaction(params=[{"base64": "AA==", "text": 1}]), "/statements/1/params/0/text"),
    (transaction(params=[{"base64": "AA==", "more": 1}]), "/statements/1/params/0"),
    (transaction(params=[{"real": "NaN"}]), "/statements/1/params/0/real"),
    (transaction(params=[{"integer": "1.5"}]), "/statements/1/params/0/integer"),
    (transaction(params=[{"integer": "9223372036854775808"}]), "/statements/1/params/0/integer"),
    (transaction(expect_rows=-1), "/statements/1/expect_rows"),
    (transaction(expect_rows=1.0), "/statements/1/expect_rows"),
    (transaction(expect_rows="1"), "/statements/1/expect_rows"),
    (transaction(allow_no_rows=1), "/statements/1/allow_no_rows"),
    (transaction(parms=[]), "/statements/1"),
    ({**transaction(), "mode": "strong"}, "/mode"),
    ({**transaction(), "mode": 1}, "/mode"),
    ({**transaction(), "timeout_ms": 0}, "/timeout_ms"),
    ({**transaction(), "timeout_ms": 120001}, "/timeout_ms"),
    ({**transaction(), "timeout_ms": "1"}, "/timeout_ms"),
    ({**transaction(), "Mode": "quorum"}, "The body"),
], ids=lambda x: x if isinstance(x, str) else None)
def test_fields_with_wrong_types_or_names(server, body, place):
    problem = assert_problem(server.post("/v1/transactions", body), 400, "malformed_request", outcome="not_applied")
    assert problem["detail"].startswith(place + " "), problem
    parts = place.split("/")
    if len(parts) > 2:
        assert problem["statement"] == int(parts[2])


def test_an_unknown_field_is_named(server):
    detail = server.post("/v1/transactions", transaction(parms=[])).json()["detail"]
    assert '"parms"' in detail and "params" in detail


@pytest.mark.parametrize("fields", [
    {"sql": 1}, {"consistency": "strong"}, {"consistency": 1}, {"min_index": -1}, {"min_index": "1"}, {"max_rows": 0},
    {"max_rows": 100001}, {"max_rows": 1.5}, {"timeout_ms": -1}, {"shape": "table"}, {"node": 1}, {"node": "n1"},
    {"node": "n1", "consistency": "leader"}, {"unknown": 1}, {"statements": []}, {"params": [[]]},
], ids=str)
def test_bad_queries(server, fields):
    assert_problem(server.post("/v1/query", {"sql": "SELECT 1", **fields}), 400, "malformed_request")


@pytest.mark.parametrize("query", [
    "", "sql=", "sql=SELECT+1&sql=SELECT+2", "sql=SELECT+1&unknown=1", "sql=SELECT+?&params=[", "sql=SELECT+1&params=1",
    "sql=SELECT+1&max_rows=x", "sql=SELECT+1&max_rows=0", "sql=SELECT+1&min_index=-1", "sql=SELECT+1&consistency=x",
    "sql=SELECT+1&integers=words", "sql=SELECT%001",
])
def test_bad_get_queries(server, query):
    assert_problem(server.get("/v1/query?" + query), 400, "malformed_request")


def test_objects_need_names_that_differ(server):
    problem = assert_problem(server.query("SELECT 1 AS a, 2 AS a", shape="objects"), 400, "malformed_request")
    assert '"a"' in problem["detail"]


def test_an_unknown_node(server):
    assert_problem(server.query("SELECT 1", consistency="local", node="n9"), 404, "not_found")


def test_limits_on_statements_parameters_and_sql(server):
    many = {"statements": [{"sql": "INSERT INTO guarded VALUES (1)"}] + [OK] * 10_000}
    assert_problem(server.post("/v1/transactions", many), 413, "limit_exceeded", outcome="not_applied")
    long = {"statements": [{"sql": "SELECT '" + "x" * 1024 * 1024 + "'"}]}
    assert_problem(server.post("/v1/transactions", long), 413, "limit_exceeded", statement=0)
    wide = {"statements": [{"sql": "SELECT 1", "params": [1] * 32_767}]}
    assert_problem(server.post("/v1/transactions", wide), 413, "limit_exceeded", statement=0)
    assert_problem(server.query("SELECT 1", [1] * 32_767), 413, "limit_exceeded")


def test_nesting(server):
    def nested(depth):
        return b'{"sql":"SELECT 1","params":' + b"[" * depth + b"]" * depth + b"}"
    assert_problem(server.post_raw("/v1/query", nested(64)), 413, "limit_exceeded")
    assert_problem(server.post_raw("/v1/query", nested(100_000)), 413, "limit_exceeded")
    assert_problem(server.post_raw("/v1/query", nested(63)), 400, "malformed_request")  # deep enough, but no values


def test_a_huge_number_of_values(server):
    assert_problem(server.post_raw("/v1/query", b'{"sql":"SELECT 1","x":[' + b"0," * 2_000_000 + b"0]}"), 413,
                   "limit_exceeded")


def test_a_body_that_is_too_large(server):
    assert_problem(server.post_raw("/v1/transactions", b" " * (16 * 1024 * 1024 + 1)), 413, "limit_exceeded")
    whole = b" " * (16 * 1024 * 1024 - 30) + b'{"sql":"SELECT 1"}'
    assert server.post_raw("/v1/query", whole).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "json",
                                          "application/jsonx", "application/json; charset=latin1"])
def test_content_types_refused(server, content_type):
    assert_problem(server.post_raw("/v1/query", json.dumps(OK), content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON", "application/json;charset=utf-8",
                                          'application/json; charset="UTF-8"'])
def test_content_types_taken(server, content_type):
    assert server.post_raw("/v1/query", json.dumps(OK), content_type).status_code == 200


def test_a_missing_content_type_and_an_encoding(server):
    assert server.session.post(server.url + "/v1/query", data=iter([b"{}"])).status_code == 415
    response = server.post_raw("/v1/query", json.dumps(OK), **{"Content-Encoding": "gzip"})
    assert_problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("method, path, allow", [
    ("GET", "/v1/transactions", "POST"), ("DELETE", "/v1/query", "POST, GET, HEAD"), ("PUT", "/v1/query", None),
    ("POST", "/v1/cluster", "GET, HEAD"), ("OPTIONS", "/v1/cluster", "GET, HEAD"), ("GET", "/v1/cluster/mode", "PUT"),
    ("GET", "/v1/cluster/verify", "POST"), ("POST", "/healthz", "GET, HEAD"), ("BREW", "/readyz", "GET, HEAD"),
    ("HEAD", "/v1/transactions", "POST"), ("PATCH", "/problems/internal", "GET, HEAD"),
])
def test_methods_that_a_path_does_not_have(server, method, path, allow):
    response = server.session.request(method, server.url + path, timeout=10)
    assert response.status_code == 405
    if allow:
        assert response.headers["Allow"] == allow
    if method != "HEAD":
        assert_problem(response, 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1/query/", "/v1/views", "/v1/transactions/x", "/V1/query",
                                  "/v1//query", "/problems/", "/problems/nope", "/problems/a/b",
                                  "/../etc/passwd", "/%2e%2e/etc/passwd"])
def test_paths_that_do_not_exist(server, path):
    request = __import__("requests").Request("GET", server.url).prepare()
    request.url = server.url + path  # as it is, without being made canonical
    assert_problem(server.session.send(request, timeout=10), 404, "not_found")


def test_bodies_where_none_belongs(server):
    response = server.session.request("GET", server.url + "/v1/cluster", json={"a": 1}, timeout=10)
    assert_problem(response, 400, "malformed_request")


def test_a_result_that_is_too_large(server):
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 80) SELECT zeroblob(1000000) FROM n"
    assert_problem(server.query(sql), 413, "result_too_large")
    assert_problem(server.write("INSERT INTO guarded VALUES (1)", sql), 413, "result_too_large", statement=1)
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100001) SELECT i FROM n"
    assert_problem(server.write("INSERT INTO guarded VALUES (1)", rows), 413, "result_too_large", statement=1)
    answer = server.query(rows).json()
    assert answer["truncated"] is True and len(answer["rows"]) == 100_000
