"""/v1/tables/{table}/rows: rows are changed only by who names their version, and kept exactly."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from conftest import assert_problem
from row_client import Rows

BIG = 9223372036854775807


# --- the life of a row ---

def test_the_life_of_a_row(server, rows):
    created = rows.post({"value": "a"})
    assert created.status_code == 201
    assert created.json() == {"id": 1, "value": "a", "version": 1}
    assert created.headers["ETag"] == '"1"'
    assert created.headers["Location"] == rows.path + "/1"
    assert int(created.headers["Quorate-Index"]) > 0

    read = server.get(created.headers["Location"])
    assert read.json() == created.json() and read.headers["ETag"] == '"1"'
    assert read.headers["Quorate-Index"] >= created.headers["Quorate-Index"]

    patched = rows.patch(1, {"value": "b"}, match=read.headers["ETag"])
    assert (patched.status_code, patched.json()) == (200, {"id": 1, "value": "b", "version": 2})
    assert patched.headers["ETag"] == '"2"'
    assert int(patched.headers["Quorate-Index"]) > int(created.headers["Quorate-Index"])

    replaced = rows.put(1, {"value": "c"}, match='"2"')
    assert (replaced.status_code, replaced.json()) == (200, {"id": 1, "value": "c", "version": 3})

    deleted = rows.delete(1, match='"3"')
    assert deleted.status_code == 204 and deleted.content == b""
    assert "Content-Length" not in deleted.headers and "Content-Type" not in deleted.headers
    assert deleted.headers["Quorate-Index"].isdigit()
    assert_problem(rows.get(1), 404, "not_found")
    assert server.rows(f"SELECT count(*) FROM {rows.path.split('/')[3]}") == [[0]]


def test_not_modified(rows):
    rows.must_post({"value": "a"})
    for known in ('"1"', 'W/"1"', '"7", "1"', "*"):
        response = rows.get(1, headers={"If-None-Match": known})
        assert response.status_code == 304 and response.content == b"", known
        assert response.headers["ETag"] == '"1"' and "Content-Length" not in response.headers
    assert rows.get(1, headers={"If-None-Match": '"2"'}).status_code == 200
    assert_problem(rows.get(9, headers={"If-None-Match": "*"}), 404, "not_found")


def test_put_gives_columns_that_are_not_given_their_default(make_table):
    rows = make_table("CREATE TABLE {} (id INTEGER PRIMARY KEY, a, b DEFAULT abc, c INT DEFAULT (1 + 1), "
                      "d TEXT NOT NULL UNIQUE, g AS (a || d), version INTEGER)")
    rows.must_post({"a": 1, "b": 2, "c": 3, "d": "x"})
    rows.must_post({"d": "taken"})
    put = rows.put(1, {"d": "x"}, match='"1"')
    assert put.json() == {"id": 1, "a": None, "b": "abc", "c": 2, "d": "x", "g": None, "version": 2}
    assert_problem(rows.put(1, {"d": "taken"}, match='"2"'), 422, "constraint_failed")
    assert_problem(rows.put(1, {"a": 1}, match='"2"'), 422, "constraint_failed")
    assert rows.get(1).json() == put.json()


def test_put_is_an_update_to_triggers_and_foreign_keys(server, make_table):
    parent = make_table("CREATE TABLE {} (id INTEGER PRIMARY KEY, a, version INTEGER)")
    name = parent.path.split("/")[3]
    child = make_table(f"CREATE TABLE {{}} (id INTEGER PRIMARY KEY, parent REFERENCES {name} ON DELETE CASCADE)")
    parent.must_post({"a": 1})
    child.must_post({"parent": 1})
    assert parent.put(1, {"a": 2}, match='"1"').status_code == 200
    assert child.get(1).json() == {"id": 1, "parent": 1}


def test_put_with_if_none_match_creates(rows):
    created = rows.put(7, {"value": "a"}, none_match="*")
    assert (created.status_code, created.json()) == (201, {"id": 7, "value": "a", "version": 1})
    assert created.headers["Location"] == rows.path + "/7" and created.headers["ETag"] == '"1"'
    problem = assert_problem(rows.put(7, {"value": "b"}, none_match="*"), 412, "precondition_failed", current_version=1,
                             outcome="not_applied")
    assert "already" in problem["detail"]
    assert rows.get(7).json()["value"] == "a"
    assert rows.put(8, {"id": 8, "version": 5}, none_match="*").json() == {"id": 8, "value": None, "version": 5}


def test_patch_changes_only_what_is_given(make_table):
    rows = make_table("CREATE TABLE {} (id INTEGER PRIMARY KEY, a, b, version INTEGER)")
    rows.must_post({"a": 1, "b": 2})
    patched = rows.patch(1, {"a": None}, match='"1"', content_type="application/merge-patch+json; charset=utf-8")
    assert patched.json() == {"id": 1, "a": None, "b": 2, "version": 2}
    assert rows.patch(1, {}, match='"2"').json()["version"] == 3
    for content_type in ("text/plain", "application/json-patch+json"):
        assert_problem(rows.patch(1, {}, match='"3"', content_type=content_type), 415, "unsupported_media_type")
    assert_problem(rows.put(1, {}, match='"3"', content_type="application/merge-patch+json"), 415,
                   "unsupported_media_type")


# --- versions ---

def test_a_change_needs_the_version(rows):
    rows.must_post({"value": "a"})
    for response in (rows.put(1, {}), rows.patch(1, {}), rows.delete(1)):
        problem = assert_problem(response, 428, "precondition_required")
        assert "If-Match" in problem["detail"]
    for match in ("1", 'W/"1"', '"1", "2"', "", '"1'):
        assert_problem(rows.patch(1, {}, match=match), 400, "malformed_request")
    for response in (rows.patch(1, {}, none_match="*"), rows.delete(1, none_match="*"),
                     rows.put(1, {}, none_match='"1"'), rows.put(1, {}, match='"1"', none_match="*")):
        assert_problem(response, 400, "malformed_request")
    assert rows.get(1).json() == {"id": 1, "value": "a", "version": 1}


def test_another_version_is_refused_and_told(rows):
    rows.must_post({"value": "a", "version": 5})
    for match in ('"4"', '"6"', '"abc"', '""', '"05"'):
        for response in (rows.put(1, {"value": "b"}, match=match), rows.patch(1, {"value": "b"}, match=match),
                         rows.delete(1, match=match)):
            assert_problem(response, 412, "precondition_failed", current_version=5, outcome="not_applied")
            assert response.headers["ETag"] == '"5"'
    assert rows.get(1).json()["value"] == "a"
    big = rows.patch(1, {}, match='"4"', integers="string")
    assert big.json()["current_version"] == "5"


def test_a_row_that_is_gone_is_not_found(rows):
    for match in ('"1"', "*"):
        for response in (rows.put(1, {}, match=match), rows.patch(1, {}, match=match), rows.delete(1, match=match)):
            assert_problem(response, 404, "not_found")
    assert rows.get().json()["rows"] == []


def test_any_version(rows):
    rows.must_post({"value": "a", "version": 5})
    assert rows.patch(1, {"value": "b"}, match="*").json()["version"] == 6
    assert rows.put(1, {"value": "c"}, match="*").json() == {"id": 1, "value": "c", "version": 7}
    assert rows.delete(1, match="*").status_code == 204


def test_a_row_whose_version_is_null_has_no_tag_and_gets_one(make_table):
    rows = make_table("CREATE TABLE {} (id INTEGER PRIMARY KEY, version INTEGER)")
    assert "ETag" not in rows.must_post({"version": None}).headers
    assert_problem(rows.patch(1, {}, match='"1"'), 412, "precondition_failed", current_version=None)
    assert rows.patch(1, {}, match="*").headers["ETag"] == '"1"'


def test_key_and_version_may_be_sent_back_but_not_changed(rows):
    row = rows.must_post({"value": "a"}).json()
    row = rows.put(1, {**row, "value": "b"}, match='"1"').json()
    assert row == {"id": 1, "value": "b", "version": 2}
    assert rows.patch(1, row, match='"2"').json()["version"] == 3
    for body, word in (({"id": 2}, "/id"), ({"id": None}, "/id"), ({"version": 9}, "/version")):
        for response in (rows.put(1, body, match='"3"'), rows.patch(1, body, match='"3"')):
            assert word in assert_problem(response, 400, "malformed_request")["detail"]
    assert_problem(rows.patch(1, {"version": 3}, match="*"), 400, "malformed_request")


def test_a_table_without_version_is_read_and_added_to(make_table):
    rows = make_table('CREATE TABLE {} (id INTEGER PRIMARY KEY, a)', name='no "version"')
    created = rows.must_post({"a": 1})
    assert "ETag" not in created.headers and created.json() == {"id": 1, "a": 1}
    assert rows.get(1).json() == {"id": 1, "a": 1} and "ETag" not in rows.get(1).headers
    for response in (rows.put(1, {}, match="*"), rows.put(2, {}, none_match="*"), rows.patch(1, {}, match='"1"'),
                     rows.delete(1)):
        detail = assert_problem(response, 422, "version_column_missing")["detail"]
    # What it says helps.
    alter = detail[detail.index("ALTER TABLE"):]
    assert alter == 'ALTER TABLE "no ""version""" ADD COLUMN version INTEGER NOT NULL DEFAULT 1'
    rows.server.must_write(alter)
    assert rows.patch(1, {"a": 2}, match='"1"').json() == {"id": 1, "a": 2, "version": 2}


