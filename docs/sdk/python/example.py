"""Quorate from Python, with the client generated from openapi.yaml. Its arguments are the URLs of all nodes."""

import json
import sys
import time
import uuid

import urllib3
from quorate_client import (ApiClient, ApiException, ClusterApi, Configuration, DataApi, QueryRequest, Statement,
                            TransactionRequest)

PATIENCE_S = 60
NODES = [ApiClient(Configuration(host=url, retries=False)) for url in sys.argv[1:]]


def on_some_node(call):
    """The result of `call(node)` on the first node that can answer: the others may be down, or without a leader."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        for node in NODES:
            try:
                return call(node)
            except urllib3.exceptions.HTTPError as error:  # no connection, or a broken one
                failure = error
            except ApiException as error:
                if error.status != 503:
                    raise
                failure = error
        if time.monotonic() > deadline:
            raise failure
        time.sleep(0.1)


def write(*statements, key=None):
    """One transaction of pairs (sql, params). Its key makes it happen once, on however many nodes it is tried."""
    key = key or str(uuid.uuid4())
    request = TransactionRequest(statements=[Statement(sql=sql, params=params) for sql, params in statements])
    return on_some_node(lambda node: DataApi(node).post_transaction(request, idempotency_key=key))


def read(sql, params, **options):
    request = QueryRequest(sql=sql, params=params, **options)
    return on_some_node(lambda node: DataApi(node).post_query(request))


def stream(sql):
    """The rows of a result of any size, one by one. Fails if the stream is cut before it is complete."""
    def open_stream(node):
        response = DataApi(node).post_query_without_preload_content(QueryRequest(sql=sql),
                                                                    _headers={"Accept": "application/x-ndjson"})
        if response.status != 200:
            raise ApiException(response.status, response.reason, body=response.read())
        return response

    with on_some_node(open_stream) as response:
        lines = map(json.loads, response)  # one at a time
        columns = next(lines)["columns"]
        count = 0
        for line in lines:
            if isinstance(line, dict):  # the end, or the problem for which the stream was cut
                if line.get("rows") == count:
                    return
                raise EOFError(f"cut after {count} rows: {line}")
            count += 1
            yield dict(zip(columns, line))
        raise EOFError(f"cut after {count} rows")


def deposit(amount, version):
    """False if somebody else has changed the row since this version of it was read."""
    try:
        return write(("UPDATE account SET balance = balance + ?, version = version + 1 WHERE id = 1 AND version = ?",
                      [amount, version]))
    except ApiException as error:
        if error.status == 409 and error.data.code == "version_conflict":
            return False
        raise


write(("CREATE TABLE account (id INTEGER PRIMARY KEY, owner TEXT, balance INTEGER, rate REAL, photo BLOB, version INTEGER)",
       None))
rows = [("INSERT INTO account VALUES (:id, :owner, :balance, :rate, :photo, 1)",
         {"id": 1, "owner": "Ada", "balance": 2**53 + 1, "rate": 0.5, "photo": {"base64": "AAEC"}}),
        ("INSERT INTO account VALUES (?, ?, ?, ?, ?, 1)", [2, "Grace", 50, None, None])]
key_of_rows = str(uuid.uuid4())
receipt = write(*rows, key=key_of_rows)
print("inserted", sum(result.rows_affected for result in receipt.results))

print("first deposit", "done" if deposit(30, version=1) else "refused")
print("the same again", "done" if deposit(30, version=1) else "refused")
for row in read("SELECT id, owner, balance, rate, photo FROM account ORDER BY id", []).rows:
    print(*row, sep=" | ")

write(("CREATE TABLE square (side INTEGER PRIMARY KEY, area INTEGER)", None),
      ("INSERT INTO square WITH RECURSIVE n(side) AS (VALUES (1) UNION ALL SELECT side + 1 FROM n WHERE side < ?) "
       "SELECT side, side * side FROM n", [20_000]))
count, area = 0, 0
for square in stream("SELECT side, area FROM square"):
    count += 1
    area += square["area"]
print("streamed", count, "squares with an area of", area)

print("leader", ClusterApi(NODES[0]).get_cluster().leader)
input("Kill the leader now, if you like, and press Enter.\n")

again = write(*rows, key=key_of_rows)
same = (again.transaction_id, again.index) == (receipt.transaction_id, receipt.index)
print("the rows sent again:", "the same transaction" if same else "another transaction")
last = deposit(2, version=2)
answer = read("SELECT balance, version FROM account WHERE id = :id", {"id": 1}, consistency="local",
              min_index=last.index, shape="objects")
print("after it:", answer.rows[0]["balance"], "in version", answer.rows[0]["version"])
