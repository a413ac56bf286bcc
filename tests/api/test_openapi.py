"""openapi.yaml tells the truth: its paths, methods, codes and examples are those of the server, and the reverse.
That the server has no route beyond the document is checked in tests/unit/server_openapi_test.cpp."""

import re

import pytest

import contract
from conftest import ROOT
from contract import DOCUMENT, METHODS, PROBLEM, check, operations, resolve


def test_the_server_gives_this_very_document(server):
    response = server.get("/openapi.yaml")
    assert response.headers["Content-Type"] == "application/yaml"
    assert response.content == (ROOT / "openapi.yaml").read_bytes()


def test_every_reference_leads_somewhere():
    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                resolve(node)
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)
    walk(DOCUMENT)
    assert DOCUMENT["openapi"] == "3.0.3"


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_the_methods_of_each_path_are_the_documented_ones(server, path):
    documented = {method.upper() for method in DOCUMENT["paths"][path] if method in METHODS}
    if "GET" in documented:
        documented.add("HEAD")
    response = server.session.request("TRACE", server.url + path.replace("{code}", "internal"), timeout=10)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == documented


def test_operations_are_complete():
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations():
        where = f"{method} {path}"
        assert operation["summary"] and operation["tags"], where
        assert "default" in operation["responses"], where
        for status, response in operation["responses"].items():
            response = resolve(response)
            assert response["description"], where
            assert {"Quorate-Index", "X-Request-Id"} <= set(response["headers"]), (where, status)
            assert ("Retry-After" in response["headers"]) == (status in ("429", "503")), (where, status)


def test_the_examples_fit_their_schemas():
    seen = 0

    def walk(node):
        nonlocal seen
        if isinstance(node, list):
            for child in node:
                walk(child)
        if not isinstance(node, dict):
            return
        if "schema" in node:
            for example in [node["example"]] if "example" in node else []:
                check(example, node["schema"])
                seen += 1
            for example in node.get("examples", {}).values():
                check(example["value"], node["schema"])
                seen += 1
        for child in node.values():
            walk(child)
    walk(DOCUMENT)
    assert seen >= 15


def schemas_in(schema):
    """The schema and those of its properties and items."""
    yield schema
    for child in [*schema.get("properties", {}).values(), *(schema[k] for k in ("items", "additionalProperties")
                                                            if isinstance(schema.get(k), dict))]:
        yield from schemas_in(child)


def test_the_examples_and_defaults_of_schemas_fit_them():
    seen = 0
    for schema in [inner for outer in DOCUMENT["components"]["schemas"].values() for inner in schemas_in(outer)]:
        for value in [schema[name] for name in ("example", "default") if name in schema]:
            check(value, schema)
            seen += 1
    assert seen >= 8


def test_real_responses_of_every_operation_fit(server, table):
    """Each response is compared with the document as it arrives: see contract.py."""
    server.must_write((f"INSERT INTO {table} (value) VALUES (?) RETURNING *", [{"base64": "AA=="}]), "SELECT 1")
    values = "SELECT NULL a, 1 b, 1.5 c, 'x' d, x'00' e, 9e999 f, CAST(x'ff' AS TEXT) g"
    for shape in ("arrays", "objects"):
        for integers in ("number", "string"):
            assert server.post(f"/v1/query?integers={integers}", {"sql": values, "shape": shape}).status_code == 200
    rows = f"/v1/tables/{table}/rows"
    for path in ("/v1/query?sql=SELECT+1", "/v1/cluster", "/healthz", "/readyz", "/metrics", "/openapi.yaml",
                 "/problems/internal", "/v1/tables", f"/v1/tables/{table}", rows, rows + "/1"):
        assert server.get(path).status_code == 200
        assert server.session.head(server.url + path).status_code == 200
    assert server.post(rows, {}).status_code == 201
    for headers, status in (({}, 428), ({"If-Match": '"9"'}, 412), ({"If-Match": '"1"'}, 200)):
        assert server.put(rows + "/1", {"value": "x"}, headers=headers).status_code == status
    server.verify()
    assert server.put("/v1/cluster/mode", {"mode": "quorum"}).status_code == 200
    for response in (server.get("/nothing"), server.query("SELECT"), server.write(f"DELETE FROM {table} WHERE id = 9")):
        check(response.json(), PROBLEM)