def test_a_version_that_cannot_be_counted_up_is_none(make_table):
    for columns in ("id INT, version INT, PRIMARY KEY (id, version)", "id INTEGER PRIMARY KEY, version AS (id)"):
        rows = make_table("CREATE TABLE {} (" + columns + ")")
        rows.must_post({"id": 1, **({"version": 1} if "KEY (id, version)" in columns else {})})
        row = "1,1" if "KEY (id, version)" in columns else "1"
        assert rows.get(row).json() == {"id": 1, "version": 1} and "ETag" not in rows.get(row).headers
        detail = assert_problem(rows.patch(row, {}, match="*"), 422, "version_column_missing")["detail"]
        assert "ALTER" not in detail


def test_of_many_writers_one_wins_each_version(server, rows):
    rows.must_post({"value": 0})

    def compete(number):
        won = []
        session = Rows(server, rows.path.split("/")[3])
        for _ in range(10):
            tag = session.get(1, consistency="leader").headers["ETag"]
            method = session.patch if number % 2 else session.put
            response = method(1, {"value": number}, match=tag)
            assert response.status_code in (200, 412), response.text
            if response.status_code == 200:
                won.append((tag, response.headers["ETag"]))
        return won

    with ThreadPoolExecutor(16) as pool:
        wins = [win for list_ in pool.map(compete, range(16)) for win in list_]
    # Every version was the base of exactly one change, and each change made the next one.
    assert sorted(int(old.strip('"')) for old, _ in wins) == list(range(1, len(wins) + 1))
    assert all(int(new.strip('"')) == int(old.strip('"')) + 1 for old, new in wins)
    assert rows.get(1).json()["version"] == len(wins) + 1
    assert len(wins) >= 10, "who fails does so because another has won, so every try of one writer sees a new version"


