"""Optimistic locking, all or nothing, and refused SQL: the content never changes by a failed transaction."""

import pytest

from conftest import assert_position_unchanged, assert_problem


@pytest.fixture
def account(server, table):
    """A table with one row; afterwards nothing may have changed in it unless the test says so."""
    server.must_write((f"INSERT INTO {table} (id, value, version) VALUES (?, ?, ?)", [1, "old", 1]))
    return table


def content(server, table):
    return server.rows(f"SELECT * FROM {table} ORDER BY id")


def refuse(server, table, statements, status, code, **members):
    """The transaction, with a good statement in front, is refused and changes nothing, on no node."""
    before = content(server, table)
    position = server.position()
    good = {"sql": f"INSERT INTO {table} (id, value) VALUES (77, 'must not stay')"}
    response = server.post("/v1/transactions", {"statements": [good, *statements]})
    problem = assert_problem(response, status, code, outcome="not_applied", **members)
    assert content(server, table) == before
    # A transaction that fails while it is prepared never reaches the log.
    assert_position_unchanged(server, position)
    return problem


def test_version_conflict(server, account):
    update = f"UPDATE {account} SET value = 'new', version = version + 1 WHERE id = ? AND version = ?"
    server.must_write((update, [1, 1]))
    refuse(server, account, [{"sql": update, "params": [1, 1]}], 409, "version_conflict", statement=1)
    refuse(server, account, [{"sql": f"DELETE FROM {account} WHERE id = 99"}], 409, "version_conflict", statement=1)
    assert content(server, account) == [[1, "new", 2]]
    server.must_write((update, [1, 2]))


def test_allow_no_rows(server, account):
    receipt = server.must_write({"sql": f"DELETE FROM {account} WHERE id = 99", "allow_no_rows": True})
    assert receipt["results"][0]["rows_affected"] == 0


def test_expect_rows(server, account):
    update = {"sql": f"UPDATE {account} SET value = 'new'"}
    refuse(server, account, [{**update, "expect_rows": 1}], 409, "row_count_mismatch", statement=1)
    server.must_write({**update, "expect_rows": 1})
    server.must_write({"sql": f"DELETE FROM {account} WHERE id = 99", "expect_rows": 0})


def test_sql_errors(server, account):
    refuse(server, account, [{"sql": "SELEC 1"}], 422, "sql_error", statement=1)
    refuse(server, account, [{"sql": "SELECT * FROM no_such_table"}], 422, "sql_error", statement=1)
    refuse(server, account, [{"sql": "SELECT 1"}, {"sql": "SELECT abs(-9223372036854775808)"}], 422, "sql_error",
           statement=2)


def test_constraint_failures(server, account):
    refuse(server, account, [{"sql": f"INSERT INTO {account} (id) VALUES (1)"}], 422, "constraint_failed", statement=1)
    refuse(server, account, [{"sql": f"UPDATE {account} SET version = NULL"}], 422, "constraint_failed", statement=1)


def test_deferred_foreign_keys_fail_the_transaction_and_not_its_commit(server):
    server.must_write("CREATE TABLE IF NOT EXISTS parent (id INTEGER PRIMARY KEY)",
                      "CREATE TABLE IF NOT EXISTS child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent "
                      "DEFERRABLE INITIALLY DEFERRED)")
    assert_problem(server.write("INSERT INTO child VALUES (1, 1)"), 422, "constraint_failed")
    server.must_write("INSERT INTO child VALUES (1, 1)", "INSERT INTO parent VALUES (1)")
    assert server.rows("SELECT * FROM child") == [[1, 1]]


@pytest.mark.parametrize("sql", [
    "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "RELEASE s", "ATTACH ':memory:' AS other", "DETACH other",
    "CREATE TEMP TABLE x (a)", "CREATE TEMPORARY VIEW x AS SELECT 1", "SELECT load_extension('x')",
    "PRAGMA journal_mode = DELETE", "PRAGMA foreign_keys = OFF", "PRAGMA writable_schema = ON", "VACUUM",
    "DELETE FROM _cluster_meta", "UPDATE _cluster_meta SET value = 1", "DROP TABLE _cluster_meta",
    "CREATE TABLE _cluster_x (a)",
])
def test_forbidden_sql(server, account, sql):
    before = content(server, account)
    response = server.write(f"INSERT INTO {account} (id) VALUES (77)", sql)
    assert response.status_code == 422, response.text
    # An operation on a table that the engine hides may also be an error of the SQL itself.
    assert response.json()["code"] in ("forbidden_sql", "sql_error")
    assert response.json()["statement"] == 1
    assert content(server, account) == before


@pytest.mark.parametrize("sql", ["INSERT INTO {table} (id) VALUES (9)", "UPDATE {table} SET value = 1",
                                 "DELETE FROM {table}", "CREATE TABLE x (a)", "DROP TABLE {table}", "VACUUM",
                                 "ATTACH ':memory:' AS other", "BEGIN",
                                 "INSERT INTO {table} (id) VALUES (9) RETURNING id"])
def test_queries_cannot_write(server, account, sql):
    before = content(server, account)
    assert_problem(server.query(sql.format(table=account)), 422, "forbidden_sql")
    assert content(server, account) == before


def test_more_than_one_statement_in_a_text(server, account):
    refuse(server, account, [{"sql": f"SELECT 1; DELETE FROM {account}"}], 422, "sql_error", statement=1)
    assert server.query(f"SELECT 1; DELETE FROM {account}").status_code == 422
    assert server.rows("SELECT 1;") == [[1]]
    assert server.rows("SELECT 1; -- a comment") == [[1]]


@pytest.mark.parametrize("params", [[], [1], [1, 2, 3], {"a": 1}, {}])
def test_wrong_number_of_parameters(server, account, params):
    refuse(server, account, [{"sql": "SELECT ?, ?", "params": params}], 422, "parameter_mismatch", statement=1)
    assert_problem(server.query("SELECT ?, ?", params), 422, "parameter_mismatch")


@pytest.mark.parametrize("params", [[1, 2], {"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 2}])
def test_wrong_names_of_parameters(server, account, params):
    refuse(server, account, [{"sql": "SELECT :a, :b", "params": params}], 422, "parameter_mismatch", statement=1)


def test_a_failed_transaction_does_not_disturb_others(server, account):
    """Good and bad ones together end up in the same batches."""
    from concurrent.futures import ThreadPoolExecutor

    def run(i):
        last = f"INSERT INTO {account} (id) VALUES (1)" if i % 3 == 0 else "SELECT 1"
        return i, server.write((f"INSERT INTO {account} (id, value) VALUES (?, ?)", [100 + i, i]), last).status_code

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(run, range(300)))
    assert all(status == (422 if i % 3 == 0 else 200) for i, status in outcomes)
    stored = {row[0] for row in server.rows(f"SELECT id FROM {account} WHERE id >= 100")}
    assert stored == {100 + i for i, status in outcomes if status == 200}
