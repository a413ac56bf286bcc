"""openapi.yaml as a check on responses: the status, the headers, the content type and the body of each must be documented
for the method and path that it answers. Every response that a `Server` of conftest.py receives is checked."""

import copy
import json
import pathlib
import re

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_text())
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
# Statuses that the response `default` stands for: those that its description names.
ANYWHERE = set(map(int, re.findall(r"\b[45]\d\d\b", DOCUMENT["components"]["responses"]["HttpError"]["description"])))
PROBLEM = {"$ref": "#/components/schemas/Problem"}
# What the document says in words only, so that generated clients are pleasant: see its schema `Value`.
EXACT = {
    "Value": {"anyOf": [{"type": ["null", "string", "number", "boolean"]},
                        *({"$ref": f"#/components/schemas/{name}Value"} for name in ("Base64", "Integer", "Real"))]},
    "ExactInteger": {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^-?[0-9]+$"}]},
    "QueryRow": {"type": ["array", "object"], "items": {"$ref": "#/components/schemas/Value"},
            "additionalProperties": {"$ref": "#/components/schemas/Value"}},
    "ParameterRow": {"type": ["array", "object"], "items": {"$ref": "#/components/schemas/Value"},
                     "maxItems": 32766, "additionalProperties": {"$ref": "#/components/schemas/Value"}},
    "Parameters": {"type": ["array", "object", "null"], "items": {"$ref": "#/components/schemas/Value"},
                   "maxItems": 32766, "additionalProperties": {"$ref": "#/components/schemas/Value"}},
}


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


def as_json_schema(node):
    """OpenAPI 3.0's dialect in JSON Schema's words. Objects are closed: a field that is not documented is an error."""
    if isinstance(node, list):
        return [as_json_schema(child) for child in node]
    if not isinstance(node, dict):
        return node
    schema = {key: as_json_schema(child) for key, child in node.items() if key not in ("example", "format")}
    if schema.pop("nullable", False) is True and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if schema.get("type") == "object" and "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


SCHEMAS = {**as_json_schema(copy.deepcopy(DOCUMENT["components"]["schemas"])), **EXACT}


def check(value, schema, where="value"):
    """The value fits the schema, which may refer to those of the document."""
    root = {"allOf": [as_json_schema(schema)], "components": {"schemas": SCHEMAS}}
    errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
              for error in jsonschema.Draft4Validator(root).iter_errors(value)]
    assert not errors, f"{where}: {errors[:3]}"


def find_operation(method, path):
    """The responses documented for a request, or None for one to a path or with a method that is not documented."""
    method = "get" if method == "HEAD" else method.lower()
    for template, item in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path) and method in item:
            return item[method]["responses"]
    return None


def check_headers(documented, headers, where):
    for name, header in documented.items():
        header = resolve(header)
        if not header.get("required"):
            continue
        assert name in headers, f"{where}: no {name}"
        is_number = resolve(header["schema"]).get("type") == "integer"
        check(int(headers[name]) if is_number else headers[name], header["schema"], f"{where}: {name}")


def check_content(documented, method, headers, body, where):
    content_type = headers.get("Content-Type", "").split(";")[0]
    if not documented:
        assert not body, f"{where}: a body that is not documented"
        return
    assert content_type in documented, f"{where}: {content_type} is not among {list(documented)}"
    if method != "HEAD" and re.fullmatch(r"application/(\w+\+)?json", content_type):
        check(json.loads(body), documented[content_type]["schema"], where)


def check_response(method, path, status, headers, body):
    """One response to a request, with its headers in any mapping that ignores case."""
    where = f"{method} {path} {status}"
    if method == "OPTIONS" and status == 204:
        return  # a preflight, which is between the server and the browser
    responses = find_operation(method, path)
    if responses is None:
        assert status in ANYWHERE, f"{where}: not documented"
        responses = {"default": {"$ref": "#/components/responses/HttpError"}}
    elif str(status) not in responses:
        assert status in ANYWHERE, f"{where}: not documented, there are {list(responses)}"
    response = resolve(responses.get(str(status), responses["default"]))
    check_headers(response.get("headers", {}), headers, where)
    check_content(response.get("content"), method, headers, body, where)


def check_requests_response(response, *_, **options):
    """A hook for a session of `requests`. A response that is streamed is checked without its body."""
    path = response.request.path_url.split("?")[0]
    if options.get("stream"):
        return
    check_response(response.request.method, path, response.status_code, response.headers, response.content)
