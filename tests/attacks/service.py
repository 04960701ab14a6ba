"""The demo that is attacked: a real process, spoken to byte by byte, whose database and log can be looked into."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.browser.running import ROOT, Demo, environment, running

from .signing import OURS, derived

#: What an answer may say and another not: the time, and the nonce of its policy.
_ITS_OWN = {"date", "content-security-policy"}
_TABLES = ("ironclad_session", "auth_user", "auth_user_groups", "campus_grade")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """All of this name, as one."""
        return ", ".join(value for each, value in self.headers if each == name.lower())

    @property
    def json(self) -> Any:
        return json.loads(self.body) if "json" in self.header("content-type") else None

    @property
    def essence(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """All by which somebody could tell it from another."""
        return self.status, sorted(each for each in self.headers if each[0] not in _ITS_OWN), self.body


@dataclass
class Service:
    demo: Demo
    people: int = 0
    _read: dict[Path, int] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return self.demo.url.removeprefix("http://")

    @property
    def refresh_secret(self) -> bytes:
        return derived((self.demo.data / "secret_key").read_text(), "refresh token HS256")

    def say(self, *chunks: bytes, pause: float = 0.0, patience: float = 20.0) -> Answer:
        """One connection: these bytes, and what comes back until it is closed. ConnectionError where nothing does."""
        host, port = self.host.split(":")
        with closing(socket.create_connection((host, int(port)), timeout=patience)) as connection:
            for number, chunk in enumerate(chunks):
                if number:
                    time.sleep(pause)
                connection.sendall(chunk)
            connection.shutdown(socket.SHUT_WR)
            return _parse(b"".join(iter(lambda: connection.recv(65536), b"")))

    def ask(self, line: str, headers: list[tuple[str, str]], body: bytes = b"", *, version: str = "1.1") -> Answer:
        """Headers and body as they are; a Host and a length are added where none is said."""
        said = {name.lower() for name, _ in headers}
        if "host" not in said:
            headers = [("Host", self.host), *headers]
        if body and not said & {"content-length", "transfer-encoding"}:
            headers = [*headers, ("Content-Length", str(len(body)))]
        text = "".join(f"{name}: {value}\r\n" for name, value in [*headers, ("Connection", "close")])
        return self.say(f"{line} HTTP/{version}\r\n{text}\r\n".encode("latin-1") + body)

    def bearer(self, path: str, token: str) -> Answer:
        return self.ask(f"GET {path}", [("Authorization", f"Bearer {token}")])

    def somebody(self) -> str:
        """The name of a new user, with the password of them all."""
        self.people += 1
        name = f"somebody-{self.people}"
        with self.database() as database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(auth_user)") if row[1] != "id"]
            values = ", ".join("?" if column == "username" else column for column in columns)
            copy = f"INSERT INTO auth_user ({', '.join(columns)}) SELECT {values} FROM auth_user WHERE username = 'ada'"
            database.execute(copy, [name])
        return name

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.demo.data / "campus.sqlite3", timeout=20)) as connection, connection:
            yield connection

    def elapse(self, seconds: int, *, of: Sequence[str]) -> None:
        """Time passes for the sessions of these users: their rows move into the past."""
        names = ("rotated_at", "seeded_at", "created_at", "auth_time", "expires_at", "revoked_at")
        moved = ", ".join(f"{name} = strftime('%Y-%m-%d %H:%M:%f', {name}, '-{seconds} seconds')" for name in names)
        with self.database() as database:
            theirs = f"SELECT id FROM auth_user WHERE username IN ({', '.join('?' * len(of))})"
            database.execute(f"UPDATE ironclad_session SET {moved} WHERE user_id IN ({theirs})", of)

    def rows(self) -> str:
        """What there is to change, as one text."""
        with self.database() as database:
            rows = [list(database.execute(f"SELECT * FROM {table} ORDER BY 1")) for table in _TABLES]
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    def seed(self, sid: str) -> bytes:
        with self.database() as database:
            (seed,) = database.execute(
                "SELECT seed FROM ironclad_session WHERE id = ?", [sid.replace("-", "")]
            ).fetchone()
        return bytes(seed)

    def written(self) -> str:
        """What it wrote, to its log and to its terminal, since this was asked last."""
        texts = []
        for file in (self.demo.data / "demo.log", self.demo.output):
            data = file.read_bytes()
            texts.append(data[self._read.get(file, 0) :].decode(errors="replace"))
            self._read[file] = len(data)
        return "".join(texts)


def _parse(data: bytes) -> Answer:
    if not data:
        raise ConnectionError("closed without an answer")
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    # A server that understands nothing answers as in 1991: no head at all.
    status = int(first.split()[1]) if first.startswith("HTTP/") else 400
    return Answer(status, headers, body if first.startswith("HTTP/") else data)


@contextmanager
def attacked(data: Path) -> Iterator[Service]:
    """Running with the package that PYTHONPATH names first."""
    paths = [path for path in (os.environ.get("PYTHONPATH"), str(ROOT)) if path]
    env = environment(
        DEMO_DATA=str(data),
        DJANGO_SETTINGS_MODULE="tests.attacks.settings",
        PYTHONPATH=os.pathsep.join(paths),
        ATTACKED_KEYS=json.dumps([OURS[name].pem for name in ("ES256", "EdDSA", "RS256")]),
    )
    with running(data, env=env) as demo:
        service = Service(demo)
        service.written()
        yield service
