"""The command line: settings from everywhere, their mistakes, and failures to start."""

import os
import pathlib
import re
import sqlite3
import subprocess

import pytest

from conftest import BINARY, ROOT


def run(*arguments, environment=None, cwd=None):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("QUORATE_")}
    return subprocess.run([str(BINARY), *map(str, arguments)], text=True, capture_output=True, timeout=20, cwd=cwd,
                          env={**clean, **(environment or {})})


def test_help_and_version():
    assert run("--version").stdout.startswith("quorate ")
    assert "serve" in run("--help").stdout
    text = run("serve", "--help").stdout
    for setting in ("--listen", "--db", "--backup", "--mode", "--cluster-id", "--io-threads", "--config", "PATH-log"):
        assert setting in text
    assert run("serve", "--help").returncode == 0


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["serve", "--nothing"], ["serve", "--listen"], ["serve", "x"]],
                         ids=str)
def test_arguments_that_do_not_exist(arguments):
    result = run(*arguments)
    assert result.returncode == 2 and result.stderr and not result.stdout


def test_all_mistakes_are_reported_together(tmp_path):
    config = tmp_path / "q.toml"
    config.write_text('mode = "none"\nnothing = 1\nreader-threads = 0\nlisten = "127.0.0.1:1"\n')
    result = run("serve", "--config", config, "--listen", "nowhere", "--max-body-bytes", "16MB", "--backup", "x",
                 environment={"QUORATE_IO_THREADS": "many"})
    assert result.returncode == 2 and not result.stdout
    lines = result.stderr.splitlines()
    assert all(line.startswith("quorate: ") for line in lines)
    for part in ("--listen", "--max-body-bytes", "QUORATE_IO_THREADS", "q.toml: mode", 'q.toml: there is no setting named '
                 '"nothing"', "q.toml: reader-threads", "--backup needs --db"):
        assert sum(part in line for line in lines) == 1, (part, result.stderr)
    assert len(lines) == 7


