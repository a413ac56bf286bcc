"""Breaks a cluster on purpose while clients use it, and checks all they saw. `python3 -m tests.chaos --help`."""

import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

from .checker import check, print_findings
from .cluster import Cluster
from .faults import FAULTS
from .history import HistoryWriter, read_history
from .load import Load
from .nemesis import Nemesis
from .report import print_faults, print_operations, longest_write_gap
from .shim import compile_shim
from .sweep import sweep

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60
SETTLE_S = 4  # longer than any request may wait: nothing is under way any more
NETWORK_FAULTS = {"partition", "one_way", "slow_link"}
SHIM_FAULTS = {"fsync", "clock"}


def parse_options(arguments=None):
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long faults go on")
    parser.add_argument("--seed", type=int, default=None, help="chooses faults and requests; random if not given")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--witness", action="store_true", help="a voter without data besides the nodes")
    parser.add_argument("--faults", default=",".join(FAULTS), help="some of, or all: %(default)s")
    parser.add_argument("--binary", default=os.environ.get("QUORATE_BINARY", str(ROOT / "build/release/quorate")),
                        help="the server; a name that ends with .py is run by this Python")
    parser.add_argument("--mode", default="quorum", choices=("quorum", "dual_write"))
    parser.add_argument("--embedded", action="store_true", help="one process with three nodes inside")
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--rate", type=float, default=250, help="operations a second, of all clients together")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the folder of the run is made")
    parser.add_argument("--keep", action="store_true", help="keep that folder also if all is well")
    options = parser.parse_args(arguments)
    options.faults = [name.strip() for name in options.faults.split(",") if name.strip()]
    unknown = set(options.faults) - set(FAULTS)
    if unknown:
        parser.error(f"unknown faults: {', '.join(sorted(unknown))}")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    return options


def command_of(binary):
    path = os.path.abspath(binary)
    return [sys.executable, path] if path.endswith(".py") else [path]


class Run:
    """One run in a folder of its own."""

    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"quorate-chaos-{os.getpid()}-", dir=options.folder))
        self.started = time.monotonic()
        self.events = open(self.folder / "events.log", "w", encoding="utf-8", buffering=1)
        self.history_path = self.folder / "history.jsonl"
        self.nemesis = None

    def log(self, text):
        line = f"{time.monotonic() - self.started:8.2f} s  {text}"
        print(line, flush=True)
        self.events.write(line + "\n")

    def build_cluster(self):
        options, faults = self.options, set(self.options.faults)
        library = compile_shim(self.folder) if faults & SHIM_FAULTS else None
        count = 1 if options.embedded else options.nodes
        is_root = os.geteuid() == 0
        small = {random.Random(options.seed).randrange(count)} if "disk_full" in faults and is_root else set()
        namespaces = bool(faults & NETWORK_FAULTS) and is_root and not options.embedded
        capabilities = {name for name, present in (
            ("shim", library), ("small_disk", small), ("namespaces", namespaces),
            ("processes", not options.embedded)) if present}
        cluster = Cluster(command_of(options.binary), self.folder, options.nodes, options.embedded, namespaces,
                          options.mode, library, small, witness=options.witness)
        return cluster, capabilities

    def execute(self):
        """Returns the findings, with what the nemesis has seen among the violations."""
        cluster, capabilities = self.build_cluster()
        writer = HistoryWriter(self.history_path)
        try:
            cluster.start()
            if not cluster.wait_started(START_TIMEOUT_S):
                raise RuntimeError("the cluster did not start:\n" + cluster.log_tails())
            cluster.start_monitor()
            seconds = self.options.minutes * 60
            load = Load(cluster, writer, self.options.seed, self.options.clients, self.options.rate, seconds)
            load.setup()
            rng = random.Random(f"{self.options.seed} nemesis")
            self.nemesis = Nemesis(cluster, rng, self.options.faults, self.log, capabilities)
            load.start()
            self.nemesis.run(seconds)
            self.finish(load)
            leaders = cluster.leaders_seen
            self.log(f"leaders seen: {len(leaders)}, the last (term, node): {max(leaders, default=None)}")
        finally:
            writer.close()
            cluster.close()
        return self.judge()

    def finish(self, load):
        """Ends the load and reads the final state. What goes wrong here is a finding too."""
        try:
            load.stop()
            time.sleep(SETTLE_S)
            if self.nemesis.converge():
                load.read_final_state()
        except RuntimeError as error:
            self.nemesis.problems.append(str(error))

    def judge(self):
        operations = read_history(self.history_path)
        self.log("checking")
        findings = check(operations)
        for problem in self.nemesis.problems:
            findings.add("cluster", problem)
        print()
        print_operations(operations)
        print()
        print_faults(self.nemesis)
        gap_s, at_s = longest_write_gap(operations)
        print(f"\nlongest time without an acknowledged write: {gap_s:.2f} s, from {at_s:.1f} s on")
        print(f"processes that ended by themselves and were started again: {self.nemesis.restarts}")
        print_findings(findings)
        return findings


def main(arguments=None):
    options = parse_options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that all is taken down
    for removed in sweep(options.folder):
        print("swept from an earlier run:", removed)
    run = Run(options)
    run.log(f"seed {options.seed}, folder {run.folder}")
    passed = False
    try:
        findings = run.execute()
        passed = findings.passed
    finally:
        run.events.close()
        if passed and not options.keep:
            shutil.rmtree(run.folder)
        else:
            print(f"kept: {run.folder}   (seed {options.seed})")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
