"""The servers that people put in front of Django, each as its own documentation starts it, with two workers."""

from __future__ import annotations

import random
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from .servers import PostgreSQL, Server, environment, running

WSGI, ASGI = "tests.processes.wsgi:application", "tests.processes.sockets:application"
#: Of views that need a token, on every platform.
PATHS = ("/plain/", "/drf/")
#: It replaces the process that it is imported into.
_UWSGI = ["-c", "import pyuwsgi; pyuwsgi.run()"]


@dataclass(frozen=True)
class Platform:
    """`{port}` of a command is one that is free: not every server says which one it took itself."""

    command: tuple[str, ...]
    #: What is installed for it.
    packages: tuple[str, ...]
    #: How many of it are started: 2 of what has no workers.
    servers: int = 1
    #: gevent has every view in one thread, where asyncio's loop can run but one.
    async_views: bool = True
    #: A header with any other letter arrives as it is, or empty.
    letters_beyond_ascii: bool = True
    #: There are websockets, and a body may come in chunks: over WSGI Django reads as much as Content-Length says.
    asgi: bool = False
    #: A websocket that is refused hears the status and the error, one that is closed the reason. Or 403, and the code.
    tells_websockets_why: bool = True

    @property
    def version(self) -> str:
        return ", ".join(f"{package} {version(package)}" for package in self.packages)

    @contextmanager
    def running(self, database: PostgreSQL, settings: dict[str, Any] | None = None) -> Iterator[list[Server]]:
        with ExitStack() as stack:
            yield [stack.enter_context(self._one(database, settings)) for _ in range(self.servers)]

    def _one(self, database: PostgreSQL, settings: dict[str, Any] | None) -> AbstractContextManager[Server]:
        address = ("127.0.0.1", _free_port())
        command = [part.format(port=address[1]) for part in self.command]
        return running(command, environment(database, settings), 2 // self.servers, PATHS, address)


def _free_port() -> int:
    """Below those that this machine gives to whoever asks for any, of which it might give this one by then."""
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", random.randint(20_000, 32_000))) as found:
            return int(found.getsockname()[1])


def _gunicorn(*options: str) -> tuple[str, ...]:
    return ("-m", "gunicorn", WSGI, "--bind", "127.0.0.1:{port}", "--workers", "2", "--graceful-timeout", "1", *options)


def _uwsgi(*options: str) -> tuple[str, ...]:
    serving = ["--http-socket", "127.0.0.1:{port}", "--module", WSGI, "--pythonpath", ".", "--virtualenv", sys.prefix]
    return (*_UWSGI, *serving, "--master", "--processes", "2", "--die-on-term", "--need-app", *options)


def _granian(interface: str, application: str) -> tuple[str, ...]:
    return ("-m", "granian", "--interface", interface, "--port", "{port}", "--workers", "2", application)


PLATFORMS = {
    "gunicorn sync": Platform(_gunicorn("--worker-class", "sync"), ("gunicorn",)),
    "gunicorn threads": Platform(_gunicorn("--worker-class", "gthread", "--threads", "8"), ("gunicorn",)),
    "gunicorn threads preload": Platform(
        _gunicorn("--worker-class", "gthread", "--threads", "8", "--preload"), ("gunicorn",)
    ),
    "gunicorn gevent": Platform(_gunicorn("--worker-class", "gevent"), ("gunicorn", "gevent"), async_views=False),
    "uWSGI": Platform(_uwsgi("--enable-threads"), ("pyuwsgi",)),
    "uWSGI threads lazy": Platform(_uwsgi("--threads", "8", "--lazy-apps"), ("pyuwsgi",)),
    "granian WSGI": Platform(_granian("wsgi", WSGI), ("granian",), letters_beyond_ascii=False),
    "granian": Platform(_granian("asgi", ASGI), ("granian",), asgi=True),
    "uvicorn": Platform(
        ("-m", "uvicorn", ASGI, "--port", "{port}", "--workers", "2"), ("uvicorn", "websockets"), asgi=True
    ),
    "hypercorn": Platform(
        ("-m", "hypercorn", ASGI, "--bind", "127.0.0.1:{port}", "--workers", "2"), ("hypercorn",), asgi=True
    ),
    "daphne": Platform(
        ("-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", ASGI),
        ("daphne",),
        servers=2,
        asgi=True,
        tells_websockets_why=False,
    ),
}
#: One of each product, for `scripts/test`; `scripts/stress servers` runs all.
SMALL = ("gunicorn threads", "gunicorn gevent", "uWSGI", "granian", "uvicorn", "hypercorn", "daphne")
