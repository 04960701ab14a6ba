"""Web servers with one worker process each, on Unix sockets: no port that somebody else could have."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..processor import family, processor_time
from ..rounds import ROOT
from .load import PATIENCE, Load, NotAnswered, drive

#: Threads that wait for the database; under ASGI, asgiref makes its own.
THREADS = "4"
WSGI, ASGI = "benchmarks.web.wsgi:application", "benchmarks.web.asgi:application"
_GRANIAN = ["granian", "--workers", "1", "--log-level", "warning", "--uds", "{}", "--interface"]
_GUNICORN = ["gunicorn", "--workers", "1", "--log-level", "warning", "--bind", "unix:{}"]
COMMANDS: dict[str, list[str]] = {
    "granian, WSGI": [*_GRANIAN, "wsgi", "--blocking-threads", THREADS, WSGI],
    "granian, ASGI": [*_GRANIAN, "asgi", ASGI],
    "uvicorn": ["uvicorn", "--workers", "1", "--log-level", "warning", "--no-access-log", "--uds", "{}", ASGI],
    "gunicorn": [*_GUNICORN, "--worker-class", "gthread", "--threads", THREADS, "--keep-alive", "600", WSGI],
}


class Server:
    """One that answers, once it was waited for."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], path: Path, output: Path) -> None:
        self.name, self.process, self.path, self.output = name, process, path, output

    def wait(self) -> None:
        """Return once it listens. Raises NotAnswered when it does not."""
        deadline = time.monotonic() + PATIENCE
        while not _listens(self.path):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise NotAnswered(f"{self.name} does not start:\n{self.output.read_text()}")
            time.sleep(0.02)

    def processes(self) -> list[int]:
        return family(self.process.pid)

    def answer(self, requests: Sequence[bytes], *, count: int, clients: int) -> tuple[Load, float]:
        """What so many requests took, and the processor seconds that the server took for each."""
        processes = self.processes()
        before = sum(map(processor_time, processes))
        try:
            load = drive(self.path, requests, count=count, clients=clients)
        except NotAnswered as error:
            raise NotAnswered(f"{self.name}: {error}\n{self.output.read_text()}") from error
        return load, (sum(map(processor_time, processes)) - before) / count


@contextmanager
def serving(server: str, candidate: str, database: str) -> Iterator[Server]:
    """`server` is one of COMMANDS. It is killed at the end."""
    with tempfile.TemporaryDirectory(prefix="ironclad-bench-") as folder:
        path, output = Path(folder) / "socket", Path(folder) / "output"
        environment = {**os.environ, "BENCH": json.dumps({"name": candidate, "database": database})}
        command = [sys.executable, "-W", "ignore", "-m", *(word.format(path) for word in COMMANDS[server])]
        with output.open("wb") as file:
            # A group of its own: what it started ends with it.
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=file, stderr=file, start_new_session=True
            )
        try:
            yield Server(f"{server} with {candidate}", process, path, output)
        finally:
            # At once, with all that it started: there is nothing that it could lose.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _listens(path: Path) -> bool:
    """A server's socket is there a little before it listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        return trial.connect_ex(str(path)) == 0
