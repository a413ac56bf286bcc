"""What can happen to a cluster. Each fault is a generator function: it breaks something, yields a description while
that lasts, and mends it when it is resumed. nemesis.py chooses, times and resumes them.

A fault that is `exclusive` needs every node well before it begins and mends all by itself before it yields, because a
second fault beside it could take what the cluster is entitled to: a majority that remembers.
"""

import collections
import math
import time

from .hosts import wait_until

READY_TIMEOUT_S = 90
MEMBER_TIMEOUT_S = 60
MAX_CLOCK_JUMP_S = 3 * 86_400
POLL_S = 0.1
EXIT_GRACE_S = 10  # a node that met a failing disk may still be ending when the disk is well again

Fault = collections.namedtuple("Fault", "run exclusive lasts needs")
FAULTS = {}


class Impossible(Exception):
    """The fault has no place now, e.g. because no leader is known. It is skipped."""


def fault(exclusive=False, lasts=True, needs=()):
    def register(function):
        FAULTS[function.__name__] = Fault(function, exclusive, lasts and not exclusive, needs)
        return function
    return register


class Situation:
    """What a fault may touch. `problems` takes what must never happen; `log(text)` tells of events; `supervise()` is
    to be called while something is waited for."""

    def __init__(self, cluster, rng, log, supervise):
        self.cluster = cluster
        self.rng = rng
        self.log = log
        self.supervise = supervise
        self.touched = set()   # names of hosts under a fault now
        self.network_touched = False
        self.problems = []

    def take(self, candidates=None):
        """A running host under no other fault, marked as touched."""
        free = [host for host in (self.cluster.hosts if candidates is None else candidates)
                if host.name not in self.touched and host.is_answering]
        if not free:
            raise Impossible("no host is free")
        host = self.rng.choice(free)
        self.touched.add(host.name)
        return host

    def take_leader(self):
        leader = self.cluster.find_leader()
        host = self.cluster.host(leader[1]) if leader else None
        if host is None:
            raise Impossible("no leader is known")
        return self.take([host])

    def take_network(self):
        if self.network_touched:
            raise Impossible("the network is disturbed already")
        self.network_touched = True
        return self.cluster.network

    def give_back(self, host):
        self.touched.discard(host.name)

    def give_back_network(self):
        self.network_touched = False

    def wait_until(self, condition, timeout_s):
        def watched():
            self.supervise()
            return condition()
        return wait_until(watched, timeout_s, POLL_S)

    def must_be_ready(self, host, why):
        if not self.wait_until(lambda: self.cluster.is_ready(host), READY_TIMEOUT_S):
            self.problems.append(f"{host.name} was not ready within {READY_TIMEOUT_S} s {why}:\n{host.log_tail()}")


# --- Processes ---

@fault()
def kill(situation):
    host = situation.take()
    host.kill()
    yield f"kill -9 {host.name}"
    host.start()
    situation.give_back(host)


@fault(needs=("processes",))
def leader_kill(situation):
    host = situation.take_leader()
    host.kill()
    yield f"kill -9 {host.name}, the leader"
    host.start()
    situation.give_back(host)


@fault()
def stop(situation):
    host = situation.take_leader() if situation.rng.random() < 0.4 else situation.take()
    host.pause()
    yield f"SIGSTOP {host.name}"
    host.resume()
    situation.give_back(host)


@fault(exclusive=True)
def rolling_restart(situation):
    """SIGTERM to one after the other, as an upgrade would."""
    for host in situation.rng.sample(situation.cluster.hosts, len(situation.cluster.hosts)):
        code = host.terminate()
        if code != 0:
            situation.problems.append(f"{host.name} ended with {code} after SIGTERM:\n{host.log_tail()}")
            host.kill()
        host.start()
        situation.must_be_ready(host, "after a restart")
    yield "restarted every node, one after the other"


@fault(exclusive=True, needs=("processes",))
def wipe(situation):
    """A machine is replaced: its node comes back without any file."""
    host = situation.take(situation.cluster.data_hosts)
    host.kill()
    host.wipe()
    host.start()
    situation.must_be_ready(host, "after its files were wiped")
    situation.give_back(host)
    yield f"wiped {host.name}"


# --- Leadership and membership ---

@fault(lasts=False, needs=("processes",))
def transfer(situation):
    leader = situation.cluster.find_leader()
    others = [host.name for host in situation.cluster.data_hosts
              if host.is_answering and leader and host.name != leader[1]]
    if not others:
        raise Impossible("no leader is known, or there is nobody else")
    target = situation.rng.choice(others)
    answer = situation.cluster.transfer_leadership(target)
    yield f"asked to lead: {target}; answer {answer and (answer.status, answer.code)}"


