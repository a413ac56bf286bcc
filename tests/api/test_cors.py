"""Web pages of other origins: none unless configured, and then exactly those."""

import pytest
import requests

from conftest import assert_problem

HERE = "https://app.example"
ELSEWHERE = "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
EXPOSED = {"ETag", "Location", "Quorate-Index", "X-Request-Id", "Retry-After", "Quorate-Rows"}


@pytest.fixture(scope="module")
def cors(tmp_path_factory):
    from conftest import Server
    server = Server(tmp_path_factory.mktemp("cors"), "--cors-origins", f"{HERE},http://localhost:5173").start()
    yield server
    assert server.stop() == 0, server.log()


def cors_headers(response):
    return {name: value for name, value in response.headers.items() if name.startswith("Access-Control-")}


def listed(response, header):
    return {item.strip() for item in response.headers[header].split(",")}


def test_it_is_off_by_default(server):
    response = server.get("/healthz", headers={"Origin": HERE})
    assert response.status_code == 200 and not cors_headers(response) and "Vary" not in response.headers
    response = requests.options(server.url + "/v1/query", headers={"Origin": HERE, **PREFLIGHT}, timeout=10)
    assert_problem(response, 405, "method_not_allowed")
    assert not cors_headers(response)


@pytest.mark.parametrize("origin", [HERE, "http://localhost:5173"])
def test_a_preflight_is_answered(cors, origin):
    response = requests.options(cors.url + "/v1/query", headers={"Origin": origin, **PREFLIGHT}, timeout=10)
    assert response.status_code == 204 and response.content == b""
    assert "Content-Length" not in response.headers and "Content-Type" not in response.headers
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert listed(response, "Access-Control-Allow-Methods") == {"GET", "HEAD", "POST"}
    assert {"Content-Type", "Idempotency-Key", "If-Match", "X-Request-Id", "traceparent"} <= listed(
        response, "Access-Control-Allow-Headers")
    assert int(response.headers["Access-Control-Max-Age"]) > 0
    assert "Origin" in listed(response, "Vary")
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_the_connection_goes_on_after_a_preflight(cors):
    session = requests.Session()
    for _ in range(3):
        assert session.options(cors.url + "/v1/query", headers={"Origin": HERE, **PREFLIGHT}, timeout=10).status_code == 204
        assert session.get(cors.url + "/healthz", timeout=10).status_code == 200


def test_other_origins_get_nothing(cors):
    for origin in (ELSEWHERE, HERE + ".evil.example", HERE.upper(), "null"):
        response = requests.options(cors.url + "/v1/query", headers={"Origin": origin, **PREFLIGHT}, timeout=10)
        assert response.status_code == 204 and "Access-Control-Allow-Origin" not in response.headers
        response = cors.get("/healthz", headers={"Origin": origin})
        assert not cors_headers(response) and "Origin" in listed(response, "Vary")


def test_what_is_no_preflight_is_an_ordinary_request(cors):
    assert_problem(requests.options(cors.url + "/v1/query", headers={"Origin": HERE}, timeout=10), 405,
                   "method_not_allowed")
    assert_problem(requests.options(cors.url + "/v1/query", timeout=10), 405, "method_not_allowed")
    nowhere = requests.options(cors.url + "/nowhere", headers={"Origin": HERE, **PREFLIGHT}, timeout=10)
    assert_problem(nowhere, 404, "not_found")


def test_answers_problems_and_streams_can_be_read(cors):
    origin = {"Origin": HERE}
    responses = [
        cors.get("/healthz", headers=origin),
        cors.get("/nowhere", headers=origin),
        cors.post("/v1/query", {"sql": "SELECT"}, headers=origin),
        cors.post("/v1/query", {"sql": "SELECT 1"}, headers=origin),
        cors.post("/v1/query", {"sql": "SELECT 1"}, headers={**origin, "Accept": "application/x-ndjson"}),
        cors.post("/v1/query", {"sql": "SELECT 1"}, headers={**origin, "Accept": "image/png"}),
        cors.session.delete(cors.url + "/healthz", headers=origin, timeout=10),
        cors.post_raw("/v1/query", "x" * 17_000_000, **origin),  # refused before it is a request
    ]
    assert [response.status_code for response in responses] == [200, 404, 422, 200, 200, 406, 405, 413]
    for response in responses:
        assert response.headers["Access-Control-Allow-Origin"] == HERE
        assert listed(response, "Access-Control-Expose-Headers") == EXPOSED
        assert "Origin" in listed(response, "Vary")
    assert "Origin" in cors.get("/healthz").headers["Vary"]


def test_a_star_is_for_all(make_server):
    server = make_server("--cors-origins", "*")
    for origin in (HERE, ELSEWHERE):
        response = server.get("/healthz", headers={"Origin": origin})
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("origins", ["app.example", "https://", "https://app.example/", "https://*.example",
                                     "*,https://app.example"])
def test_origins_that_cannot_match_are_refused(make_server, origins):
    server = make_server("--cors-origins", origins, start=False)
    with pytest.raises(AssertionError, match="cors-origins"):
        server.start()
    assert server.wait() == 2