@pytest.mark.parametrize("arguments, words", [
    (["--db", "a.db", "--backup", "a.db"], "a.db"),
    (["--listen", "a:1", "--listen", "b:2"], "--listen"),
    (["--config", "missing.toml"], "missing.toml"),
    (["--engine", "nothing"], "nothing"),
    (["--default-timeout-ms", "5", "--max-timeout-ms", "4"], "--max-timeout-ms"),
    (["--heartbeat-ms", "500"], "--election-timeout-ms"),
    (["--mode", ""], "--mode"),
])
def test_mistakes_have_their_exit_code(tmp_path, arguments, words):
    result = run("serve", "--listen", "127.0.0.1:0", *arguments, cwd=tmp_path) \
        if "--listen" not in arguments else run("serve", *arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert words in result.stderr


def test_an_address_in_use(make_server, tmp_path):
    server = make_server()
    result = run("serve", "--listen", f"127.0.0.1:{server.port}", cwd=tmp_path)
    assert result.returncode == 1
    assert str(server.port) in result.stderr and "in use" in result.stderr


def test_a_database_that_cannot_be_created(tmp_path):
    (tmp_path / "file").write_text("")
    result = run("serve", "--listen", "127.0.0.1:0", "--db", tmp_path / "file/x.db", cwd=tmp_path)
    assert result.returncode == 1 and str(tmp_path / "file") in result.stderr
    result = run("serve", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "file", cwd=tmp_path)
    assert result.returncode == 1 and "file" in result.stderr


def test_another_clusters_database(make_server, tmp_path):
    server = make_server("--cluster-id", "mine")
    assert server.get("/v1/cluster").json()["cluster_id"] == "mine"
    assert server.stop() == 0
    result = run("serve", "--listen", "127.0.0.1:0", "--data-dir", server.folder, "--cluster-id", "other", cwd=tmp_path)
    assert result.returncode == 2
    assert "mine" in result.stderr and "other" in result.stderr


def test_flags_win_over_the_environment_and_it_over_the_file(make_server, tmp_path):
    config = tmp_path / "q.toml"
    config.write_text('# comment\ncluster-id = "file"\nmode = "dual_write"\nmax-body-bytes = "1KiB"\n')
    server = make_server("--config", config, environment={"QUORATE_CLUSTER_ID": "environment",
                                                          "QUORATE_MAX_BODY_BYTES": "2KiB"})
    cluster = server.get("/v1/cluster").json()
    assert cluster["cluster_id"] == "environment" and cluster["mode"] == "dual_write"
    assert server.post_raw("/v1/query", b'{"sql":"SELECT 1"}' + b" " * 1900).status_code == 200
    assert server.post_raw("/v1/query", b'{"sql":"SELECT 1"}' + b" " * 2100).status_code == 413
    other = make_server("--cluster-id", "flag", folder="other", environment={
        "QUORATE_CLUSTER_ID": "environment", "QUORATE_CONFIG": str(config)})
    cluster = other.get("/v1/cluster").json()
    assert cluster["cluster_id"] == "flag" and cluster["mode"] == "dual_write"


def test_databases_by_name(make_server, tmp_path):
    """An existing database becomes the content of a new cluster; one node for each path."""
    first = tmp_path / "shop.db"
    connection = sqlite3.connect(first)
    connection.executescript("CREATE TABLE item (id INTEGER PRIMARY KEY, name); INSERT INTO item VALUES (1, 'pen');")
    connection.close()
    backups = [tmp_path / "b1.db", tmp_path / "b2.db"]
    server = make_server("--db", first, "--backup", backups[0], "--backup", backups[1])
    server.must_write("INSERT INTO item VALUES (2, 'ink')")
    assert server.rows("SELECT name FROM item ORDER BY id") == [["pen"], ["ink"]]
    assert server.verify()["equal"] is True
    assert server.stop() == 0
    for path in (first, *backups):
        rows = sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("SELECT name FROM item ORDER BY id").fetchall()
        assert rows == [("pen",), ("ink",)]
        assert pathlib.Path(f"{path}-log").is_dir()


def test_one_node_is_a_cluster_too(make_server, tmp_path):
    server = make_server("--db", tmp_path / "only.db")
    assert [node["id"] for node in server.get("/v1/cluster").json()["nodes"]] == ["n1"]
    server.must_write("CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    server.restart()
    assert server.rows("SELECT * FROM t") == [[1]]


def test_backups_from_the_environment(make_server, tmp_path):
    server = make_server("--db", tmp_path / "a.db", environment={
        "QUORATE_BACKUP": f"{tmp_path / 'b.db'},{tmp_path / 'c.db'}"})
    assert len(server.get("/v1/cluster").json()["nodes"]) == 3


def test_the_first_steps_a_user_is_shown_work(make_server):
    """The curl line that is printed at the start."""
    server = make_server(start=False)
    server.flags = ("--log-level", "off")
    process = subprocess.Popen([str(BINARY), "serve", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True,
                               cwd=server.folder)
    try:
        assert process.stdout.readline().startswith("listening on http://127.0.0.1:")
        command = process.stdout.readline().removeprefix("try: ").strip()
        result = subprocess.run(command, shell=True, text=True, capture_output=True, timeout=20, check=True)
        assert '"rows":[[2]]' in result.stdout
        for node in ("n1", "n2", "n3"):
            assert (server.folder / "quorate-data" / node / "data.db").exists()
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_the_example_file_shows_every_setting_and_its_default():
    text = (ROOT / "config/quorate.example.toml").read_text()
    shown = dict(re.findall(r'^(?:# )?([a-z-]+) = "?(\[.*\]|[^"\n]*)"?$', text, re.MULTILINE))
    help_text = run("serve", "--help").stdout
    settings = set(re.findall(r"^  --([a-z-]+)", help_text, re.MULTILINE)) - {"config"}
    assert set(shown) == settings
    defaults = dict(re.findall(r"^  --([a-z-]+) (?:(?!^  --).)*?Default: (\S+)", help_text, re.MULTILINE | re.DOTALL))
    for name, default in defaults.items():
        assert shown[name] == default, name


def test_the_example_file_is_valid(make_server):
    server = make_server("--config", ROOT / "config/quorate.example.toml")
    assert server.get("/healthz").status_code == 200
