"""openapi.yaml tells the truth: its paths, methods, codes and examples are those of the server, and the reverse.
That the server has no route beyond the document is checked in tests/unit/server_openapi_test.cpp."""

import re

import pytest
import yaml

from conftest import ROOT

DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_text())
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def resolve(node):
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def operations():
    return [(path, method, operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
            if method in METHODS]


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


def check(value, schema, where="value"):
    """As much of JSON Schema as the document uses."""
    schema = resolve(schema)
    if value is None and schema.get("nullable"):
        return
    for part in schema.get("allOf", []):
        check(value, part, where)
    if "oneOf" in schema:
        errors = []
        for part in schema["oneOf"]:
            try:
                return check(value, part, where)
            except AssertionError as error:
                errors.append(str(error))
        raise AssertionError(f"{where}: {value!r} fits none: {errors}")
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r}"
    types = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    if "type" in schema:
        assert isinstance(value, types[schema["type"]]), f"{where}: {value!r} is no {schema['type']}"
        assert not (isinstance(value, bool) and schema["type"] in ("integer", "number")), where
    if isinstance(value, dict) and schema.get("type") == "object":
        assert set(schema.get("required", [])) <= set(value), f"{where}: {value} lacks a required field"
        for name, child in value.items():
            known = schema.get("properties", {}).get(name, schema.get("additionalProperties", None))
            assert known not in (None, False), f"{where} has an undocumented field {name}"
            if known is not True:
                check(child, known, f"{where}/{name}")
    if isinstance(value, list) and "items" in schema:
        for i, child in enumerate(value):
            check(child, schema["items"], f"{where}/{i}")


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


def response_schema(path, method, status):
    response = resolve(DOCUMENT["paths"][path][method]["responses"][status])
    return next(iter(response["content"].values()))["schema"]


def test_real_responses_fit_their_schemas(server, table):
    write = server.must_write((f"INSERT INTO {table} (value) VALUES (?) RETURNING *", [{"base64": "AA=="}]), "SELECT 1")
    check(write, response_schema("/v1/transactions", "post", "200"))
    for shape in ("arrays", "objects"):
        check(server.query("SELECT NULL a, 1 b, 1.5 c, 'x' d, x'00' e, 9e999 f", shape=shape).json(),
              response_schema("/v1/query", "post", "200"))
    check(server.get("/v1/cluster").json(), response_schema("/v1/cluster", "get", "200"))
    check(server.get("/v1/tables").json(), response_schema("/v1/tables", "get", "200"))
    check(server.get(f"/v1/tables/{table}").json(), response_schema("/v1/tables/{table}", "get", "200"))
    rows = f"/v1/tables/{table}/rows"
    check(server.get(rows).json(), response_schema("/v1/tables/{table}/rows", "get", "200"))
    check(server.post(rows, {}).json(), response_schema("/v1/tables/{table}/rows", "post", "201"))
    check(server.get(rows + "/1").json(), response_schema("/v1/tables/{table}/rows/{id}", "get", "200"))
    for headers, status in (({}, 428), ({"If-Match": '"9"'}, 412), ({"If-Match": '"1"'}, 200)):
        put = server.put(rows + "/1", {"value": "x"}, headers=headers)
        assert put.status_code == status
        check(put.json(), response_schema("/v1/tables/{table}/rows/{id}", "put", str(status)))
    check(server.verify(), response_schema("/v1/cluster/verify", "post", "200"))
    check(server.put("/v1/cluster/mode", {"mode": "quorum"}).json(), response_schema("/v1/cluster/mode", "put", "200"))
    check(server.get("/readyz").json(), response_schema("/readyz", "get", "200"))
    for response in (server.get("/nothing"), server.query("SELECT"), server.write(f"DELETE FROM {table} WHERE id = 9")):
        check(response.json(), {"$ref": "#/components/schemas/Problem"})


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
    assert schemas["Parameters"]["oneOf"][0]["maxItems"] == int(defaults["max-parameters"])
    limit, = (p for p in DOCUMENT["paths"]["/v1/tables/{table}/rows"]["get"]["parameters"] if p.get("name") == "limit")
    options = (ROOT / "server/row_options.hpp").read_text()
    assert f"kMaxPageRows = {limit['schema']['maximum']:,};".replace(",", "'") in options
    assert f"kDefaultPageRows = {limit['schema']['default']};" in options
    assert schemas["Statement"]["properties"]["sql"]["maxLength"] == 1024 * 1024
    assert defaults["max-sql-bytes"] == "1MiB"
