"""`./dev fuzz-api`: schemathesis against a cluster of three processes, and what must be true afterwards."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cluster"))

import processes  # noqa: E402  (found only now)

DOCUMENT = ROOT / "openapi.yaml"
SCHEMATHESIS = ROOT / "build/tools/schemathesis/bin/st"
CONFIGURATION = ROOT / "tests/openapi/schemathesis.toml"
HOOKS = ROOT / "tests/openapi"
TIMEOUT_S = 3600
# Short, so that what waits for a leader, or for an index that never comes, does not cost the run its time.
FLAGS = ["--default-timeout-ms", "1000"]


def fuzz(url, examples, seed, *flags):
    """The exit code, and everything that was said. `flags` are schemathesis's own."""
    command = [SCHEMATHESIS, "--config-file", CONFIGURATION, "run", DOCUMENT, "--url", url,
               "--max-examples", examples, "--seed", seed, "--checks", "all",
               # A request may be well formed and its SQL wrong, its mode too weak, its node gone.
               "--exclude-checks", "positive_data_acceptance", "--continue-on-failure", "--no-color",
               "--generation-database", "none", "--warnings", "off", "--workers", "1", "--request-timeout", "60", *flags]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HOOKS)}
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=environment, cwd=folder, timeout=TIMEOUT_S, check=False)
    return result.returncode, result.stdout


def run(folder, examples, seed, *flags):
    """Fuzzes a cluster of its own; returns as `fuzz` does. Fails if a process has died or the nodes' contents differ."""
    cluster = processes.Cluster(folder, flags=FLAGS)
    try:
        cluster.start()
        result = fuzz(cluster["n1"].url, examples, seed, *flags)
        dead = [node.name for node in cluster if not node.is_running]
        assert not dead, f"{dead} died\n{cluster.log_tails()}"
        for member in cluster.leader().status()["nodes"]:
            if member["id"] not in cluster.nodes:
                response = cluster.leader().request("DELETE", "/v1/cluster/nodes/" + member["id"])
                assert response.status_code == 200, response.text
        cluster.check_equal()
        cluster.stop()
        return result
    finally:
        cluster.close()


def main():
    parser = argparse.ArgumentParser(prog="./dev fuzz-api", description=__doc__)
    parser.add_argument("--examples", type=int, default=1000, help="for each operation (1000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed sends the same requests (1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        code, output = run(folder, options.examples, options.seed)
    print(output)
    return code


if __name__ == "__main__":
    sys.exit(main())
