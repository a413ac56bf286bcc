"""Clusters of processes as fixtures. A test that fails shows the end of each process's log."""

import pytest

import processes


def clusters_of(request):
    if not hasattr(request.node, "clusters"):
        request.node.clusters = []
    return request.node.clusters


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    item.has_failed = getattr(item, "has_failed", False) or report.failed
    module = item.getparent(pytest.Module)
    if report.failed:
        for cluster in [*getattr(item, "clusters", []), *getattr(module, "clusters", [])]:
            report.sections.append((f"logs in {cluster.folder}", cluster.log_tails()))


@pytest.fixture
def make_cluster(tmp_path, request):
    """make_cluster(size=3, flags=()) starts one and waits until all nodes are ready. Afterwards all its processes are
    ended, and those that still run must exit with 0 on SIGTERM."""
    clusters = clusters_of(request)

    def make(size=3, flags=(), start=True):
        folder = tmp_path / f"cluster{len(clusters)}"
        folder.mkdir()
        clusters.append(processes.Cluster(folder, size, flags))
        return clusters[-1].start() if start else clusters[-1]

    yield make
    try:
        if not getattr(request.node, "has_failed", False):
            for cluster in clusters:
                cluster.stop()
    finally:
        for cluster in clusters:
            cluster.close()


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory, request):
    """One cluster for all tests of a module, patient enough that its leader changes only when something is wrong."""
    cluster = processes.Cluster(tmp_path_factory.mktemp("shared"), flags=["--election-timeout-ms", "3000"])
    clusters_of(request).append(cluster)
    try:
        yield cluster.start()
        cluster.stop()
    finally:
        cluster.close()