def respond(**changes):
    """A response of GET /readyz in all its parts, with some of them changed."""
    parts = {"method": "GET", "path": "/readyz", "status": 200, "body": b'{"status":"ready"}',
             "headers": {"Quorate-Index": "3", "X-Request-Id": "x", "Content-Type": "application/json"}}
    contract.check_response(**{**parts, **changes})


@pytest.mark.parametrize("changes", [
    {"status": 201}, {"status": 500}, {"path": "/nothing"}, {"method": "PUT"},
    {"body": b'{"status":"perhaps"}'}, {"body": b'{"status":"ready","more":1}'}, {"body": b"{}"},
    {"headers": {"X-Request-Id": "x", "Content-Type": "application/json"}},
    {"headers": {"Quorate-Index": "3", "X-Request-Id": "x", "Content-Type": "text/html"}},
    {"headers": {"Quorate-Index": "-3", "X-Request-Id": "x", "Content-Type": "application/json"}},
], ids=str)
def test_a_response_that_is_not_documented_is_noticed(changes):
    respond()
    with pytest.raises(AssertionError):
        respond(**changes)


@pytest.mark.parametrize("value", [[1], {}, {"blob": "AA=="}, {"base64": 1}, {"real": "NaN"}], ids=str)
def test_what_is_no_value_is_noticed(value):
    answer = {"columns": ["a"], "types": [""], "truncated": False, "index": 1, "node": "n1"}
    check({**answer, "rows": [[1], {"a": {"base64": "AA=="}}]}, {"$ref": "#/components/schemas/QueryAnswer"})
    for row in ([value], {"a": value}):
        with pytest.raises(AssertionError):
            check({**answer, "rows": [row]}, {"$ref": "#/components/schemas/QueryAnswer"})


def test_every_code_of_the_document_has_its_page(server):
    for code in DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]:
        page = server.get("/problems/" + code)
        assert page.status_code == 200 and page.text.startswith(code + " (HTTP status ")
        assert page.headers["Content-Type"].startswith("text/plain")


def test_every_code_of_the_server_is_in_the_document():
    source = (ROOT / "server/problem_kinds.cpp").read_text()
    codes = re.findall(r'\{"([a-z_]+)",\s*\d{3}', source)
    assert codes == DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]


def test_the_limits_of_the_document_are_the_defaults(server):
    settings = (ROOT / "config/quorate.example.toml").read_text()
    defaults = dict(re.findall(r'^# ([a-z-]+) = "?([0-9A-Za-z]+)', settings, re.MULTILINE))
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["TransactionRequest"]["properties"]["statements"]["maxItems"] == int(defaults["max-statements"])
    assert schemas["Timeout"]["maximum"] == int(defaults["max-timeout-ms"])
    assert schemas["Timeout"]["default"] == int(defaults["default-timeout-ms"])
    assert schemas["QueryRequest"]["properties"]["max_rows"]["maximum"] == int(defaults["max-result-rows"])
    assert contract.EXACT["Parameters"]["maxItems"] == int(defaults["max-parameters"])
    assert f"at most {int(defaults['max-parameters']):,}" in schemas["Parameters"]["description"]
    limit, = (p for p in DOCUMENT["paths"]["/v1/tables/{table}/rows"]["get"]["parameters"] if p.get("name") == "limit")
    options = (ROOT / "server/row_options.hpp").read_text()
    assert f"kMaxPageRows = {limit['schema']['maximum']:,};".replace(",", "'") in options
    assert f"kDefaultPageRows = {limit['schema']['default']};" in options
    assert schemas["Statement"]["properties"]["sql"]["maxLength"] == 1024 * 1024
    assert defaults["max-sql-bytes"] == "1MiB"
