"""How paths name rows: every kind of primary key, and the row id where there is none."""

from urllib.parse import quote

from conftest import assert_problem
from row_client import Rows

TEXTS = ["plain", "a/b", "a,b", ",", "/", "'", '"', "--", ";", "%", "%2F", "?x=1&y#z", "a b", "+", "ä😀", "text:x",
         "base64:", "5", "007", "\x01\n", "a\u0000b", "~", "..x", "", ".", "..", "x" * 500]


def test_keys_of_text(make_table):
    rows = make_table("CREATE TABLE {} (name TEXT PRIMARY KEY, n INTEGER, version INTEGER)")
    for n, name in enumerate(TEXTS):
        created = rows.must_post({"name": name, "n": n})
        read = rows.server.get(created.headers["Location"])
        assert read.json() == {"name": name, "n": n, "version": 1}
        encoded = quote(name, safe="")
        encoded = created.headers["Location"].rsplit("/", 1)[1] if name in ("", ".", "..") else encoded
        assert rows.get(encoded).json()["n"] == n
        assert rows.patch(encoded, {"n": -n, "name": name}, match='"1"').json() == {"name": name, "n": -n, "version": 2}
        assert rows.put(encoded, {"n": n}, match='"2"').json()["version"] == 3
    assert [row["name"] for row in rows.get().json()["rows"]] == sorted(TEXTS, key=str.encode)
    for name in TEXTS:
        assert rows.delete("text:" + quote(name, safe=""), match='"3"').status_code == 204
    assert rows.put(quote("new/one", safe=""), {"n": 1}, none_match="*").json()["name"] == "new/one"


def test_composite_keys(make_table):
    for suffix in ("", " WITHOUT ROWID"):
        rows = make_table("CREATE TABLE {} (note, part INTEGER, name TEXT, version INTEGER, PRIMARY KEY (name, part))"
                          + suffix)
        created = rows.must_post({"name": "a,b/c", "part": 2, "note": "x"})
        assert created.headers["Location"] == rows.path + "/a%2Cb%2Fc,2"
        assert rows.get("a%2Cb%2Fc,2").json() == {"note": "x", "part": 2, "name": "a,b/c", "version": 1}
        assert rows.put("a%2Cb%2Fc,2", {"note": "y"}, match='"1"').json()["note"] == "y"
        assert rows.put("a%2Cb%2Fc,3", {"note": "z"}, none_match="*").status_code == 201
        assert_problem(rows.put("a%2Cb%2Fc,3", {}, none_match="*"), 412, "precondition_failed", current_version=1)
        for wrong in ("a", "a%2Cb%2Fc%2C2", "a,b,2"):
            assert_problem(rows.get(wrong), 400, "malformed_request")
        assert_problem(rows.patch("a%2Cb%2Fc,2", {"part": 3}, match='"2"'), 400, "malformed_request")
        assert rows.delete("a%2Cb%2Fc,2", match='"2"').status_code == 204
        assert [row["part"] for row in rows.get().json()["rows"]] == [3]


def test_tables_without_a_key_are_addressed_by_their_row_id(make_table):
    for name, definition in (("rowid", "(a, version INTEGER)"), ("_rowid_", "(rowid, a, version INTEGER)")):
        rows = make_table("CREATE TABLE {} " + definition)
        created = rows.must_post({"a": "x"})
        assert created.headers["Location"] == rows.path + "/1" and created.json()[name] == 1
        assert rows.get(1).json() == created.json()
        assert rows.put(1, {"a": "y"}, match='"1"').json()["a"] == "y"
        assert rows.put(5, {"a": "z"}, none_match="*").headers["Location"] == rows.path + "/5"
        assert_problem(rows.put(5, {}, none_match="*"), 412, "precondition_failed")
        assert [(row[name], row["a"]) for row in rows.get().json()["rows"]] == [(1, "y"), (5, "z")]
        assert rows.delete(1, match='"2"').status_code == 204


def test_keys_of_other_types(make_table):
    blob = make_table("CREATE TABLE {} (id BLOB PRIMARY KEY, version INTEGER)")
    location = blob.must_post({"id": {"base64": "AP/+"}}).headers["Location"]
    assert location == blob.path + "/base64:AP%2F%2B"
    assert blob.server.get(location).json()["id"] == {"base64": "AP/+"}
    assert_problem(blob.get("base64:%FF"), 400, "malformed_request")
    # A column without a type tells 5 from "5".
    loose = make_table("CREATE TABLE {} (id PRIMARY KEY, a, version INTEGER)")
    for key in (5, "5"):
        created = loose.must_post({"id": key, "a": type(key).__name__})
        assert loose.server.get(created.headers["Location"]).json()["id"] == key
    assert loose.get("5").json()["a"] == "int" and loose.get("text:5").json()["a"] == "str"
    # A key may hold NULL, which no path can name; pages show such rows all the same.
    assert "Location" not in loose.must_post({"id": None}).headers
    real = make_table("CREATE TABLE {} (id REAL PRIMARY KEY, version INTEGER)")
    assert real.server.get(real.must_post({"id": 1.5}).headers["Location"]).json()["id"] == 1.5


def test_views_and_virtual_tables_are_refused(server, make_table):
    make_table("CREATE TABLE {} (a)", name="base_of_view")
    server.must_write("CREATE VIEW view_of_rows AS SELECT * FROM base_of_view",
                      "CREATE VIRTUAL TABLE words_of_rows USING fts5(body)",
                      "CREATE TABLE nameless (rowid, _rowid_, oid)")
    for name in ("view_of_rows", "words_of_rows", "nameless"):
        rows = Rows(server, name)
        for response in (rows.get(), rows.get(1), rows.post({"a": 1}), rows.patch(1, {}, match="*"),
                         rows.delete(1, match="*")):
            assert_problem(response, 422, "not_a_table")
    server.must_write("DROP VIEW view_of_rows")