@fault(exclusive=True, needs=("processes",))
def membership(situation):
    """A node leaves for good, and a new one of the same name joins without any file."""
    cluster = situation.cluster
    host = situation.take(cluster.data_hosts)
    answer = cluster.remove_member(host.name)
    if answer is None or not answer.is_ok:
        situation.give_back(host)
        raise Impossible(f"removing {host.name} was refused: {answer and (answer.status, answer.body)}")
    original = host.arguments
    host.may_exit_until = math.inf  # a node that learns of its removal may end
    if not wait_for_members(situation, lambda members: host.name not in members):
        situation.problems.append(f"{host.name} was removed, and is still a member")
    host.kill()
    host.wipe()
    host.may_exit_until = 0
    host.start(cluster.arguments(host, join=next(other for other in cluster.data_hosts if other is not host)))
    if not wait_for_members(situation, lambda members: host.name in members):
        situation.problems.append(f"{host.name} joined, and is no member:\n{host.log_tail()}")
    situation.must_be_ready(host, "after it joined")
    host.arguments = original
    situation.give_back(host)
    yield f"removed {host.name} and let it join again"


def wait_for_members(situation, condition):
    def holds():
        members = situation.cluster.members()
        return members is not None and condition(members)
    return situation.wait_until(holds, MEMBER_TIMEOUT_S)


# --- Network ---

@fault(needs=("namespaces",))
def partition(situation):
    """A minority is cut off, or just two nodes from each other. Clients reach both sides."""
    network = situation.take_network()
    names = [host.name for host in situation.cluster.hosts]
    leader = situation.cluster.find_leader()
    choice = situation.rng.random()
    if choice < 0.3:
        one, other = situation.rng.sample(names, 2)
        network.cut(one, other)
        text = f"cut {one} and {other} from each other"
    else:
        size = situation.rng.randint(1, max(1, (len(names) - 1) // 2))
        group = situation.rng.sample(names, size)
        if choice < 0.6 and leader and leader[1] not in group:
            group[0] = leader[1]
        network.isolate(group)
        text = f"cut off {', '.join(group)}"
    yield text
    network.mend()
    situation.give_back_network()


@fault(needs=("namespaces",))
def one_way(situation):
    """One node hears nothing, or is not heard, by all others or by one."""
    network = situation.take_network()
    names = [host.name for host in situation.cluster.hosts]
    one = situation.rng.choice(names)
    others = [name for name in names if name != one]
    if situation.rng.random() < 0.3:
        others = [situation.rng.choice(others)]
    is_deaf = situation.rng.random() < 0.5
    for other in others:
        network.cut_one_way(*((other, one) if is_deaf else (one, other)))
    yield f"{one} {'does not hear' if is_deaf else 'is not heard by'} {', '.join(others)}"
    network.mend()
    situation.give_back_network()


@fault(needs=("namespaces",))
def slow_link(situation):
    network = situation.take_network()
    names = [host.name for host in situation.cluster.hosts]
    group = situation.rng.sample(names, situation.rng.randint(1, len(names)))
    delay_ms = situation.rng.choice((20, 100, 300))
    rate_kbit = situation.rng.choice((256, 2000, 20_000))
    loss_percent = situation.rng.choice((0, 1, 10))
    for name in group:
        network.slow(name, delay_ms, rate_kbit, loss_percent)
    yield f"{', '.join(group)} send {delay_ms} ms late, at {rate_kbit} kbit/s, losing {loss_percent} %"
    network.unslow()
    situation.give_back_network()


# --- Disk and clock ---

def mend_disk(situation, host):
    """A node may have ended because of its disk; who watches over it starts it again. An embedded node is only opened
    again with its process."""
    if situation.cluster.is_embedded and host.is_running:
        host.kill()
    if not host.is_running:
        host.start()
    host.may_exit_until = time.monotonic() + EXIT_GRACE_S
    situation.give_back(host)


@fault(needs=("small_disk",))
def disk_full(situation):
    host = situation.take([host for host in situation.cluster.hosts if host.volume.can_be_filled])
    host.may_exit_until = math.inf
    host.volume.fill()
    yield f"filled the disk of {host.name}"
    host.volume.free()
    mend_disk(situation, host)


@fault(needs=("shim",))
def fsync(situation):
    host = situation.take()
    host.may_exit_until = math.inf
    below = ""
    if situation.cluster.is_embedded and situation.rng.random() < 0.7:
        below = host.volume.path / situation.rng.choice(("n1", "n2", "n3"))
    host.shim.fail_fsync(below)
    yield f"fsync fails on {host.name} {below and below.name}"
    host.shim.heal_fsync()
    mend_disk(situation, host)


@fault(needs=("shim",))
def clock(situation):
    """The wall clock jumps, forwards or back, and back again."""
    host = situation.take()
    jump_s = situation.rng.choice((-1, 1)) * situation.rng.choice((0.5, 60, 3600, MAX_CLOCK_JUMP_S))
    host.shim.set_clock_offset_s(jump_s)
    yield f"the clock of {host.name} jumps by {jump_s} s"
    host.shim.set_clock_offset_s(0)
    situation.give_back(host)
