"""The rows of one table, by HTTP."""

import json
from urllib.parse import quote

import requests


def rows_path(table):
    return f"/v1/tables/{quote(table, safe='')}/rows"


class Rows:
    def __init__(self, server, table):
        self.server = server
        self.path = rows_path(table)
        self.session = requests.Session()

    def url(self, row=None):
        return self.server.url + self.path + ("" if row is None else f"/{row}")

    def get(self, row=None, **options):
        headers = options.pop("headers", {})
        return self.session.get(self.url(row), params=options, headers=headers, timeout=30)

    def send(self, method, row, body=None, match=None, none_match=None, content_type="application/json", **options):
        headers = {"Content-Type": content_type} if body is not None else {}
        if match is not None:
            headers["If-Match"] = match
        if none_match is not None:
            headers["If-None-Match"] = none_match
        data = None if body is None else json.dumps(body)
        return self.session.request(method, self.url(row), data=data, headers=headers, params=options, timeout=30)

    def post(self, body, **options):
        return self.send("POST", None, body, **options)

    def must_post(self, body):
        response = self.post(body)
        assert response.status_code == 201, response.text
        return response

    def put(self, row, body, **options):
        return self.send("PUT", row, body, **options)

    def patch(self, row, body, **options):
        return self.send("PATCH", row, body, **options)

    def delete(self, row, **options):
        return self.send("DELETE", row, **options)
