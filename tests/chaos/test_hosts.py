"""The tools that faults are made with, on stand-in programs. What needs root or a missing command is skipped."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from .client import ask
from .hosts import Host, wait_until
from .networks import LoopbackNetwork, NamespaceNetwork, run
from .shim import COMPILERS, ShimControl, compile_shim
from .sweep import command_line, sweep
from .volumes import Folder, SmallDisk

FAKE = pathlib.Path(__file__).with_name("fake_server.py")
ROOT = pathlib.Path(__file__).resolve().parents[2]
WAIT_S = 20


def is_allowed(*command):
    """Whether this may be done, tried where nobody notices: root in a container often may not."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-m", "-n", *command], check=False, capture_output=True).returncode == 0


MAY_MOUNT = is_allowed("mount", "-t", "tmpfs", "probe", "/mnt")
MAY_NETWORK = all(map(shutil.which, ("ip", "tc", "iptables"))) and is_allowed(
    "sh", "-c", "ip link add probe0 type bridge && ip link add probe1 type veth peer name probe2 && iptables -L")
needs_namespaces = pytest.mark.skipif(not MAY_NETWORK, reason="needs ip, tc and iptables, and root that may use them")
needs_root = pytest.mark.skipif(not MAY_MOUNT, reason="needs root that may mount")
needs_compiler = pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="needs a C compiler")


@pytest.fixture
def host(tmp_path):
    host = Host("n1", LoopbackNetwork(["n1"]), Folder(tmp_path / "data" / "n1"), tmp_path)
    yield host
    host.close()


def start_fake(host):
    host.start([sys.executable, FAKE, "serve", "--listen", f"{host.address}:{host.http_port}", "--node-id", host.name,
                "--db", host.volume.path / "data.db"])
    assert wait_until(lambda: is_ready(host), WAIT_S), host.log_tail()


def is_ready(host, timeout_s=1):
    answer = ask(host, "GET", "/readyz", timeout_s=timeout_s)
    return answer is not None and answer.is_ok


# --- Processes ---

def test_kill_and_start_again(host):
    start_fake(host)
    host.kill()
    assert host.exit_code == -signal.SIGKILL and not host.is_wanted
    assert ask(host, "GET", "/readyz") is None
    host.start()
    assert wait_until(lambda: is_ready(host), WAIT_S)


def test_pause_and_resume(host):
    start_fake(host)
    host.pause()
    assert not is_ready(host, 0.3)
    host.resume()
    assert is_ready(host)


def test_terminate_gives_the_exit_code_and_wipe_needs_the_end(host):
    start_fake(host)
    (host.volume.path / "file").write_text("x")
    (host.volume.path / "folder").mkdir()
    with pytest.raises(RuntimeError):
        host.wipe()
    assert host.terminate() == 0
    host.wipe()
    assert list(host.volume.path.iterdir()) == []


# --- Network ---

@pytest.fixture(name="network")
def make_network():
    network = NamespaceNetwork(["n1", "n2", "n3"])
    yield network
    network.close()
    assert network.namespace("n1") not in run("ip", "netns", "list")


RECEIVE = """
import socket, sys
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("0.0.0.0", 7000))
receiver.settimeout(float(sys.argv[1]))
print("bound", flush=True)
try:
    print(receiver.recv(100).decode())
except TimeoutError:
    print("nothing")
"""
SEND = "import socket, sys; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'packet', (sys.argv[1], 7000))"


def arrives(network, source, target, timeout_s=0.5):
    """Whether a packet from `source` comes to `target`."""
    receiver = subprocess.Popen([*network.command_prefix(target), sys.executable, "-c", RECEIVE, str(timeout_s)],
                                stdout=subprocess.PIPE, text=True)
    assert receiver.stdout.readline() == "bound\n"
    run(*network.command_prefix(source), sys.executable, "-c", SEND, network.address(target))
    return receiver.communicate(timeout=WAIT_S)[0] == "packet\n"


@needs_namespaces
def test_cuts(network):
    assert arrives(network, "n1", "n2") and arrives(network, "n2", "n1")
    network.cut_one_way("n1", "n2")
    assert not arrives(network, "n1", "n2") and arrives(network, "n2", "n1") and arrives(network, "n1", "n3")
    network.mend()
    assert arrives(network, "n1", "n2")
    network.isolate(["n3"])
    assert not arrives(network, "n1", "n3") and not arrives(network, "n3", "n2") and arrives(network, "n1", "n2")
    network.heal()
    assert arrives(network, "n1", "n3") and arrives(network, "n3", "n2")


@needs_namespaces
def test_the_driver_reaches_a_node_that_is_cut_off(network, tmp_path):
    host = Host("n2", network, Folder(tmp_path / "data" / "n2"), tmp_path)
    try:
        start_fake(host)
        network.isolate(["n2"])
        assert is_ready(host)
        host.pause()
        assert not is_ready(host, 0.3)
        host.resume()
        host.kill()
        assert not is_ready(host, 0.3)
    finally:
        host.close()


