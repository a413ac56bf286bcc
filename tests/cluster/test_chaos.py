"""Half a minute of the faults that need no root, with the checker's verdict. `./dev chaos` has the rest."""

import subprocess
import sys

from processes import BINARY, ROOT

FAULTS = "kill,leader_kill,stop,transfer,membership,wipe,rolling_restart"
TIMEOUT_S = 300


def test_what_clients_saw_is_explained_by_some_order_of_their_writes(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--minutes", "0.5", "--faults", FAULTS, "--binary", BINARY,
         "--folder", tmp_path],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "verdict: ok" in run.stdout
