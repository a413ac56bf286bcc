"""One process of a cluster, and everything that can be done to it."""

import os
import pathlib
import signal
import subprocess
import time

POLL_S = 0.02
TERMINATE_TIMEOUT_S = 40
KILL_TIMEOUT_S = 10
STOP_TIMEOUT_S = 10
NICENESS = 10


class Host:
    """A process with its own address, data folder and log. It can be started again after it has ended.

    Not for use by several threads at once. `folder` takes the log and the pid file; `volume` the data.
    """

    def __init__(self, name, network, volume, folder, shim=None):
        self.name = name
        self.volume = volume
        self.shim = shim
        self.network = network
        self.niceness = NICENESS  # what watches it should not have to wait for it
        self.address = network.address(name)
        self.http_port, self.peer_port = network.take_ports(name)
        self.folder = pathlib.Path(folder)
        self.log_path = self.folder / f"{name}.log"
        self.process = None
        self.arguments = None
        self.is_wanted = False   # it should run: an end that nobody asked for is noticed
        self.is_paused = False
        self.may_exit_until = 0  # time.monotonic(): until then its end is no fault, as a disk that fails ends a node

    @property
    def url(self):
        return f"http://{self.address}:{self.http_port}"

    @property
    def peer(self):
        return f"{self.address}:{self.peer_port}"

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def is_answering(self):
        return self.is_running and not self.is_paused

    @property
    def exit_code(self):
        return None if self.process is None else self.process.poll()

    def start(self, arguments=None):
        """Starts the command line given, or the last one again. Does not wait for anything."""
        if self.is_running:
            raise RuntimeError(f"{self.name} runs already")
        self.arguments = self.arguments if arguments is None else list(map(str, arguments))
        environment = {key: value for key, value in os.environ.items() if not key.startswith("QUORATE_")}
        command = [*self.network.command_prefix(self.name), "nice", "-n", str(self.niceness)]
        if self.shim is not None:
            command += ["env", *(f"{key}={value}" for key, value in self.shim.environment().items())]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*command, *self.arguments], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=environment, cwd=self.folder)
        (self.folder / f"{self.name}.pid").write_text(str(self.process.pid), encoding="utf-8")
        self.is_wanted, self.is_paused = True, False

    def kill(self):
        """SIGKILL: no chance to finish anything."""
        self.is_wanted = False
        if self.process is not None:
            self.process.kill()
            self.process.wait(KILL_TIMEOUT_S)
        self.is_paused = False

    def begin_to_terminate(self):
        """SIGTERM."""
        self.is_wanted = False
        self.process.send_signal(signal.SIGTERM)

    def wait_ended(self, timeout_s=TERMINATE_TIMEOUT_S):
        """The exit code, or None if the process still runs after that time."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def terminate(self, timeout_s=TERMINATE_TIMEOUT_S):
        """SIGTERM; returns the exit code, or None if it did not end in time."""
        self.begin_to_terminate()
        return self.wait_ended(timeout_s)

    def pause(self):
        """SIGSTOP: the process stands still and its connections stay open. Returns when every thread has stopped."""
        self.process.send_signal(signal.SIGSTOP)
        self.is_paused = True
        if not wait_until(lambda: not self.is_running or self._has_stopped(), STOP_TIMEOUT_S, 0.001):
            raise RuntimeError(f"{self.name} does not stop")

    def _has_stopped(self):
        for status in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/stat"):
            try:
                state = status.read_text(encoding="utf-8").rsplit(") ", 1)[1][0]
            except OSError:
                continue  # that thread has ended
            if state not in "TtZX":
                return False
        return True

    def resume(self):
        if self.is_paused and self.is_running:
            self.process.send_signal(signal.SIGCONT)
        self.is_paused = False

    def wipe(self):
        """Removes all its data."""
        if self.is_running:
            raise RuntimeError(f"{self.name} still runs")
        self.volume.wipe()

    def log_tail(self, characters=2000):
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(encoding="utf-8", errors="replace")[-characters:]

    def close(self):
        self.kill()
        self.volume.close()


def wait_until(condition, timeout_s, poll_s=POLL_S):
    """Whether `condition()` became true within that time. Its value is returned when it is."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(poll_s)
