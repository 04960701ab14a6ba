"""What every test may ask for: people, a client, the race, and the passing of time; and figures, at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections
from django.test import Client

from django_ironclad.testing import time_passes  # noqa: F401 - for the tests

from .evidence import pytest_runtest_logreport, pytest_sessionfinish  # noqa: F401 - hooks
from .properties import tried
from .recording import pytest_configure  # noqa: F401 - a hook

PASSWORD = "correct horse battery staple"
#: scripts/with_pgbouncer.py says so: what is set for a connection is somebody else's a moment later.
BEHIND_A_POOLER = bool(os.environ.get("PGBOUNCER"))
#: `tests.platforms.databases` says so: a transaction sees what was there when it began, and no more.
BY_SNAPSHOT = "isolation" in os.environ.get("DATABASE_OPTIONS", "")


@dataclass
class Person:
    """A user as a test knows them: the row, and what they type to log in."""

    user: Any
    name: str
    password: str = PASSWORD


@pytest.fixture
def person() -> Callable[..., Person]:
    """Make a person of whatever user model these tests run on."""

    def make(name: str = "ada", *, groups: tuple[str, ...] = (), **fields: Any) -> Person:
        model = get_user_model()
        if model.USERNAME_FIELD == "email":
            name = f"{name}@example.org"
            user = model._default_manager.create_user(name, PASSWORD, **fields)
        else:
            user = model._default_manager.create_user(name, f"{name}@example.org", PASSWORD, **fields)
        for group in groups:
            from django.contrib.auth.models import Group

            user.groups.add(Group.objects.get_or_create(name=group)[0])
        return Person(user, name)

    return make


@pytest.fixture
def ada(db: None, person: Callable[..., Person]) -> Person:
    return person("ada")


@pytest.fixture
def has_groups() -> bool:
    return hasattr(get_user_model(), "groups")


class Api:
    """The auth endpoints as a client calls them. An answer's JSON is its `.json()`."""

    def __init__(self) -> None:
        self.http = Client()

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.http.post(path, body or {}, content_type="application/json", headers=headers)

    def login(self, person: Person, **more: Any) -> dict[str, Any]:
        answer = self.post("/auth/login/", {"username": person.name, "password": person.password, **more})
        assert answer.status_code == 200, answer.content
        return answer.json()

    def refresh(self, refresh_token: str) -> Any:
        return self.post("/auth/refresh/", {"refresh_token": refresh_token})

    def logout(self, refresh_token: str) -> Any:
        return self.post("/auth/logout/", {"refresh_token": refresh_token})

    def get(self, path: str, token: str = "", **headers: str) -> Any:
        if token:
            headers["authorization"] = f"Bearer {token}"
        return self.http.get(path, headers=headers)


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built as they are for PyPI."""
    folder = tmp_path_factory.mktemp("packages")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=Path(__file__).parents[1], check=True, capture_output=True, timeout=60)
    return folder


def race(count: int, act: Callable[[int], Any]) -> list[Any]:
    """The results of `count` threads that all start at once; what one raises is raised here."""
    start = threading.Barrier(count)
    results: list[Any] = [None] * count
    errors: list[Exception] = []

    def run(number: int) -> None:
        try:
            start.wait()
            results[number] = act(number)
        except Exception as error:  # noqa: BLE001 - raised again below, in the test's own thread
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


#: How many wait for a lock, where the database is a server.
_WAITING = {
    "mysql": "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
    "postgresql": "SELECT count(*) FROM pg_locks WHERE NOT granted",
}


def begun(act: Callable[[], Any]) -> Future[Any]:
    """What `act` will return, by a connection of its own: it is done by now, or waits for a lock."""

    def run() -> Any:
        try:
            return act()
        finally:
            connections.close_all()

    threads = ThreadPoolExecutor(1)
    future = threads.submit(run)
    threads.shutdown(wait=False)
    deadline = time.monotonic() + 60
    with connection.cursor() as cursor:
        while not future.done():
            cursor.execute(_WAITING[connection.vendor])
            if cursor.fetchone() != (0,):
                break
            assert time.monotonic() < deadline, "it neither ends nor waits"
            # MariaDB's table stays as it was for whoever asks again within 0.1 s.
            time.sleep(0.2)
    return future


def its_connection_dies() -> None:
    """As when the server goes, or a network."""
    if connection.vendor == "mysql":
        # Closed by its own side, PyMySQL's cannot be closed again.
        number = connection.connection.thread_id()
        race(1, lambda _: connection.cursor().execute("KILL %s", [number]))
    else:
        connection.connection.close()


_figures: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _figures:
        terminalreporter.section("measured")
        for figure in _figures:
            terminalreporter.line(figure)
    if tried:
        terminalreporter.section("properties")
        for name, count in sorted(tried.items()):
            terminalreporter.line(f"{count:>8,}  {name}")
        terminalreporter.line(f"{tried.total():>8,}  inputs for {len(tried)} properties")


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[object], None]:
    """Say what was measured; it is printed at the end of the run."""
    return lambda figure: _figures.append(f"{request.node.name}: {figure}")