def test_a_change_that_is_sent_again_with_its_key_is_answered_as_the_first_time(rows):
    def twice(method, row, body=None, **headers):
        key = {"Idempotency-Key": f"{rows.path} {method} {row}"}
        answers = [rows.session.request(method, rows.url(row), json=body, headers={**headers, **key}, timeout=30)
                   for _ in range(2)]
        assert answers[0].content == answers[1].content
        for name in ("ETag", "Location", "Quorate-Index"):
            assert answers[0].headers.get(name) == answers[1].headers.get(name)
        return answers[1].status_code

    assert twice("POST", None, {"value": "a"}) == 201
    assert len(rows.get().json()["rows"]) == 1
    assert twice("PATCH", 1, {"value": "b"}, **{"If-Match": '"1"'}) == 200
    assert twice("PUT", 1, {"value": "c"}, **{"If-Match": '"2"'}) == 200
    assert rows.get(1).json() == {"id": 1, "value": "c", "version": 3}
    assert twice("PUT", 7, {"value": "d"}, **{"If-None-Match": "*"}) == 201
    assert twice("DELETE", 1, **{"If-Match": "*"}) == 204
    other = rows.session.delete(rows.url(7), headers={"If-Match": "*", "Idempotency-Key": f"{rows.path} DELETE 1"})
    assert_problem(other, 422, "idempotency_key_reused")
    bad = rows.session.delete(rows.url(7), headers={"If-Match": "*", "Idempotency-Key": "x" * 256})
    assert_problem(bad, 400, "malformed_request")


# --- values ---

VALUES = [None, 0, -1, BIG, -BIG - 1, 0.5, 5.0, 1e300, "", "text", "ä/😀\u0000\"'\\", {"base64": "AAH/"},
          {"base64": ""}, {"real": "Infinity"}, {"real": "-Infinity"}, {"base64": "/w==", "text": True}]


def test_values_are_kept_exactly(make_table):
    rows = make_table("CREATE TABLE {} (id INTEGER PRIMARY KEY, a, version INTEGER)")
    for i, value in enumerate(VALUES, 1):
        created = rows.must_post({"a": value})
        for row in (created.json(), rows.get(i).json(), rows.put(i, {"a": value}, match='"1"').json(),
                    rows.patch(i, {"a": value}, match='"2"').json()):
            assert row["a"] == value and type(row["a"]) is type(value)
    assert [row["a"] for row in rows.get().json()["rows"]] == VALUES
    as_text = rows.get(4, integers="string").json()
    assert as_text == {"id": "4", "a": str(BIG), "version": "3"}
    assert rows.must_post({"a": True}).json()["a"] == 1
    assert rows.must_post({"a": {"integer": str(BIG)}}).json()["a"] == BIG
    assert_problem(rows.post({"a": [1]}), 400, "malformed_request")
    assert_problem(rows.post({"a": {"b": 1}}), 400, "malformed_request")


