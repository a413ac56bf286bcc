"""GET /v1/backup and POST /v1/restore: the content as a file, and a file as the content."""

import concurrent.futures
import os
import sqlite3
import time

import pytest
from conftest import assert_problem

OCTETS = {"Content-Type": "application/octet-stream"}


def backup(server, path):
    response = server.get("/v1/backup")
    assert response.status_code == 200, response.text[:1000]
    path.write_bytes(response.content)
    return int(response.headers["Quorate-Index"])


def restore(server, data, **headers):
    return server.session.post(server.url + "/v1/restore", data=data, headers={**OCTETS, **headers}, timeout=120)


def content_of(path):
    with sqlite3.connect(path) as database:
        names = [name for [name] in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        return {name: database.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for name in names}


def make_database(path, rows=3):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE brought (id INTEGER PRIMARY KEY, text TEXT, version INTEGER NOT NULL DEFAULT 1)")
        database.execute("CREATE INDEX brought_text ON brought (text)")
        database.executemany("INSERT INTO brought (text) VALUES (?)", [(f"row {i} " + "x" * 1000,) for i in range(rows)])
    database.close()
    return path.read_bytes()


@pytest.fixture
def own(make_server):
    """A server of its own: a restore replaces everything."""
    return make_server()


def test_a_backup_is_a_plain_database_with_the_content_of_its_index(own, tmp_path):
    own.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 'a'), (2, x'00ff'), (3, NULL)")
    receipt = own.session.post(own.url + "/v1/transactions", json={"statements": [{"sql": "INSERT INTO t VALUES (4, 9)"}]},
                               headers={"Idempotency-Key": "k"}).json()
    index = backup(own, tmp_path / "backup.db")
    assert index >= receipt["index"]
    assert content_of(tmp_path / "backup.db") == {"t": [(1, "a"), (2, b"\x00\xff"), (3, None), (4, 9)]}
    response = own.session.head(own.url + "/v1/backup")
    assert response.status_code == 200 and f'filename="quorate-' in response.headers["Content-Disposition"]
    assert not list(own.folder.rglob("*.backup*")), "it leaves nothing behind"


def test_a_backup_while_writes_go_on_has_whole_transactions(own, tmp_path):
    own.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "CREATE TABLE u (id INTEGER PRIMARY KEY, v)")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        pair = ("INSERT INTO t (v) VALUES (zeroblob(2000))", "INSERT INTO u (v) VALUES (zeroblob(2000))")
        writes = [pool.submit(own.must_write, *pair) for _ in range(400)]
        for number in range(5):
            backup(own, tmp_path / f"{number}.db")
            content = content_of(tmp_path / f"{number}.db")
            assert [row[0] for row in content["t"]] == [row[0] for row in content["u"]]
        for write in writes:
            write.result()
    assert own.verify()["equal"]


def test_a_restored_backup_is_everything_there_is_on_all_nodes(own, tmp_path):
    own.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 'before')")
    backup(own, tmp_path / "backup.db")
    own.must_write("INSERT INTO t VALUES (2, 'after')", "CREATE TABLE later (id INTEGER PRIMARY KEY)")
    response = restore(own, (tmp_path / "backup.db").read_bytes())
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["bytes"] == os.path.getsize(tmp_path / "backup.db")
    assert int(response.headers["Quorate-Index"]) == answer["index"]
    own.wait_caught_up()
    for node in ("n1", "n2", "n3"):
        rows = own.rows("SELECT * FROM t", consistency="local", node=node, min_index=answer["index"])
        assert rows == [[1, "before"]]
    assert [table["name"] for table in own.get("/v1/tables").json()["tables"]] == ["t"]
    assert own.verify()["equal"]
    assert own.must_write("INSERT INTO t VALUES (3, 'goes on')")["index"] > answer["index"]
    own.restart()
    assert own.rows("SELECT id FROM t ORDER BY id") == [[1], [3]]
    assert own.verify()["equal"]


def test_any_sqlite_database_can_be_restored_also_in_many_pieces(own, tmp_path):
    data = make_database(tmp_path / "brought.db", rows=3000)
    assert len(data) > 3_000_000
    pieces = (data[at:at + 65_536] for at in range(0, len(data), 65_536))  # sent in chunks, of unknown length
    response = restore(own, pieces)
    assert response.status_code == 200, response.text
    assert own.rows("SELECT count(*), max(id) FROM brought") == [[3000, 3000]]
    assert own.get("/v1/tables/brought/rows/7").json()["text"].startswith("row 6 ")
    own.wait_caught_up()
    assert own.verify()["equal"]


