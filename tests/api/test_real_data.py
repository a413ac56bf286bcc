"""Real input: all of Debian's UnicodeData.txt and iso-codes through the HTTP API, updated with optimistic locking, then
compared file by file with the sqlite3 command line."""

import json
import pathlib
import subprocess

import pytest

from conftest import assert_problem

UNICODE_DATA = pathlib.Path("/usr/share/unicode/UnicodeData.txt")
ISO_CODES = pathlib.Path("/usr/share/iso-codes/json")
ROWS_PER_TRANSACTION = 1000
NODES = ("n1", "n2", "n3")

UNICODE_COLUMNS = ["code", "name", "category", "combining", "bidi", "decomposition", "decimal", "digit", "numeric",
                   "mirrored", "old_name", "comment", "upper", "lower", "title"]


def batches(items, size):
    for i in range(0, len(items), size):
        yield items[i:i + size]


def sqlite(server, node, *commands):
    """What the sqlite3 command line says of that node's file, read-only."""
    result = subprocess.run(["sqlite3", "-batch", "-readonly", server.database(node), *commands], text=True,
                            capture_output=True, check=True)
    return result.stdout


def dump(server, node):
    """The node's schema and content, without Quorate's own tables."""
    tables = json.loads(sqlite(server, node, ".mode json", "SELECT name FROM sqlite_schema WHERE type = 'table' AND "
                               "name NOT LIKE '\\_cluster\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                               "ORDER BY name"))
    return {table["name"]: sqlite(server, node, f".dump {table['name']}") for table in tables}


def stored_rows(server, node, sql):
    text = sqlite(server, node, ".mode json", sql)
    return [list(row.values()) for row in json.loads(text)] if text.strip() else []


def insert_all(server, table, rows):
    holes = ", ".join("?" * len(rows[0]))
    for batch in batches(rows, ROWS_PER_TRANSACTION):
        receipt = server.must_write(*[(f"INSERT INTO {table} VALUES ({holes}, 1)", row) for row in batch])
        assert all(result["rows_affected"] == 1 for result in receipt["results"])


def update_versions(server, table, keys, change):
    """Every row, with its version; and then once more with the old version, which must be refused."""
    sql = f"UPDATE {table} SET {change}, version = version + 1 WHERE rowid = ? AND version = ?"
    for batch in batches(keys, ROWS_PER_TRANSACTION):
        server.must_write(*[(sql, [key, 1]) for key in batch])
    assert_problem(server.write((sql, [keys[0], 2]), (sql, [keys[-1], 1])), 409, "version_conflict", statement=1)


@pytest.mark.skipif(not UNICODE_DATA.exists(), reason="Debian's package unicode-data is not installed")
def test_unicode_data(make_server):
    server = make_server()
    source = [line.split(";") for line in UNICODE_DATA.read_text().splitlines()]
    # The character itself too, where it can be text at all; else NULL.
    rows = [[*fields, None if 0xd800 <= int(fields[0], 16) <= 0xdfff else chr(int(fields[0], 16))] for fields in source]
    assert len(rows) > 30_000
    server.must_write(f"CREATE TABLE unicode ({', '.join(c + ' TEXT' for c in UNICODE_COLUMNS)}, character TEXT, "
                      "version INTEGER NOT NULL)",
                      "CREATE UNIQUE INDEX unicode_by_code ON unicode (code)")
    insert_all(server, "unicode", rows)

    read = server.rows(f"SELECT {', '.join(UNICODE_COLUMNS)}, character FROM unicode ORDER BY rowid")
    assert read == rows
    assert server.rows("SELECT name FROM unicode WHERE character = ?", ["∀"]) == [["FOR ALL"]]

    keys = list(range(1, len(rows) + 1))
    update_versions(server, "unicode", keys, "comment = lower(name)")
    assert server.rows("SELECT DISTINCT version FROM unicode") == [[2]]
    assert server.verify()["equal"] is True

    assert server.stop() == 0
    dumps = [dump(server, node) for node in NODES]
    assert list(dumps[0]) == ["unicode"]
    assert dumps[0] == dumps[1] == dumps[2]
    # sqlite3 prints a NUL inside of text as its end, so the codes are compared and not that one character.
    expected = [[*row[:11], row[1].lower(), *row[12:15], 2] for row in rows]
    for node in NODES:
        assert stored_rows(server, node, f"SELECT {', '.join(UNICODE_COLUMNS)}, version FROM unicode ORDER BY rowid") \
            == expected


@pytest.mark.skipif(not ISO_CODES.exists(), reason="Debian's package iso-codes is not installed")
def test_iso_codes(make_server):
    server = make_server("--mode", "dual_write")
    sources = {}
    for path in sorted(ISO_CODES.glob("iso_*.json")):
        [entries] = json.loads(path.read_text()).values()
        columns = sorted({column for entry in entries for column in entry})
        table = path.stem.replace("-", "_")
        sources[table] = (columns, [[entry.get(column) for column in columns] for entry in entries])
    assert len(sources) >= 7 and sum(len(rows) for _, rows in sources.values()) > 10_000

    for table, (columns, rows) in sources.items():
        names = ", ".join(f'"{column}"' for column in columns)
        server.must_write(f"CREATE TABLE {table} ({names}, version INTEGER NOT NULL)")
        insert_all(server, table, rows)
        assert server.rows(f"SELECT {names} FROM {table} ORDER BY rowid") == rows
        update_versions(server, table, list(range(1, len(rows) + 1)), f'"{columns[0]}" = "{columns[0]}"')
    assert server.verify()["equal"] is True
    server.restart()

    assert server.stop() == 0
    dumps = [dump(server, node) for node in NODES]
    assert sorted(dumps[0]) == sorted(sources)
    assert dumps[0] == dumps[1] == dumps[2]
    for table, (columns, rows) in sources.items():
        names = ", ".join(f'"{column}"' for column in columns)
        for node in NODES:
            assert stored_rows(server, node, f"SELECT {names}, version FROM {table} ORDER BY rowid") == \
                [[*row, 2] for row in rows]
