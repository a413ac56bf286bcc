"""The hosts of one cluster: how each is started, and what they say about themselves.

This is the only file that knows the server's command line and the parts of its API that are about the cluster.
"""

import threading

from .client import ask
from .hosts import Host, wait_until
from .networks import LoopbackNetwork, NamespaceNetwork
from .shim import ShimControl
from .volumes import Folder, SmallDisk

WITNESS = "w1"
EMBEDDED_NODES = ("n1", "n2", "n3")
MONITOR_INTERVAL_S = 0.25
ASK_TIMEOUT_S = 2
VERIFY_TIMEOUT_MS = 60_000


class Cluster:
    """Either one process for each node, or one process with embedded nodes. `command` is what runs the server, as a
    list of arguments. Close it in any case."""

    def __init__(self, command, folder, nodes=3, embedded=False, namespaces=False, mode="quorum", shim_library=None,
                 small_disks=(), small_disk_mib=256, witness=False):
        self.command = list(map(str, command))
        self.mode = mode
        self.is_embedded = embedded
        self.leader_hint = None  # the name of a host; by the monitor
        self.leaders_seen = []   # (term, name), by the monitor
        self._stop_monitor = threading.Event()
        names = ["server"] if embedded else [f"n{number}" for number in range(1, nodes + 1)]
        names += [WITNESS] if witness else []
        self.network = NamespaceNetwork(names) if namespaces else LoopbackNetwork(names)
        self.hosts = []
        try:
            for number, name in enumerate(names):
                data = folder / "data" / name
                volume = SmallDisk(data, small_disk_mib) if number in small_disks else Folder(data)
                shim = None if shim_library is None else ShimControl(shim_library, folder, name, data)
                self.hosts.append(Host(name, self.network, volume, folder, shim))
        except BaseException:
            self.close()
            raise

    @property
    def data_hosts(self):
        """All but the witness: those that clients ask."""
        return [host for host in self.hosts if host.name != WITNESS]

    # --- The command line ---

    def arguments(self, host, join=None):
        """How `host` is started: as a member from the beginning, or anew by way of the member `join`."""
        listen = ["witness" if host.name == WITNESS else "serve", "--listen", f"{host.address}:{host.http_port}"]
        if self.is_embedded:
            return [*self.command, *listen, "--data-dir", host.volume.path, "--mode", self.mode]
        node = ["--node-id", host.name, "--peer-listen", host.peer, "--db", host.volume.path / "data.db"]
        if host.name == WITNESS:
            node[-2:] = ["--data-dir", host.volume.path]
        if join is not None:
            return [*self.command, *listen, *node, "--join", join.peer]
        members = ",".join(f"{other.name}={other.peer}" for other in self.hosts)
        mode = [] if host.name == WITNESS else ["--mode", self.mode]
        return [*self.command, *listen, *node, "--cluster", members, *mode]

    def start(self):
        for host in self.hosts:
            host.start(self.arguments(host))

    def log_tails(self):
        """The ends of all logs, for people."""
        return "\n".join(f"{host.name}:\n{host.log_tail()}" for host in self.hosts)

    # --- What it says ---

    def host(self, name):
        """The host of a node's id, or None."""
        if self.is_embedded:
            return self.hosts[0] if name is not None else None
        return next((host for host in self.hosts if host.name == name), None)

    def status(self, host):
        """GET /v1/cluster of that host, or None."""
        answer = ask(host, "GET", "/v1/cluster", timeout_s=ASK_TIMEOUT_S) if host.is_answering else None
        return answer.body if answer is not None and answer.is_ok else None

    def find_leader(self):
        """(term, name) of the leader with the highest term that any host knows of, or None."""
        known = [status for status in map(self.status, self.hosts) if status and status.get("leader")]
        return max(((status["term"], status["leader"]) for status in known), default=None)

    def is_ready(self, host):
        answer = ask(host, "GET", "/readyz", timeout_s=ASK_TIMEOUT_S) if host.is_answering else None
        return answer is not None and answer.is_ok

    def wait_ready(self, timeout_s, hosts=None):
        """Whether all of the hosts came to answer /readyz with 200."""
        return wait_until(lambda: all(map(self.is_ready, hosts or self.hosts)), timeout_s, 0.1)

    def own_nodes(self):
        """What each node says about itself, by id; a host that does not answer is missing."""
        nodes = {}
        for host in self.data_hosts:
            for node in (self.status(host) or {"nodes": []})["nodes"]:
                if self.is_embedded or node["id"] == host.name:
                    nodes[node["id"]] = node
        return nodes

    def is_settled(self):
        """Every node runs and all have applied the same."""
        nodes = self.own_nodes()
        expected = EMBEDDED_NODES if self.is_embedded else [host.name for host in self.data_hosts]
        return set(nodes) == set(expected) and all(node["state"] == "running" for node in nodes.values()) and len(
            {(node["applied_index"], node["digest"]) for node in nodes.values()}) == 1

    def wait_started(self, timeout_s):
        """Whether all hosts became ready. Gives up early when one has ended."""
        def is_decided():
            return not all(host.is_running for host in self.hosts) or all(map(self.is_ready, self.hosts))
        return wait_until(is_decided, timeout_s, 0.1) and all(host.is_running for host in self.hosts)

    def wait_settled(self, timeout_s):
        return wait_until(self.is_settled, timeout_s, 0.1)

    def ask_any(self, method, path, body=None, timeout_s=ASK_TIMEOUT_S):
        """The first answer with 200 that a host gives, the leader asked first; or the last other one, or None."""
        last = None
        for host in sorted(self.data_hosts, key=lambda host: host.name != self.leader_hint):
            answer = ask(host, method, path, body, timeout_s) if host.is_answering else None
            if answer is not None and answer.is_ok:
                return answer
            last = answer or last
        return last

    def verify(self):
        """The report of POST /v1/cluster/verify, or None."""
        answer = self.ask_any("POST", "/v1/cluster/verify", {"timeout_ms": VERIFY_TIMEOUT_MS},
                              VERIFY_TIMEOUT_MS / 1000 + 5)
        return answer.body if answer is not None and answer.is_ok else None

    def transfer_leadership(self, name):
        return self.ask_any("POST", "/v1/cluster/leader", {"node": name}, timeout_s=10)

    def remove_member(self, name):
        return self.ask_any("DELETE", f"/v1/cluster/nodes/{name}", timeout_s=10)

    def members(self):
        """The ids of all members that the leader's host knows of, or None while there is none."""
        leader = self.host((self.find_leader() or (0, None))[1])
        status = self.status(leader) if leader is not None else None
        return None if status is None else {node["id"] for node in status["nodes"]}

    def readers(self):
        """(name, host, fields of a query) for a reading of each node's own content."""
        if self.is_embedded:
            return [(name, self.hosts[0], {"node": name}) for name in EMBEDDED_NODES]
        return [(host.name, host, {}) for host in self.data_hosts]

    # --- The monitor ---

    def start_monitor(self):
        """Keeps `leader_hint` and `leaders_seen` up to date, on a thread of its own."""
        threading.Thread(target=self._monitor, daemon=True).start()

    def _monitor(self):
        while not self._stop_monitor.wait(MONITOR_INTERVAL_S):
            found = self.find_leader()
            self.leader_hint = found[1] if found else None
            if found and found not in self.leaders_seen:
                self.leaders_seen.append(found)

    def close(self):
        self._stop_monitor.set()
        for host in self.hosts:
            host.close()
        self.network.close()
