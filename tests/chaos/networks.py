"""How the nodes of a cluster reach each other, and how that is disturbed.

Two kinds with one interface: processes side by side on 127.0.0.1, and a network namespace for each node, joined by a
bridge. Only namespaces can be cut. The driver sits on the bridge itself and reaches every node at all times, so clients
also ask nodes that are cut off from the others.
"""

import ipaddress
import os
import random
import re
import shutil
import socket
import subprocess

COMMAND_TIMEOUT_S = 20
FIRST_PORT, LAST_PORT = 20_000, 32_000  # below the ports that the kernel gives to outgoing connections
MAX_PORT_ATTEMPTS = 1000
NAMESPACE_PORTS = (8080, 9090)


def run(*command, check=True):
    """Runs an administration command; returns its standard output. Raises with what it printed if it fails."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S,
                          check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class LoopbackNetwork:
    """All nodes on 127.0.0.1, with free ports."""

    can_be_cut = False

    def __init__(self, names):
        self.names = list(names)
        self._ports = set()

    def address(self, _name):
        return "127.0.0.1"

    def command_prefix(self, _name):
        return []

    def take_ports(self, _name):
        """A port for clients and one for peers."""
        return self._take_port(), self._take_port()

    def _take_port(self):
        for _ in range(MAX_PORT_ATTEMPTS):
            port = random.randrange(FIRST_PORT, LAST_PORT)
            if port in self._ports:
                continue
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            self._ports.add(port)
            return port
        raise RuntimeError("no free port")

    def heal(self):
        """Nothing can be broken."""

    def close(self):
        """Nothing to give back."""


class NamespaceNetwork:
    """Needs root, and the commands `ip`, `tc` (Debian package iproute2) and `iptables`. Close it in any case: what it
    makes outlives the process; sweep.py removes what a driver that was killed has left."""

    can_be_cut = True

    def __init__(self, names):
        missing = [command for command in ("ip", "tc", "iptables") if shutil.which(command) is None]
        if missing or os.geteuid() != 0:
            raise RuntimeError(f"network namespaces need root and the commands ip, tc, iptables (missing: {missing})")
        self.names = list(names)
        self.bridge = f"qc{os.getpid()}b"
        self._network = free_subnet()
        self._cuts = set()   # (source, target): packets from source do not arrive at target
        self._slow = set()
        self.has_netem = True
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "address", "add", f"{self._network[254]}/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")
        for name in self.names:
            namespace, outside = self.namespace(name), self._outside(name)
            run("ip", "netns", "add", namespace)
            run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", namespace)
            run("ip", "link", "set", outside, "master", self.bridge)
            run("ip", "link", "set", outside, "up")
            run("ip", "-n", namespace, "address", "add", f"{self.address(name)}/24", "dev", "eth0")
            run("ip", "-n", namespace, "link", "set", "lo", "up")
            run("ip", "-n", namespace, "link", "set", "eth0", "up")

    def _number(self, name):
        return self.names.index(name) + 1

    def namespace(self, name):
        return f"qc{os.getpid()}n{self._number(name)}"

    def _outside(self, name):
        return f"qc{os.getpid()}v{self._number(name)}"

    def address(self, name):
        return str(self._network[self._number(name)])

    def command_prefix(self, name):
        return ["ip", "netns", "exec", self.namespace(name)]

    def take_ports(self, _name):
        return NAMESPACE_PORTS

    # --- Disturbing it ---

    def cut_one_way(self, source, target):
        """From now on nothing that `source` sends arrives at `target`."""
        if (source, target) not in self._cuts:
            self._cuts.add((source, target))
            self._drop_rule("-A", source, target)

    def cut(self, one, other):
        self.cut_one_way(one, other)
        self.cut_one_way(other, one)

    def isolate(self, group):
        """Cuts the nodes of `group` off from all others, in both directions."""
        for inside in group:
            for outside in self.names:
                if outside not in group:
                    self.cut(inside, outside)

    def mend(self):
        """Takes back every cut."""
        for source, target in sorted(self._cuts):
            self._drop_rule("-D", source, target)
        self._cuts.clear()

    def _drop_rule(self, action, source, target):
        run(*self.command_prefix(target), "iptables", "-w", action, "INPUT", "-s", self.address(source), "-j", "DROP")

    def slow(self, name, delay_ms, rate_kbit, loss_percent):
        """Makes all that `name` sends late, slow and lossy. Without the kernel's netem, the delay comes from the queue
        in front of the rate alone."""
        self._slow.add(name)
        device = ("tc", "-n", self.namespace(name), "qdisc", "replace", "dev", "eth0", "root")
        if self.has_netem:
            try:
                run(*device, "netem", "delay", f"{delay_ms}ms", f"{delay_ms // 4}ms", "rate", f"{rate_kbit}kbit",
                    "loss", f"{loss_percent}%")
                return
            except RuntimeError:
                self.has_netem = False
        run(*device, "tbf", "rate", f"{rate_kbit}kbit", "burst", "5kb", "latency", f"{max(4 * delay_ms, 100)}ms")
        run(*self.command_prefix(name), "iptables", "-w", "-A", "OUTPUT", "-m", "statistic", "--mode", "random",
            "--probability", f"{loss_percent / 100:.4f}", "-j", "DROP")

    def unslow(self):
        for name in sorted(self._slow):
            run("tc", "-n", self.namespace(name), "qdisc", "del", "dev", "eth0", "root", check=False)
            run(*self.command_prefix(name), "iptables", "-w", "-F", "OUTPUT")
        self._slow.clear()

    def heal(self):
        self.mend()
        self.unslow()

    def close(self):
        """Removes namespaces and bridge. The nodes' processes must have been ended."""
        for name in self.names:
            run("ip", "netns", "delete", self.namespace(name), check=False)
            run("ip", "link", "delete", self._outside(name), check=False)
        run("ip", "link", "delete", self.bridge, check=False)


def free_subnet():
    """A /24 of 10.200.0.0/14 that no interface of this machine is in."""
    taken = [ipaddress.ip_network(text, strict=False)
             for text in re.findall(r"inet (\S+)", run("ip", "-o", "-4", "address", "show"))]
    for offset in range(1024):
        second, third = divmod((os.getpid() + offset) % 1024, 256)
        subnet = ipaddress.ip_network(f"10.{200 + second}.{third}.0/24")
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise RuntimeError("no free subnet")
