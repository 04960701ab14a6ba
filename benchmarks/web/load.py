"""Requests to a web server, over connections that are kept alive.

No wrk: that would be a binary to install beside Python. This one costs some 20 µs a request, which the results state,
and so is never the slower of the two; what counts is the server's own processor time anyway.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

PATIENCE = 60.0


class NotAnswered(Exception):
    """A server that does not start, or that answers anything but 200: nothing of it is measured."""


@dataclass(frozen=True)
class Load:
    """What so many requests took: seconds by the wall's clock in all, and of each; and of this process's processor."""

    seconds: float
    latencies: list[float]
    processor: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Seconds within which this share of the requests was answered."""
        return sorted(self.latencies)[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def request(path: str, headers: Mapping[str, str]) -> bytes:
    """A GET with these headers, by their names in WSGI."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name[5:].replace('_', '-').title()}: {text}" for name, text in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def drive(server: Path, requests: Iterable[bytes], *, count: int, clients: int) -> Load:
    """Send so many, each client one after the other. Raises NotAnswered."""
    sent, left = cycle(requests), count
    with selectors.DefaultSelector() as selector:
        connections = [_Connection(server) for _ in range(min(clients, count))]
        try:
            began, began_here = time.perf_counter(), time.process_time()
            for connection in connections:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
                connection.send(next(sent))
                left -= 1
            latencies: list[float] = []
            while len(latencies) < count:
                ready = selector.select(PATIENCE)
                if not ready:
                    raise NotAnswered(f"no answer within {PATIENCE:.0f} s")
                for key, _ in ready:
                    connection = key.data
                    if connection.has_answered():
                        latencies.append(time.perf_counter() - connection.sent_at)
                        if left:
                            left -= 1
                            connection.send(next(sent))
            return Load(time.perf_counter() - began, latencies, time.process_time() - began_here)
        finally:
            for connection in connections:
                connection.socket.close()


class _Connection:
    def __init__(self, server: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(server))
        self.sent_at, self.data = 0.0, b""

    def send(self, message: bytes) -> None:
        self.sent_at, self.data = time.perf_counter(), b""
        self.socket.sendall(message)

    def has_answered(self) -> bool:
        """Whether the answer is whole now."""
        received = self.socket.recv(65536)
        if not received:
            raise NotAnswered(f"the server closed the connection after {self.data!r}")
        self.data += received
        head, end, body = self.data.partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 200"):
            raise NotAnswered(f"the server answered {self.data[:500]!r}")
        return _is_whole(head.lower(), body)


def _is_whole(head: bytes, body: bytes) -> bool:
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if found:
        return len(body) == int(rest.partition(b"\r\n")[0])
    if b"\r\ntransfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    raise NotAnswered(f"an answer that does not say how long it is: {head!r}")
