"""One client's connection to one process: HTTP with a deadline, and what an answer says about the outcome."""

import http.client
import json

APPLIED, NOT_APPLIED, UNKNOWN = "applied", "not_applied", "unknown"


class NotSent(Exception):
    """No connection: the request has not left, so it has no effect."""


class Broken(Exception):
    """The request may have left, and no whole answer came: nobody knows its effect."""


class Answer:
    """A whole answer. `body` is its JSON, or None."""

    def __init__(self, status, body):
        self.status = status
        self.body = body

    @property
    def is_ok(self):
        return self.status == 200

    @property
    def code(self):
        """Why it was not 200."""
        if self.is_ok:
            return None
        return (self.body or {}).get("code", f"status_{self.status}")

    @property
    def outcome(self):
        """What became of the transaction. An error that does not say leaves it unknown."""
        if self.is_ok:
            return APPLIED
        outcome = (self.body or {}).get("outcome")
        return outcome if outcome in (APPLIED, NOT_APPLIED) else UNKNOWN


class Connection:
    """Kept open between requests. For one thread. `timeout_s` bounds each step on the socket."""

    def __init__(self, address, port, timeout_s):
        self._http = http.client.HTTPConnection(address, port, timeout=timeout_s)

    def request(self, method, path, body=None, headers=None):
        """Returns an Answer, or raises NotSent or Broken."""
        if self._http.sock is None:
            try:
                self._http.connect()
            except OSError as error:
                self._http.close()
                raise NotSent(str(error)) from error
        try:
            content = None if body is None else json.dumps(body).encode()
            kind = {"Content-Type": "application/json"} if content else {}
            self._http.request(method, path, content, {**kind, **(headers or {})})
            response = self._http.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            raise Broken(f"{type(error).__name__}: {error}") from error
        try:
            return Answer(response.status, json.loads(data) if data else None)
        except ValueError:
            return Answer(response.status, None)

    def post(self, path, body, headers=None):
        return self.request("POST", path, body, headers)

    def close(self):
        self._http.close()


def ask(host, method, path, body=None, timeout_s=5):
    """One request on a connection of its own. The Answer, or None if there was none."""
    connection = Connection(host.address, host.http_port, timeout_s)
    try:
        return connection.request(method, path, body)
    except (NotSent, Broken):
        return None
    finally:
        connection.close()
