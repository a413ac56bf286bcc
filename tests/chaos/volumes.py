"""Where a node keeps its data: a plain folder, or a small memory file system that can be filled up."""

import os
import pathlib
import shutil
import subprocess

FILLER = "filler"
COMMAND_TIMEOUT_S = 30


class Folder:
    """A plain folder. It never gets full."""

    can_be_filled = False

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def wipe(self):
        """Removes all that the node has written. The node must not run."""
        for entry in self.path.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != FILLER:
                entry.unlink()

    def close(self):
        """Nothing to give back."""


class SmallDisk(Folder):
    """A memory file system of its own, of `size_mib`. Needs root. close() leaves a copy of its content in its place."""

    can_be_filled = True

    def __init__(self, path, size_mib):
        super().__init__(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "quorate-chaos", self.path], check=True,
                       timeout=COMMAND_TIMEOUT_S)

    def fill(self):
        """Takes all space that is left."""
        with open(self.path / FILLER, "ab") as file:
            for block in (1 << 24, 1 << 20, 1 << 12):
                try:
                    while True:
                        end = file.seek(0, os.SEEK_END)
                        os.posix_fallocate(file.fileno(), end, block)
                except OSError:
                    continue

    def free(self):
        (self.path / FILLER).unlink(missing_ok=True)

    def close(self):
        """Unmounts lazily: a process that still ends does not keep the mount point busy."""
        self.free()
        copy = self.path.with_name(self.path.name + "-copy")
        shutil.copytree(self.path, copy)
        subprocess.run(["umount", "--lazy", self.path], check=True, timeout=COMMAND_TIMEOUT_S)
        copy.rename(self.path)