def test_a_database_of_another_cluster_leaves_its_identity_behind(own, make_server, tmp_path):
    other = make_server(folder="other")
    other.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 'other')")
    assert other.stop() == 0
    before = own.get("/v1/cluster").json()["cluster_id"]
    response = restore(own, other.database("n1").read_bytes())
    assert response.status_code == 200, response.text
    assert own.rows("SELECT v FROM t") == [["other"]]
    assert own.get("/v1/cluster").json()["cluster_id"] == before
    own.wait_caught_up()
    assert own.verify()["equal"]


@pytest.mark.parametrize("spoil", [
    lambda data: b"x", lambda data: b"no database " * 1000, lambda data: data[:len(data) // 2],
    lambda data: data[:5000] + bytes(range(256)) * 16 + data[9096:],
], ids=["one byte", "text", "half", "damaged"])
def test_what_is_no_sound_database_is_refused_and_nothing_changes(own, tmp_path, spoil):
    own.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 'before')")
    data = make_database(tmp_path / "brought.db", rows=100)
    assert_problem(restore(own, spoil(data)), 400, "malformed_request", outcome="not_applied")
    assert own.rows("SELECT * FROM t") == [[1, "before"]]
    own.wait_caught_up()
    assert own.verify()["equal"]
    assert restore(own, data).status_code == 200
    assert own.rows("SELECT count(*) FROM brought") == [[100]]


def test_names_that_belong_to_the_cluster_are_refused(own, tmp_path):
    with sqlite3.connect(tmp_path / "names.db") as database:
        database.execute("CREATE TABLE _cluster_spies (id INTEGER)")
    database.close()
    problem = assert_problem(restore(own, (tmp_path / "names.db").read_bytes()), 400, "malformed_request")
    assert "_cluster_" in problem["detail"]


def test_bad_requests_change_nothing(own):
    own.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    assert_problem(restore(own, b""), 400, "malformed_request")
    assert_problem(restore(own, b"x", **{"Content-Type": "application/json"}), 415, "unsupported_media_type")
    assert_problem(restore(own, b"x", **{"Content-Encoding": "gzip"}), 415, "unsupported_media_type")
    assert_problem(own.session.post(own.url + "/v1/restore?x=1", data=b"x", headers=OCTETS), 400, "malformed_request")
    assert_problem(own.get("/v1/backup?x=1"), 400, "malformed_request")
    assert own.rows("SELECT count(*) FROM t") == [[0]]


def test_one_that_breaks_off_changes_nothing(own, tmp_path):
    own.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    data = make_database(tmp_path / "brought.db", rows=3000)

    def half():
        yield data[:1_000_000]
        raise BrokenPipeError

    with pytest.raises(Exception):
        restore(own, half())
    assert own.rows("SELECT count(*) FROM t") == [[0]]
    deadline = time.monotonic() + 20
    while restore(own, data).status_code == 429 and time.monotonic() < deadline:
        time.sleep(0.05)  # until the server has seen that nobody is there any more
    assert own.rows("SELECT count(*) FROM brought") == [[3000]]


def test_the_size_is_limited(make_server):
    server = make_server("--max-restore-bytes", "100KiB")
    assert_problem(restore(server, b"x" * 200_000), 413, "limit_exceeded", outcome="not_applied")
    assert_problem(restore(server, iter([b"x" * 60_000] * 3)), 413, "limit_exceeded", outcome="not_applied")


def test_what_was_answered_under_a_key_before_is_not_known_after(own, tmp_path):
    own.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    backup(own, tmp_path / "backup.db")
    body, headers = {"statements": [{"sql": "INSERT INTO t VALUES (1)"}]}, {"Idempotency-Key": "k"}
    assert own.session.post(own.url + "/v1/transactions", json=body, headers=headers).status_code == 200
    assert restore(own, (tmp_path / "backup.db").read_bytes()).status_code == 200
    assert own.rows("SELECT count(*) FROM t") == [[0]]
    assert own.session.post(own.url + "/v1/transactions", json=body, headers=headers).status_code == 200
    assert own.rows("SELECT count(*) FROM t") == [[1]], "its effect is gone with it, so it is run again"
