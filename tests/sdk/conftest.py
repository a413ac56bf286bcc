"""The clusters of tests/cluster, and where the tests of this group find each other."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cluster"))

import processes  # noqa: E402  (found only now)
import pytest  # noqa: E402


@pytest.fixture
def cluster(tmp_path):
    """Three processes, of which the test may kill any."""
    started = processes.Cluster(tmp_path)
    try:
        yield started.start()
    finally:
        started.close()
