"""Where the tests of this group find the clusters of tests/cluster."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
