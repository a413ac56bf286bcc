"""Pages of rows: in the order of the key, whatever comes and goes between them."""

import threading

import pytest

from conftest import assert_problem
from row_client import Rows


def read_pages(rows, between=lambda page, last: None, **options):
    found, cursor, pages = [], None, 0
    while True:
        page = rows.get(**options, **({"cursor": cursor} if cursor else {}))
        assert page.status_code == 200, page.text
        found += page.json()["rows"]
        pages += 1
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return found, pages
        between(pages, found[-1])


def test_pages(server, rows):
    name = rows.path.split("/")[3]
    server.must_write(f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) "
                      f"INSERT INTO {name} (id, value) SELECT i * 2, i FROM n")
    first = rows.get().json()
    assert len(first["rows"]) == 100 and first["next_cursor"]
    assert first["index"] == int(rows.get().headers["Quorate-Index"])
    assert len(rows.get(limit=1000).json()["rows"]) == 1000
    for limit, pages in ((1000, 2), (550, 2), (549, 3), (300, 4)):
        found, count = read_pages(rows, limit=limit)
        assert [row["id"] for row in found] == list(range(2, 2202, 2)) and count == pages
    for limit in (0, 1001, -1, "x", ""):
        assert_problem(rows.get(limit=limit), 400, "malformed_request")


def test_pages_stay_together_while_rows_come_and_go(server, rows):
    name = rows.path.split("/")[3]
    server.must_write(f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
                      f"INSERT INTO {name} (id, value) SELECT i * 10, 'stays' FROM n")

    def disturb(page, last):
        """Before and after the place that the reader has come to, and the very row that the cursor names."""
        at = last["id"]
        new = f"INSERT OR IGNORE INTO {name} (id, value) VALUES (?, 'new')"
        server.must_write((new, [at - 3]), (new, [at + 1]), (new, [at + 7]), (new, [5000 + page]),
                          {"sql": f"DELETE FROM {name} WHERE value = 'new' AND id < {at}", "allow_no_rows": True})
        if page % 3 == 0:
            server.must_write(f"DELETE FROM {name} WHERE id = {at}")

    found, _ = read_pages(rows, disturb, limit=10)
    stays = [row["id"] for row in found if row["value"] == "stays"]
    assert stays == [i * 10 for i in range(1, 201)]
    assert len({row["id"] for row in found}) == len(found)


def test_pages_while_others_insert(server, rows):
    name = rows.path.split("/")[3]
    server.must_write(f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) "
                      f"INSERT INTO {name} (id, value) SELECT i * 1000, 'stays' FROM n")
    stop = threading.Event()

    def insert(seed):
        own = Rows(server, name)
        i = seed
        while not stop.is_set():
            i = (i * 7919 + 13) % 299_999
            own.put(i + 1, {"value": "new"}, none_match="*")

    threads = [threading.Thread(target=insert, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    found, _ = read_pages(rows, limit=7)
    stop.set()
    for thread in threads:
        thread.join()
    assert [row["id"] for row in found if row["value"] == "stays"] == [i * 1000 for i in range(1, 301)]
    ids = [row["id"] for row in found]
    assert ids == sorted(set(ids))
    assert len(ids) > 300


@pytest.mark.parametrize("definition, keys", [
    ("(a TEXT, b INTEGER, v, PRIMARY KEY (a, b))", [(a, b) for a in ("", "x", "y", None) for b in (None, 1, 2)]),
    ("(a TEXT, b INTEGER, v, PRIMARY KEY (b, a))", [(a, b) for a in ("", "x", "y", None) for b in (None, 1, 2)]),
    ("(a TEXT NOT NULL, b INTEGER NOT NULL, v, PRIMARY KEY (a, b)) WITHOUT ROWID",
     [(a, b) for a in "xyz" for b in range(4)]),
    ("(a, b, v, PRIMARY KEY (a, b))",
     [(a, b) for a in (1, 1.5, "1", {"base64": "MQ=="}, None) for b in (None, "z", 0)]),
    ("(a TEXT COLLATE NOCASE, b, v)", [("same", 1)] * 11),
    ("(a TEXT PRIMARY KEY COLLATE NOCASE, b, v)", [(c, 1) for c in "aBcDeF"]),
])
def test_pages_of_every_kind_of_key(make_table, definition, keys):
    rows = make_table("CREATE TABLE {} " + definition)
    for v, (a, b) in enumerate(keys + [key for key in keys if None in key]):
        rows.must_post({"a": a, "b": b, "v": v})
    everything = rows.get(limit=1000).json()["rows"]
    assert sorted(row["v"] for row in everything) == list(range(len(everything))) and len(everything) >= len(keys)
    for limit in (1, 2, 5):
        assert read_pages(rows, limit=limit)[0] == everything


def test_cursors_that_were_never_given_out(make_table):
    rows, other = (make_table("CREATE TABLE {} (id INTEGER PRIMARY KEY)") for _ in range(2))
    for _ in range(2):
        rows.must_post({})
        other.must_post({})
    cursor = rows.get(limit=1).json()["next_cursor"]
    assert rows.get(cursor=cursor).json()["rows"] == [{"id": 2}]
    for bad in ("x", cursor[:-1], cursor + "A", cursor + "=", other.get(limit=1).json()["next_cursor"], "' OR 1 = 1 --",
                "W10", "\u00e4"):
        response = rows.get(cursor=bad)
        assert response.status_code == 400, (bad, response.text)
        assert_problem(response, 400, "malformed_request")
    assert_problem(rows.server.get(rows.path + f"?cursor={cursor}&cursor={cursor}"), 400, "malformed_request")
