"""Speaks to a node's peer port as a process that means no good, or does not know better."""

import socket
import struct

from processes import PATIENCE_S

PROTOCOL = 1
EMPTY_CHECKSUM = 0x2D06800538D394C2  # XXH3-64 of nothing
PING = struct.pack("<IQ", 0, EMPTY_CHECKSUM)


def introduction(node_id, cluster_id="", protocol=PROTOCOL, **changed):
    """The request with which a connection between nodes begins (server/peer_handshake.hpp). A field that is None is
    left out."""
    fields = {"Host": "127.0.0.1", "Connection": "Upgrade", "Upgrade": "quorate-peer", "Quorate-Protocol": protocol,
              "Quorate-Cluster": cluster_id, "Quorate-Node": node_id, "Quorate-Instance": "0123456789abcdef",
              "Quorate-Boot": "fedcba9876543210", "Quorate-Peer-Address": "127.0.0.1:1",
              "Quorate-Api-Url": "http://127.0.0.1:1"}
    fields.update({name.replace("_", "-"): value for name, value in changed.items()})
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return ("GET /v1/peer HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode()


class Caller:
    """One connection to the peer port of `node`."""

    def __init__(self, node):
        self.socket = socket.create_connection((node.address, node.peer_port), timeout=PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False once the node has ended the connection."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def read_head(self):
        """What comes until the end of an HTTP head."""
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.socket.recv(4096)
            if not part:
                break
            head += part
        return head.decode(errors="replace")

    def read_to_end(self):
        """All that comes until the node ends the connection."""
        data = b""
        while True:
            try:
                part = self.socket.recv(65536)
            except ConnectionResetError:
                part = b""
            if not part:
                return data.decode(errors="replace")
            data += part


def answer_to(node, data):
    """What the node answers to these bytes before it ends the connection."""
    with Caller(node) as caller:
        caller.send(data)
        return caller.read_to_end()
