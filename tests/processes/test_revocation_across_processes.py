"""A session that was ended is refused by every worker of every host within two seconds, and no other ever is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from .conftest import STRESS
from .servers import PostgreSQL, Server, gunicorn, uvicorn
from .watching import BOUND, Delays, Login, Watch, begin, end

HOW = ("logout", "password", "deactivation", "deletion", "revoke_all")
#: Hosts whose clocks differ by 15 s need more than the default 10 s to believe each other's `iat` at all.
APART: dict[str, Any] = {"IRONCLAD": {"LEEWAY": 20}}
PERSISTENT = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}

#: Each pair of hosts differs from the next in as many ways as it can: none of them may matter.
PAIRS: dict[str, Callable[[PostgreSQL], tuple[Any, Any]]] = {
    "a clock 15 s ahead, 64 threads, preloaded, ATOMIC_REQUESTS, no persistent connections": lambda database: (
        gunicorn(database, settings={**APART, "DATABASE": PERSISTENT}),
        gunicorn(
            database,
            "--preload",
            threads=64,
            settings={**APART, "CLOCK_AHEAD": 15, "DATABASE": {"CONN_MAX_AGE": 0, "ATOMIC_REQUESTS": True}},
        ),
    ),
    "async views": lambda database: (
        gunicorn(database, settings={"DATABASE": {"CONN_MAX_AGE": 0}}),
        uvicorn(database, settings={"DATABASE": PERSISTENT}),
    ),
}


@pytest.fixture(params=PAIRS.values(), ids=PAIRS.keys(), scope="module")
def hosts(request: pytest.FixtureRequest, database: PostgreSQL) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [stack.enter_context(host) for host in request.param(database)]


def watch(hosts: list[Server], act: Callable[[Watch], None]) -> Delays:
    """What came of it when `act` ended sessions while every worker was asked about each that it watched."""
    watching = Watch(controls=[login for [login] in begin(hosts[0], 5, 1) + begin(hosts[1], 5, 1)])
    with watching.going_on(hosts):
        act(watching)
        watching.wait_until_all_are_refused()
        ended = [login for login in watching.watched if login.sid in watching.ended]
        assert_each_is_refused_by_every_worker(hosts, ended)
    return watching.judge()


def assert_each_is_refused_by_every_worker(hosts: list[Server], logins: list[Login]) -> None:
    """Once more, of each worker, now that all have been: nobody comes back."""
    for host in hosts:
        for [connection] in host.connect_to_each_worker().values():
            for login in logins:
                answer = connection.get(host.paths[0], login.access_token)
                assert (answer.status, answer.json["error"]) == (401, "invalid_token")


def test_every_worker_refuses_what_was_ended_in_one(hosts: list[Server], measured: Callable[[object], None]) -> None:
    people = [begin(host, 20 if STRESS else 5, 25 if STRESS else 10) for host in hosts]

    def act(watching: Watch) -> None:
        for number, pair in enumerate(zip(*people, strict=True)):
            for host, logins in zip(hosts, pair, strict=True):
                watching.watched += logins
                watching.ended.update(end(host, HOW[number % len(HOW)], logins))
                time.sleep(0.5 if STRESS else 0.3)  # So that ends fall everywhere between two reads of a worker.

    delays = watch(hosts, act)
    assert delays.count == sum(len(logins) for half in people for logins in half)
    measured(delays)


def test_a_transaction_that_commits_late_counts_from_its_commit_and_one_that_rolls_back_never(
    hosts: list[Server], measured: Callable[[object], None]
) -> None:
    seconds = 20 if STRESS else 3
    late = [begin(host, 1, 3)[0] for host in hosts]
    never = [begin(host, 1, 3)[0] for host in hosts]

    def act(watching: Watch) -> None:
        watching.watched += [login for logins in late + never for login in logins]
        with ThreadPoolExecutor() as pool:
            commits = [
                pool.submit(end, host, "revoke_all", logins, seconds=seconds)
                for host, logins in zip(hosts, late, strict=True)
            ]
            for host, logins in zip(hosts, never, strict=True):
                pool.submit(end, host, "password", logins, seconds=seconds, roll_back=True)
        for commit in commits:
            watching.ended.update(commit.result())
        time.sleep(BOUND)  # What was rolled back is asked about for as long as what was not.

    delays = watch(hosts, act)
    assert delays.count == sum(map(len, late))
    measured(f"after {seconds} s: {delays}")


def test_a_process_that_mails_into_its_memory_refuses_what_another_one_ended(database: PostgreSQL) -> None:
    """A mailbox in memory looks like Django's test runner, under which nothing is read."""
    with gunicorn(database, workers=1, threads=1) as server:
        [[login]] = begin(server, 1, 1)
        [[connection]] = server.connect_to_each_worker().values()
        assert connection.get("/plain/", login.access_token).status == 200
        assert connection.get("/control/mail/").json == {"sent": 1}
        assert connection.get("/plain/", login.access_token).status == 200

        database.execute(f"UPDATE ironclad_session SET revoked_at = now() WHERE id = '{login.sid}'")
        time.sleep(BOUND)

        assert connection.get("/plain/", login.access_token).status == 401
