"""HTTP byte by byte, for what no well-behaved client sends."""

import json
import socket


class Connection:
    def __init__(self, server, timeout_s=10):
        self.socket = socket.create_connection((server.host, server.port), timeout=timeout_s)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def receive(self):
        """Some more bytes; False at the end of the connection."""
        data = self.socket.recv(65536)
        self.received += data
        return bool(data)

    def is_closed(self):
        """Waits for the server to close. Anything that it sends before is kept."""
        try:
            while self.receive():
                pass
        except ConnectionResetError:
            pass
        return True

    def response(self, head_only=False):
        """The next response: (status, headers with lower-case names, body)."""
        while b"\r\n\r\n" not in self.received:
            assert self.receive(), f"closed within a head: {self.received!r}"
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        status = int(lines[0].split(" ")[1])
        if head_only or status == 100:
            return status, headers, b""
        size = int(headers["content-length"])
        while len(self.received) < size:
            assert self.receive(), "closed within a body"
        body, self.received = self.received[:size], self.received[size:]
        return status, headers, body

    def problem(self):
        """The next response, which must be a problem: (status, code)."""
        status, headers, body = self.response()
        assert headers["content-type"] == "application/problem+json"
        problem = json.loads(body)
        assert problem["status"] == status and headers["quorate-index"].isdigit()
        assert problem["request_id"] == headers["x-request-id"]
        return status, problem["code"]


def post(path, body, *headers):
    """The bytes of a POST of JSON."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = ["Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return f"POST {path} HTTP/1.1\r\n".encode() + "\r\n".join(fields).encode() + b"\r\n\r\n" + body


def chunked_post(path, *chunks):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
