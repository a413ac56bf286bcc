"""The preloaded library of failing_fsync.c, and the files by which it is told what to do."""

import pathlib
import shutil
import struct
import subprocess

SOURCE = pathlib.Path(__file__).with_name("failing_fsync.c")
COMPILERS = ("clang-19", "cc")
COMPILE_TIMEOUT_S = 60


def compile_shim(folder):
    """Compiles the library into `folder`. Returns its path."""
    library = pathlib.Path(folder) / "failing_fsync.so"
    compiler = next((name for name in COMPILERS if shutil.which(name)), None)
    if compiler is None:
        raise RuntimeError(f"none of {', '.join(COMPILERS)} is installed, which the faults fsync and clock need")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", library, SOURCE, "-ldl"],
                   check=True, timeout=COMPILE_TIMEOUT_S)
    return library


class ShimControl:
    """What one process is made to see of its disk and of its wall clock. `data` is the directory that it writes."""

    def __init__(self, library, folder, name, data):
        self.library = library
        self.data = pathlib.Path(data).resolve()
        self.fsync_file = pathlib.Path(folder) / f"{name}.fsync-fails"
        self.clock_file = pathlib.Path(folder) / f"{name}.clock-offset"
        self.set_clock_offset_s(0)

    def environment(self):
        return {"LD_PRELOAD": str(self.library), "CHAOS_DATA_DIR": str(self.data),
                "CHAOS_FSYNC_FILE": str(self.fsync_file), "CHAOS_CLOCK_FILE": str(self.clock_file)}

    def fail_fsync(self, below=""):
        """From now on; only for files below that path, if one is given."""
        self.fsync_file.write_text(str(below), encoding="utf-8")

    def heal_fsync(self):
        self.fsync_file.unlink(missing_ok=True)

    def set_clock_offset_s(self, offset_s):
        """Takes effect at once, also in a process that runs: the file is mapped, so it is changed in place."""
        with open(self.clock_file, "r+b" if self.clock_file.exists() else "wb", buffering=0) as file:
            file.write(struct.pack("=q", int(offset_s * 1e9)))
