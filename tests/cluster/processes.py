"""Clusters of real processes: nodes with folders and loopback ports of their own, which are started, stopped, killed and
asked over HTTP. QUORATE_BINARY names the server; otherwise build/release/quorate is taken."""

import os
import pathlib
import shutil
import sqlite3
import sys

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from chaos.hosts import Host, wait_until  # noqa: E402  (found only now)
from chaos.networks import LoopbackNetwork  # noqa: E402
from chaos.volumes import Folder  # noqa: E402

BINARY = pathlib.Path(os.environ.get("QUORATE_BINARY", ROOT / "build/release/quorate")).absolute()
# Bounds for a machine that is busy with other things. What is waited for usually comes in a second or two.
PATIENCE_S = float(os.environ.get("QUORATE_TEST_PATIENCE_S", "90"))
HTTP_TIMEOUT_S = 60
VERIFY_TIMEOUT_MS = 60_000
# For tests in which no write may fail: on a busy machine no leader is to be lost by chance.
PATIENT = ["--election-timeout-ms", "1500"]
LOG_TAIL_CHARACTERS = 4000


class LeashedNetwork(LoopbackNetwork):
    """What is started here ends with the tests, however those end."""

    def command_prefix(self, _name):
        return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


class Node(Host):
    """One process. `name` is its node id, unless `node_id` says otherwise."""

    def __init__(self, name, network, folder, node_id=None):
        super().__init__(name, network, Folder(pathlib.Path(folder) / name), folder)
        self.id = node_id or name
        self.session = requests.Session()

    def take_other_ports(self):
        self.http_port, self.peer_port = self.network.take_ports(self.name)

    @property
    def database(self):
        return self.volume.path / "data.db"

    def command(self, *flags):
        return [BINARY, "serve", "--node-id", self.id, "--listen", f"{self.address}:{self.http_port}",
                "--peer-listen", self.peer, "--db", self.database, *flags]

    def start(self, arguments=None):
        self.log_begins = self.log_path.stat().st_size if self.log_path.exists() else 0
        super().start(arguments)

    # --- Its log ---

    def log(self):
        """Since the last start."""
        return self.log_path.read_bytes()[self.log_begins:].decode(errors="replace")

    def wait_log(self, *parts):
        """Until one line has all of these parts; returns it."""
        def find():
            return next((line for line in self.log().splitlines() if all(part in line for part in parts)), None)
        line = wait_until(find, PATIENCE_S)
        assert line, f"no line with {parts} in the log of {self.name}:\n{self.log_tail(LOG_TAIL_CHARACTERS)}"
        return line

    # --- Requests ---

    def request(self, method, path, body=None, timeout_s=HTTP_TIMEOUT_S):
        return self.session.request(method, self.url + path, json=body, timeout=timeout_s)

    def write(self, *statements, **fields):
        """One transaction; each statement is an SQL text or a pair (sql, params). Returns the response."""
        body = {"statements": [{"sql": s} if isinstance(s, str) else {"sql": s[0], "params": s[1]} for s in statements]}
        return self.request("POST", "/v1/transactions", {**body, **fields})

    def must_write(self, *statements, **fields):
        response = self.write(*statements, **fields)
        assert response.status_code == 200, f"{self.name}: {response.text}"
        return response.json()

    def query(self, sql, **fields):
        return self.request("POST", "/v1/query", {"sql": sql, **fields})

    def rows(self, sql, **fields):
        response = self.query(sql, **fields)
        assert response.status_code == 200, f"{self.name}: {response.text[:1000]}"
        return response.json()["rows"]

    def status(self):
        """GET /v1/cluster, or None while it does not answer."""
        if not self.is_answering:
            return None
        try:
            response = self.request("GET", "/v1/cluster")
        except requests.exceptions.RequestException:
            return None
        return response.json() if response.status_code == 200 else None

    def is_ready(self):
        if not self.is_answering:
            return False
        try:
            return self.request("GET", "/readyz").status_code == 200
        except requests.exceptions.RequestException:
            return False

    def wait_unready(self, detail):
        """Until it says that it is not ready, and why."""
        def says_so():
            try:
                response = self.request("GET", "/readyz")
            except requests.exceptions.RequestException:  # it is being started
                return False
            return response.status_code == 503 and detail in response.json()["detail"]
        assert wait_until(says_so, PATIENCE_S), self.log_tail()


class Witness(Node):
    """A voter without content."""

    def command(self, *flags):
        return [BINARY, "witness", "--node-id", self.id, "--listen", f"{self.address}:{self.http_port}",
                "--peer-listen", self.peer, "--data-dir", self.volume.path, *flags]


