"""Chooses faults by a seed, one or two at a time, holds each for a while and mends it. Runs on its caller's thread.

A majority is never lost for good: what a fault breaks lasts seconds, and what takes a node's memory away happens alone,
while all others are well and up to date.
"""

import collections
import time

from .faults import FAULTS, Impossible, Situation

SECOND_FAULT_SHARE = 0.4
HOLD_S = (1.0, 8.0)
CALM_S = (0.5, 3.0)
WELL_TIMEOUT_S = 60
CONVERGE_TIMEOUT_S = 120
RESTART_DELAY_S = 1.0
TICK_S = 0.1
CRASH_SIGNALS = (-4, -7, -8, -11)  # SIGILL, SIGBUS, SIGFPE, SIGSEGV: never right, whatever the disk does
MAX_RESTARTS = 200


class Active:
    def __init__(self, name, generator, text, ends_at):
        self.name = name
        self.generator = generator
        self.text = text
        self.ends_at = ends_at


class Nemesis:
    """`log(text)` is told all that happens. `capabilities` are what faults may need."""

    def __init__(self, cluster, rng, names, log, capabilities):
        self.cluster = cluster
        self.rng = rng
        self.log = log
        self.situation = Situation(cluster, rng, log, self.supervise)
        self.names = [name for name in names if set(FAULTS[name].needs) <= set(capabilities)]
        for name in names:
            if name not in self.names:
                log(f"{name} is left out: it needs {', '.join(FAULTS[name].needs)}")
        self.counts = collections.Counter()
        self.skipped = collections.Counter()
        self.restarts = 0
        self._bag = []
        self._active = []
        self._ended = {}

    @property
    def problems(self):
        return self.situation.problems

    def run(self, seconds):
        """Until that time is over; then everything is mended."""
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                self._begin(self._next_name(), end)
                if self._active and self.rng.random() < SECOND_FAULT_SHARE:
                    self._begin(self._next_name(exclusive=False), end)
                while self._active and time.monotonic() < end:
                    self._tick()
                    for active in [one for one in self._active if one.ends_at <= time.monotonic()]:
                        self._mend(active)
                self._wait(self.rng.uniform(*CALM_S))
        finally:
            self.mend_all()

    def _next_name(self, exclusive=True):
        """From a shuffled bag of all, so that each has its turn."""
        if not self._bag:
            self._bag = self.rng.sample(self.names, len(self.names))
        for name in self._bag:
            if exclusive or not FAULTS[name].exclusive:
                self._bag.remove(name)
                return name
        light = [name for name in self.names if not FAULTS[name].exclusive]
        return self.rng.choice(light) if light else None

    def _begin(self, name, end):
        if name is None:
            return
        fault = FAULTS[name]
        if fault.exclusive and not self._wait_well():
            self.skipped[name] += 1
            self.log(f"skipped {name}: the cluster was not well in {WELL_TIMEOUT_S} s")
            return
        self.log(f"begin {name}")
        generator = fault.run(self.situation)
        try:
            text = next(generator)
        except Impossible as reason:
            self.skipped[name] += 1
            self.log(f"skipped {name}: {reason}")
            return
        self.counts[name] += 1
        self.log(f"fault {name}: {text}")
        hold_s = self.rng.uniform(*HOLD_S) if fault.lasts else 0
        self._active.append(Active(name, generator, text, min(time.monotonic() + hold_s, end)))

    def _mend(self, active):
        self._active.remove(active)
        next(active.generator, None)
        self.log(f"over: {active.text}")

    def mend_all(self):
        for active in list(self._active):
            self._mend(active)
        self.cluster.network.heal()

    def _wait_well(self):
        """Whether every node became ready and up to date, watching over them meanwhile."""
        deadline = time.monotonic() + WELL_TIMEOUT_S
        while time.monotonic() < deadline:
            self.supervise()
            if self.cluster.wait_ready(0) and self._lags_little():
                return True
            time.sleep(TICK_S)
        return False

    def _lags_little(self):
        """Writes go on, so equal positions cannot be asked for: each must come to where the first one was seen."""
        nodes = self.cluster.own_nodes()
        if len(nodes) < len(self.cluster.data_hosts):
            return False
        target = max(node["applied_index"] for node in nodes.values())
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            nodes = self.cluster.own_nodes()
            if len(nodes) >= len(self.cluster.data_hosts) and min(n["applied_index"] for n in nodes.values()) >= target:
                return True
            time.sleep(TICK_S)
        return False

    def _wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._tick()

    def _tick(self):
        self.supervise()
        time.sleep(TICK_S)

    def supervise(self):
        """Starts a process again that ended by itself, as an operator's supervisor would. Only a failing disk is a
        reason to end."""
        for host in self.cluster.hosts:
            if not host.is_wanted or host.is_running:
                continue
            process, ended = self._ended.get(host.name, (None, 0))
            if process is not host.process:
                self._ended[host.name] = (host.process, time.monotonic())
                self._report_end(host)
            elif time.monotonic() - ended >= RESTART_DELAY_S and self.restarts < MAX_RESTARTS:
                self.restarts += 1
                host.start()

    def _report_end(self, host):
        text = f"{host.name} ended by itself with {host.exit_code}"
        self.log(text)
        if time.monotonic() > host.may_exit_until or host.exit_code in CRASH_SIGNALS:
            self.problems.append(f"{text}:\n{host.log_tail()}")

    def converge(self):
        """After the end: every node must become ready, come to the same state, and be equal. Returns whether."""
        deadline = time.monotonic() + CONVERGE_TIMEOUT_S
        while time.monotonic() < deadline:
            self.supervise()
            if self.cluster.wait_ready(0) and self.cluster.wait_settled(1):
                break
            time.sleep(TICK_S)
        else:
            self.problems.append(f"the nodes did not come together in {CONVERGE_TIMEOUT_S} s: "
                                 f"{self.cluster.own_nodes()}\n{self.cluster.log_tails()}")
            return False
        report = self.cluster.verify()
        if report is None or not report["equal"]:
            self.problems.append(f"verify: {report and report['differences']}")
            return False
        return True
