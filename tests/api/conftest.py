"""The real binary as a fixture. QUORATE_BINARY names it; otherwise build/release/quorate is taken."""

import os
import pathlib
import signal
import subprocess
import threading
import time

import contract
import pytest
import requests

from row_client import Rows

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("QUORATE_BINARY", ROOT / "build/release/quorate")).absolute()
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 40


class Server:
    """One quorate process on three nodes in `folder`. Survives its process: start() again after stop() or kill()."""

    def __init__(self, folder, *flags, environment=None):
        self.folder = pathlib.Path(folder)
        self.flags = flags
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("QUORATE_")}
        self.environment.update(environment or {})
        self.process = None
        self.url = None
        self.session = requests.Session()
        self.session.hooks["response"].append(contract.check_requests_response)

    # --- the process ---

    def start(self, wait_ready=True):
        arguments = [BINARY, "serve", "--listen", "127.0.0.1:0", "--data-dir", self.folder, *self.flags]
        self.process = subprocess.Popen(
            list(map(str, arguments)), stdout=subprocess.PIPE, stderr=self.log_path.open("ab"), text=True,
            env=self.environment, cwd=self.folder)
        first_line = self.process.stdout.readline()
        prefix = "listening on "
        assert first_line.startswith(prefix), f"the server did not start:\n{self.log()}"
        self.url = first_line[len(prefix):].strip()
        self.host, port = self.url.removeprefix("http://").split(":")
        self.port = int(port)
        # Nothing may block the server when nobody reads what it prints.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        if wait_ready:
            self.wait_ready()
        return self

    def wait_ready(self, timeout_s=START_TIMEOUT_S):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.get("/readyz").status_code == 200:
                return
            time.sleep(0.02)
        raise AssertionError(f"not ready in time:\n{self.log()}")

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        return self.process.wait(timeout=STOP_TIMEOUT_S)

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.terminate()
        return self.wait()

    def kill(self):
        """SIGKILL: no chance to finish anything."""
        self.process.kill()
        self.process.wait()

    def restart(self):
        assert self.stop() == 0
        return self.start()

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def log_path(self):
        return self.folder / "server.log"

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def database(self, node):
        return self.folder / node / "data.db"

    # --- requests ---

    def post(self, path, body, **kwargs):
        return self.session.post(self.url + path, json=body, timeout=60, **kwargs)

    def post_raw(self, path, data, content_type="application/json", **headers):
        return self.session.post(self.url + path, data=data, headers={"Content-Type": content_type, **headers},
                                 timeout=60)

    def get(self, path, **kwargs):
        return self.session.get(self.url + path, timeout=60, **kwargs)

    def put(self, path, body, **kwargs):
        return self.session.put(self.url + path, json=body, timeout=60, **kwargs)

    def write(self, *statements, **fields):
        """One transaction; each statement is an SQL text, a pair (sql, params) or the whole object. Returns the
        response."""
        return self.post("/v1/transactions", {"statements": [as_statement(s) for s in statements], **fields})

    def must_write(self, *statements, **fields):
        response = self.write(*statements, **fields)
        assert response.status_code == 200, response.text
        return response.json()

    def query(self, sql, params=None, **fields):
        body = {"sql": sql, **fields}
        if params is not None:
            body["params"] = params
        return self.post("/v1/query", body)

    def rows(self, sql, params=None, **fields):
        response = self.query(sql, params, **fields)
        assert response.status_code == 200, response.text[:1000]
        return response.json()["rows"]

    def position(self):
        """(term, index). A transaction that is refused while it is prepared leaves it alone; an election does not."""
        return self.get("/v1/cluster").json()["term"], self.query("SELECT 1").json()["index"]

    def verify(self):
        response = self.post("/v1/cluster/verify", {"timeout_ms": 60000})
        assert response.status_code == 200, response.text
        return response.json()

    def wait_caught_up(self, timeout_s=30):
        """Until every node has applied all that is committed."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            cluster = self.get("/v1/cluster").json()
            if all(n["state"] == "running" and n["applied_index"] == cluster["commit_index"]
                   for n in cluster["nodes"]):
                return cluster
            time.sleep(0.02)
        raise AssertionError(f"not caught up in time: {cluster}\n{self.log()}")


def as_statement(statement):
    if isinstance(statement, dict):
        return statement
    if isinstance(statement, str):
        return {"sql": statement}
    sql, params = statement
    return {"sql": sql, "params": params}


def assert_problem(response, status, code, **members):
    """The response is that problem, complete and well-formed."""
    assert response.status_code == status, response.text[:1000]
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Quorate-Index"].isdigit()
    problem = response.json()
    assert problem["code"] == code, problem
    assert problem["type"] == "/problems/" + code
    assert problem["status"] == status
    assert problem["title"] and problem["detail"]
    assert isinstance(problem["retryable"], bool)
    assert problem["outcome"] in ("not_applied", "applied", "unknown")
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert ("Retry-After" in response.headers) == (status in (429, 503))
    for name, value in members.items():
        assert problem.get(name) == value, problem
    return problem


def assert_position_unchanged(server, before):
    term, index = server.position()
    if term == before[0]:  # else there was an election in between, on a very busy machine
        assert index == before[1]


@pytest.fixture
def make_server(tmp_path):
    """make_server(*flags) starts a server of its own; all are ended afterwards, and must not have crashed."""
    servers = []

    def make(*flags, folder="data", start=True, **kwargs):
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        server = Server(path, *flags, **kwargs)
        servers.append(server)
        return server.start() if start else server

    yield make
    for server in servers:
        if server.is_running:
            assert server.stop() == 0, server.log()


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    """One server for all tests of a module; use `server`, which also checks that it is still alive."""
    server = Server(tmp_path_factory.mktemp("shared")).start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture
def server(shared_server):
    yield shared_server
    assert shared_server.is_running, shared_server.log()


@pytest.fixture
def table(server, request):
    """An empty table of its own for each test; its name."""
    name = "t_" + "".join(c if c.isalnum() else "_" for c in request.node.name)[:60]
    server.must_write({"sql": f"DROP TABLE IF EXISTS {name}"},
                      f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, value, version INTEGER NOT NULL DEFAULT 1)")
    return name


@pytest.fixture
def rows(server, table):
    return Rows(server, table)


@pytest.fixture
def make_table(server, request):
    """make_table(definition) creates a table of that definition; {} in it stands for its quoted name."""
    made = []

    def make(definition, name=None):
        name = name or f"t{len(made)}_" + "".join(c if c.isalnum() else "_" for c in request.node.name)[:60]
        quoted = '"' + name.replace('"', '""') + '"'
        made.append(quoted)
        server.must_write(f"DROP TABLE IF EXISTS {quoted}", definition.replace("{}", quoted))
        return Rows(server, name)

    yield make
    for quoted in made:
        server.must_write(f"DROP TABLE IF EXISTS {quoted}")