class Cluster:
    """Nodes n1, n2, ... in `folder`. Close it in any case: that ends all processes."""

    def __init__(self, folder, size=3, flags=()):
        self.folder = pathlib.Path(folder)
        self.flags = list(flags)
        self.network = LeashedNetwork([])
        self.nodes = {}
        for number in range(1, size + 1):
            self.add(f"n{number}")
        self.initial = list(self.nodes.values())
        self.strangers = []

    def __getitem__(self, name):
        return self.nodes[name]

    def __iter__(self):
        return iter(self.nodes.values())

    def add(self, name):
        """A further node of the cluster; not started."""
        self.nodes[name] = Node(name, self.network, self.folder)
        return self.nodes[name]

    def add_stranger(self, name, node_id=None):
        """A process that is not to belong to the cluster; not started."""
        self.strangers.append(Node(name, self.network, self.folder, node_id))
        return self.strangers[-1]

    def add_witness(self, name="w1"):
        """A witness, which is no data node and not among them; not started."""
        self.strangers.append(Witness(name, self.network, self.folder))
        return self.strangers[-1]

    # --- Starting ---

    def members_flag(self):
        return ["--cluster", ",".join(f"{node.id}={node.peer}" for node in self.initial)]

    def start_node(self, node, *more):
        node.start(node.command(*self.members_flag(), *self.flags, *more))

    def start(self):
        for node in self.initial:
            self.start_node(node)
        return self.wait_ready()

    def join(self, node, *by_way_of):
        seeds = [flag for other in by_way_of for flag in ("--join", other.peer)]
        node.start(node.command(*seeds, *self.flags))

    def wait_ready(self, *nodes):
        for node in nodes or self:
            assert wait_until(node.is_ready, PATIENCE_S), f"{node.name} is not ready:\n{self.log_tails()}"
        return self

    # --- What it says ---

    def others(self, *nodes):
        return [node for node in self if node not in nodes]

    def find_leader(self):
        """(term, node) of the leader with the highest term that a node knows of, if it answers; or None."""
        known = [status for status in (node.status() for node in self) if status and status["leader"]]
        if not known:
            return None
        newest = max(known, key=lambda status: status["term"])
        leader = self.nodes.get(newest["leader"])
        return (newest["term"], leader) if leader is not None and leader.is_answering else None

    def leader(self):
        found = wait_until(self.find_leader, PATIENCE_S)
        assert found, f"no leader:\n{self.log_tails()}"
        return found[1]

    def wait_leader(self, name):
        """Until this node leads and the others say so."""
        def leads():
            return all(status and status["leader"] == name
                       for status in (node.status() for node in self if node.is_answering))
        assert wait_until(leads, PATIENCE_S), f"{name} does not lead:\n{self.log_tails()}"
        return self[name]

    def wait_members(self, *names, settled=False, asked=None):
        """Until exactly these are voters that run, and with `settled` have applied all there is; returns what
        GET /v1/cluster says then."""
        seen = None

        def complete():
            nonlocal seen
            seen = (asked or self.leader()).status()
            nodes = seen["nodes"] if seen else []
            return {node["id"] for node in nodes} == set(names) and all(
                node["role"] in ("master", "backup") and node["state"] == "running"
                and (not settled or node["applied_index"] == seen["commit_index"]) for node in nodes)
        assert wait_until(complete, PATIENCE_S), f"not the members {names}: {seen}\n{self.log_tails()}"
        return seen

    def wait_settled(self):
        return self.wait_members(*self.nodes, settled=True)

    def wait_writable(self, node, statement):
        """Until this node takes the write, which may be sent more than once; returns its receipt."""
        answer = None

        def applied():
            nonlocal answer
            try:
                response = node.write(statement)
            except requests.exceptions.ConnectionError as error:
                answer = error
                return False
            answer = response.text
            return response.json() if response.status_code == 200 else None
        receipt = wait_until(applied, PATIENCE_S, 0.1)
        assert receipt, f"{node.name}: {answer}\n{self.log_tails()}"
        return receipt

    def check_equal(self, *names):
        """All nodes have the same content, as they find themselves."""
        names = names or tuple(self.nodes)
        self.wait_members(*names, settled=True)
        response = self.leader().request("POST", "/v1/cluster/verify", {"timeout_ms": VERIFY_TIMEOUT_MS}, timeout_s=90)
        assert response.status_code == 200, response.text
        report = response.json()
        assert report["equal"] is True and report["differences"] == [], report
        assert sorted(node["id"] for node in report["nodes"]) == sorted(names)
        assert not any("not_compared" in node for node in report["nodes"]), report

    def instance(self, name):
        """Which life of this node the cluster counts."""
        return next(node["instance"] for node in self.leader().status()["nodes"] if node["id"] == name)

    def log_tails(self):
        return "\n".join(f"--- {node.name}\n{node.log_tail(LOG_TAIL_CHARACTERS)}" for node in [*self, *self.strangers])

    # --- Ending ---

    def stop(self):
        """SIGTERM to all at once; each must exit with 0."""
        running = [node for node in [*self, *self.strangers] if node.is_running]
        for node in running:
            node.resume()
            node.begin_to_terminate()
        codes = {node.name: node.wait_ended() for node in running}
        assert set(codes.values()) <= {0}, f"{codes}\n{self.log_tails()}"

    def close(self):
        for node in [*self, *self.strangers]:
            node.close()
            node.session.close()


def content_of_file(node):
    """What clients have put into the file of a node that has been stopped, as SQLite itself reads it."""
    with sqlite3.connect(f"file:{node.database}?mode=ro", uri=True) as database:
        [check] = database.execute("PRAGMA integrity_check").fetchall()
        assert check == ("ok",), f"{node.name}: {check}"
        return [line for line in database.iterdump() if "_cluster_" not in line]