@needs_namespaces
def test_slow_links(network, tmp_path):
    """100 KB take no time, and at 256 kbit/s about three seconds."""
    host = Host("n1", network, Folder(tmp_path / "data" / "n1"), tmp_path)

    def seconds():
        body = {"sql": "SELECT hex(zeroblob(50000))"}
        begin = time.monotonic()
        answer = ask(host, "POST", "/v1/query", body, timeout_s=WAIT_S)
        assert answer is not None and answer.is_ok
        return time.monotonic() - begin

    try:
        start_fake(host)
        assert seconds() < 1
        network.slow("n1", delay_ms=100, rate_kbit=256, loss_percent=0)
        assert seconds() > 1
        network.heal()
        assert seconds() < 1
    finally:
        host.close()


# --- Disk and clock ---

@needs_root
def test_a_full_disk(tmp_path):
    disk = SmallDisk(tmp_path / "disk", 8)
    try:
        (disk.path / "before").write_bytes(b"x" * 4096)
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            (disk.path / "after").write_bytes(b"x" * 4096)
        disk.free()
        (disk.path / "after").write_bytes(b"x" * 4096)
        disk.wipe()
        assert list(disk.path.iterdir()) == []
        (disk.path / "kept").write_text("x")
        disk.fill()
    finally:
        disk.close()
    assert [entry.name for entry in disk.path.iterdir()] == ["kept"]
    assert str(tmp_path) not in pathlib.Path("/proc/mounts").read_text()


WATCH = """
import os, sys, time
for line in sys.stdin:
    with open(line.strip(), "w") as file:
        results = []
        for flush in (os.fsync, os.fdatasync):
            try:
                flush(file.fileno())
                results.append("ok")
            except OSError as error:
                results.append(str(error.errno))
    print(*results, time.time(), time.monotonic(), flush=True)
"""


@needs_compiler
def test_failing_flushes_and_a_jumping_clock(tmp_path):
    data = tmp_path / "data"
    (data / "n1").mkdir(parents=True)
    control = ShimControl(compile_shim(tmp_path), tmp_path, "n1", data)
    watched = subprocess.Popen([sys.executable, "-c", WATCH], env={**os.environ, **control.environment()},
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def flush(path):
        watched.stdin.write(f"{path}\n")
        watched.stdin.flush()
        *results, wall, monotonic = watched.stdout.readline().split()
        return results, float(wall) - time.time(), float(monotonic) - time.monotonic()

    well, failed = ["ok", "ok"], ["5", "5"]
    assert flush(data / "n1" / "file")[0] == well
    control.fail_fsync()
    assert flush(data / "n1" / "file")[0] == failed
    assert flush(tmp_path / "elsewhere")[0] == well
    control.fail_fsync(data / "n1")
    assert flush(data / "n1" / "file")[0] == failed
    assert flush(data / "file")[0] == well
    control.heal_fsync()
    assert flush(data / "n1" / "file")[0] == well
    for offset_s in (-3600.5, 86_400, 0):
        control.set_clock_offset_s(offset_s)
        _, wall_s, monotonic_s = flush(data / "file")
        assert abs(wall_s - offset_s) < 1 and abs(monotonic_s) < 1
    watched.stdin.close()
    watched.wait(WAIT_S)


# --- What a killed driver leaves ---

KILLED_DRIVER = """
import os, pathlib, signal, sys, tempfile
from tests.chaos.hosts import Host
from tests.chaos.networks import NamespaceNetwork
from tests.chaos.volumes import SmallDisk
folder = pathlib.Path(tempfile.mkdtemp(prefix=f"quorate-chaos-{os.getpid()}-", dir=sys.argv[1]))
network = NamespaceNetwork(["n1", "n2"])
host = Host("n1", network, SmallDisk(folder / "n1", 8), folder)
host.start([sys.executable, "-c", "import time; time.sleep(600)", folder])
print(os.getpid(), host.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_is_recognised_while_it_becomes_another_program():
    command = ["nice", "env", "A=b", sys.executable, "-c", "import time; time.sleep(600)", "its folder"]
    for _ in range(20):
        with subprocess.Popen(command) as process:
            try:
                assert all("its folder" in command_line(process.pid) for _ in range(200))
            finally:
                process.kill()


@needs_namespaces
def test_the_next_driver_sweeps_up(tmp_path):
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED_DRIVER), str(tmp_path)], cwd=ROOT, text=True,
                            capture_output=True, timeout=WAIT_S, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    driver, node = killed.stdout.split()
    assert f"qc{driver}n1" in run("ip", "netns", "list")
    removed = sweep(tmp_path)
    assert f"process {node}" in removed and f"netns qc{driver}n2" in removed and f"link qc{driver}b" in removed
    assert f"qc{driver}" not in run("ip", "netns", "list") + run("ip", "-o", "link", "show")
    assert str(tmp_path) not in pathlib.Path("/proc/mounts").read_text()
    assert wait_until(lambda: not pathlib.Path(f"/proc/{node}/exe").exists(), WAIT_S)
    assert sweep(tmp_path) == []
