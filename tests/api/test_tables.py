"""GET /v1/tables and GET /v1/tables/{table}: the schema as the engine describes it."""

import pytest

from conftest import assert_problem


@pytest.fixture(scope="module")
def schema(shared_server):
    shared_server.must_write(
        "CREATE TABLE account (id INTEGER PRIMARY KEY, owner TEXT NOT NULL DEFAULT 'nobody', "
        "shout AS (upper(owner)), Version INTEGER NOT NULL DEFAULT 1)",
        "CREATE TABLE member (team TEXT, number INT, note, PRIMARY KEY (number, team)) WITHOUT ROWID",
        'CREATE TABLE "odd name/ä, ""x""" (a)', "CREATE VIEW rich AS SELECT id FROM account",
        "CREATE VIEW broken AS SELECT * FROM gone", "CREATE VIRTUAL TABLE words USING fts5(body)",
        "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT)", "INSERT INTO counted DEFAULT VALUES")
    return shared_server


def column(name, type="", **fields):
    return {"name": name, "type": type, "not_null": False, "default": None, "primary_key": 0, "generated": False,
            "hidden": False, **fields}


def test_all_tables_are_listed_but_those_of_the_cluster_and_the_engine(schema):
    response = schema.get("/v1/tables")
    assert response.status_code == 200, response.text
    tables = {table["name"]: table for table in response.json()["tables"]}
    assert sorted(tables) == sorted(
        ["account", "member", 'odd name/ä, "x"', "rich", "broken", "words", "counted"])
    assert response.json()["index"] == int(response.headers["Quorate-Index"]) > 0
    assert {name: table["kind"] for name, table in tables.items() if table["kind"] != "table"} == {
        "rich": "view", "broken": "view", "words": "virtual"}
    assert tables["broken"]["columns"] == []
    assert tables["rich"]["columns"] == [column("id", "INTEGER")]
    assert [c["name"] for c in tables["words"]["columns"] if not c["hidden"]] == ["body"]


def test_one_table(schema):
    account = schema.get("/v1/tables/account").json()
    assert account == {
        "name": "account", "kind": "table", "without_rowid": False, "versioned": True,
        "columns": [
            column("id", "INTEGER", primary_key=1), column("owner", "TEXT", not_null=True, default="'nobody'"),
            column("shout", generated=True), column("Version", "INTEGER", not_null=True, default="1")]}
    member = schema.get("/v1/tables/member").json()
    assert member["without_rowid"] is True and member["versioned"] is False
    assert {c["name"]: c["primary_key"] for c in member["columns"]} == {"team": 2, "number": 1, "note": 0}
    assert schema.get("/v1/tables/ACCOUNT").json() == account
    assert schema.get("/v1/tables/odd%20name%2F%C3%A4%2C%20%22x%22").json()["name"] == 'odd name/ä, "x"'
    assert schema.session.head(schema.url + "/v1/tables/account").status_code == 200


@pytest.mark.parametrize("name", ["absent", "_cluster_meta", "sqlite_schema", "sqlite_sequence", "words_data",
                                  "account;", "acc%25", "%00", "%FF", "account%20--", "%27"])
def test_what_is_no_table_of_the_user_is_not_found(schema, name):
    assert_problem(schema.get("/v1/tables/" + name), 404, "not_found")
    assert_problem(schema.get(f"/v1/tables/{name}/rows"), 404, "not_found")


def test_a_new_table_is_seen_at_once_by_every_kind_of_read(server):
    index = server.must_write("CREATE TABLE fresh (a)")["index"]
    for query in ("", "?consistency=leader", f"?consistency=local&min_index={index}"):
        assert server.get("/v1/tables/fresh" + query).status_code == 200
    server.must_write("ALTER TABLE fresh ADD COLUMN b DEFAULT 7")
    assert [c["name"] for c in server.get("/v1/tables/fresh").json()["columns"]] == ["a", "b"]
    server.must_write("DROP TABLE fresh")
    assert_problem(server.get("/v1/tables/fresh"), 404, "not_found")


def test_options_of_the_url(server):
    assert_problem(server.get("/v1/tables?consistency=strong"), 400, "malformed_request")
    assert_problem(server.get("/v1/tables?min_index=x"), 400, "malformed_request")
    assert_problem(server.get("/v1/tables?limit=5"), 400, "malformed_request")
    assert_problem(server.get("/v1/tables?timeout_ms=1&timeout_ms=2"), 400, "malformed_request")
    assert_problem(server.get("/v1/tables?consistency=local&min_index=999999999&timeout_ms=50"), 503, "stale_read")
