"""PostgreSQL on a disk that fills up: first its tables cannot grow, then it cannot write its log, and dies of that."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from ..full_disk import fill, small_disk
from .conftest import STRESS
from .servers import PostgreSQL, Server, gunicorn, postgresql
from .test_crashes import PERSISTENT, Client, assert_each_goes_on, clients, rows, time_passes
from .test_faults import assert_temporary
from .watching import Login, begin

pytestmark = pytest.mark.skipif(not STRESS, reason="in scripts/stress faults only: it makes a PostgreSQL of its own")

CLIENTS = 100
ROUNDS = 3


@pytest.fixture
def disk() -> Iterator[Path]:
    # Not tmp_path, which is root's: PostgreSQL runs as somebody else.
    with tempfile.TemporaryDirectory(prefix="ironclad-disk-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with small_disk(folder, 128):
            yield folder


def log_in_until_refused(server: Server, login: Login) -> int:
    """How many still found room."""
    connection = server.connect()
    words = {"username": connection.get("/plain/", login.access_token).json["user"], "password": "a password"}
    for number in range(10_000):
        answer = connection.post("/auth/login/", words)
        if answer.status != 200:
            assert_temporary(answer)
            return number
    raise AssertionError("the disk is not full")


def panic(database: PostgreSQL) -> None:
    """Have it begin one file of its log after the other, until there is no room for the next."""

    def begin_files() -> None:
        with database.connect(autocommit=True) as connection:
            while True:
                connection.execute("SELECT pg_logical_emit_message(true, '', '')")
                connection.execute("SELECT pg_switch_wal()")

    with pytest.raises(psycopg.OperationalError):
        begin_files()


def come_back(database: PostgreSQL) -> bool:
    """Once there is room. Whether somebody had to start it: it gives up when it cannot even recover."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (database.data / "postmaster.pid").exists():
        try:
            database.execute("SELECT pg_logical_emit_message(true, '', '')")
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return False
    database.start()
    return True


def test_a_database_whose_disk_is_full_is_503_and_then_everybody_goes_on(
    disk: Path, measured: Callable[[object], None]
) -> None:
    heard: Counter[int] = Counter()
    logins, started = 0, 0
    with postgresql(parent=disk) as database, gunicorn(database, settings=PERSISTENT) as server:
        everybody = clients(server, CLIENTS)
        for _ in range(ROUNDS):
            [doomed, [busy, _]] = begin(server, 2, 2)
            time_passes(database)
            fill(disk / "filler")

            # Its tables cannot grow: whoever needs no more room than there is goes on.
            # Not the doomed, whose sessions would end when they are too many.
            logins += log_in_until_refused(server, busy)
            for client in everybody:
                client.ask()
            for client in everybody:
                answer = client.hear()
                heard[answer.status] += 1
                if answer.status != 200:
                    assert_temporary(answer)

            panic(database)
            for client in everybody:
                client.ask()
            for client in everybody:
                assert_temporary(client.hear())
            assert_temporary(server.connect().post("/auth/logout/", {"refresh_token": doomed[0].refresh_token}))
            assert_temporary(server.connect().post("/auth/login/", {"username": "nobody", "password": "a password"}))

            (disk / "filler").unlink()
            started += come_back(database)
            time_passes(database)
            # What was answered 503 was not done, and is now.
            assert rows(database)[doomed[0].sid][2] is None
            others = [Client(server.connect(), login.refresh_token) for login in doomed]
            assert_each_goes_on(database, [*everybody, *others])
            ended = server.connect().post("/auth/logout/", {"refresh_token": doomed[0].refresh_token})
            assert ended.status == 204
            assert rows(database)[doomed[0].sid][2] is not None
    measured(
        f"the disk full {ROUNDS} times: {logins} more logins, then 503; of {CLIENTS * ROUNDS} refreshes {heard[200]} "
        f"answered, {heard[503]} × 503; its log full: all 503, {started} times started by hand; 0 lost, 0 forked"
    )
