"""Removes what drivers have left that were killed: processes, namespaces, bridges and mounts whose names carry the pid
of a driver that is gone. Files are left, for whoever wants to look at them."""

import os
import pathlib
import re
import signal
import time

from .networks import run

RUN_FOLDER = re.compile(r"quorate-chaos-(\d+)-")
PID_FILES = "*.pid"
EXEC_TRIES, EXEC_PAUSE_S = 100, 0.01


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def sweep(parent):
    """`parent` is the folder in which drivers make their folders. Returns what was removed, for the log."""
    removed = []
    for folder in sorted(pathlib.Path(parent).glob("quorate-chaos-*")):
        match = RUN_FOLDER.match(folder.name)
        if match and not is_alive(int(match.group(1))):
            removed += kill_processes(folder) + unmount(folder)
    if os.geteuid() == 0:
        removed += remove_namespaces()
    return removed


def command_line(pid):
    """Empty if there is no such process, or it is a zombie. One that is just becoming another program has none for a
    moment: it is asked again."""
    for _ in range(EXEC_TRIES):
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        if command:
            return command
        time.sleep(EXEC_PAUSE_S)
    return ""


def kill_processes(folder):
    """A pid counts only while the process of that number still has the folder in its command line."""
    removed = []
    for file in sorted(folder.glob(PID_FILES)):
        pid = int(file.read_text(encoding="utf-8"))
        if str(folder) in command_line(pid):
            os.kill(pid, signal.SIGKILL)
            removed.append(f"process {pid}")
    return removed


def unmount(folder):
    removed = []
    for line in pathlib.Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        target = line.split(" ")[1]
        if target.startswith(f"{folder}/"):
            run("umount", "--lazy", target, check=False)
            removed.append(f"mount {target}")
    return removed


def remove_namespaces():
    removed = []
    for kind, pattern, command in (("netns", r"^(qc(\d+)n\d+)\b", ("ip", "netns", "list")),
                                   ("link", r"^\d+: (qc(\d+)[bv]\d*)[:@]", ("ip", "-o", "link", "show"))):
        try:
            listing = run(*command, check=False)
        except FileNotFoundError:
            return removed  # without the command `ip` nothing can have been made either
        for name, pid in re.findall(pattern, listing, re.MULTILINE):
            if is_alive(int(pid)):
                continue
            if kind == "netns":
                for member in run("ip", "netns", "pids", name, check=False).split():
                    os.kill(int(member), signal.SIGKILL)
            run("ip", kind, "delete", name, check=False)
            removed.append(f"{kind} {name}")
    return removed