def test_bodies_that_are_no_row(make_table):
    rows = make_table("CREATE TABLE {} (id INTEGER PRIMARY KEY, a UNIQUE, g AS (a), version INTEGER)")
    for body in ([], 1, "x", None, [{"a": 1}]):
        assert_problem(rows.send("POST", None, body if body is not None else [None]), 400, "malformed_request")
    for name in ("b", "A", "rowid", "a\" = 1; --", "", "a\u0000"):
        problem = assert_problem(rows.post({name: 1}), 400, "malformed_request")
        assert "id, a, g, version" in problem["detail"]
    assert "generated" in assert_problem(rows.post({"g": 1}), 400, "malformed_request")["detail"]
    rows.must_post({"a": 1})
    for response in (rows.post({"a": 1}), rows.post({"id": 1}), rows.put(9, {"a": 1}, none_match="*")):
        problem = assert_problem(response, 422, "constraint_failed")
        assert "statement" not in problem
    assert_problem(rows.post({"id": "x"}), 422, "sql_error")
    assert rows.must_post({}).json() == {"id": 2, "a": None, "g": None, "version": 1}
    assert rows.get(1).json()["a"] == 1


# --- what must not get through ---

def test_names_and_values_are_never_sql(server, make_table):
    victim = make_table("CREATE TABLE {} (id INTEGER PRIMARY KEY)", name="victim")
    victim.must_post({})
    evil = 'x"; DROP TABLE "victim"; --'
    rows = make_table('CREATE TABLE {} ("id"";--" TEXT PRIMARY KEY, "v\'""); DROP TABLE victim; --", '
                      '"ver sion" DEFAULT \'"\', version INTEGER)', name=evil)
    key = "'; DROP TABLE victim; --"
    value = "v'\"); DROP TABLE victim; --"
    created = rows.must_post({'id";--': key, value: key})
    assert created.json() == {'id";--': key, value: key, "ver sion": '"', "version": 1}
    location = created.headers["Location"].rsplit("/", 1)[1]
    assert rows.patch(location, {value: '" = 1; --'}, match='"1"').json()[value] == '" = 1; --'
    assert rows.put(location, {}, match='"2"').json() == {'id";--': key, value: None, "ver sion": '"', "version": 3}
    assert rows.get().json()["rows"] == [rows.get(location).json()]
    assert rows.put(quote("' OR 1 = 1 --"), {}, none_match="*").status_code == 201
    assert_problem(rows.get(quote("' OR 1 = 1")), 404, "not_found")
    assert rows.delete(location, match='"3"').status_code == 204
    assert victim.get().json()["rows"] == [{"id": 1}]
    for name in ("victim; --", "victim WHERE 1", 'victim" --', "(SELECT 1)", "main.victim"):
        assert_problem(Rows(server, name).get(), 404, "not_found")


def test_paths_around_rows(server, rows):
    rows.must_post({})
    for path in (rows.path + "/", rows.path + "//", rows.path + "/1/", rows.path + "/1/2", "/v1/tables//rows",
                 "/v1/tables/"):
        assert_problem(server.get(path), 404, "not_found")
    response = server.session.request("PUT", server.url + rows.path, timeout=10)
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD, POST"
    assert_problem(rows.delete(1, body={}, match="*"), 400, "malformed_request")
    assert server.session.head(rows.url(1)).headers["ETag"] == '"1"'


def test_options_of_a_write(make_server):
    server = make_server()
    server.must_write("CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER)")
    rows = Rows(server, "t")
    assert rows.post({}, mode="dual_write", timeout_ms=5000).status_code == 201
    assert_problem(rows.post({}, mode="all"), 400, "malformed_request")
    assert_problem(rows.post({}, consistency="local"), 400, "malformed_request")
    assert_problem(rows.get(mode="quorum"), 400, "malformed_request")
    assert server.put("/v1/cluster/mode", {"mode": "dual_write"}).status_code == 200
    assert_problem(rows.post({}, mode="quorum"), 400, "malformed_request")
    assert rows.patch(1, {}, match='"1"').json()["version"] == 2
    index = rows.delete(1, match='"2"').headers["Quorate-Index"]
    assert_problem(rows.get(1, consistency="local", min_index=index), 404, "not_found")
    assert server.verify()["equal"] is True
