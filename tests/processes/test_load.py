"""Beside live traffic: rows are pruned, and floods of logins come; those who refresh or call the API hardly notice."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest

from .conftest import STRESS
from .servers import ROOT, Connection, PostgreSQL, Server, environment, gunicorn, postgresql

ENDED = 1_000_000 if STRESS else 20_000
SECONDS = 15 if STRESS else 3
FLOOD = 50 if STRESS else 10
PERSISTENT = {"DATABASE": {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}}

#: Prune, and say what memory that took beyond a process that is ready to.
PRUNE = """
import json, resource, time, django
django.setup()
from django.core.management import call_command
from django_ironclad.models import Session
Session.objects.exists()
idle, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
call_command("ironclad_prune", no_color=True)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"kilobytes": peak - idle, "seconds": time.monotonic() - started}))
"""


@dataclass
class Traffic:
    """What those who came met, in the order in which they came."""

    latencies: list[float] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    def p99(self) -> float:
        """Milliseconds."""
        return statistics.quantiles(self.latencies, n=100)[98] * 1000


@contextmanager
def traffic(count: int, act: Callable[[int], Callable[[], tuple[int, float]]]) -> Iterator[Traffic]:
    """`count` threads that act again and again until the block ends; each act gives a status and a latency."""
    met, over = Traffic(), threading.Event()

    def go_on(number: int) -> None:
        once = act(number)
        while not over.is_set():
            status, latency = once()
            met.latencies.append(latency)
            met.statuses.add(status)

    threads = [threading.Thread(target=go_on, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield met
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.fixture(scope="module")
def database_of_its_own() -> Iterator[PostgreSQL]:
    with postgresql() as server:
        yield server


def begin(server: Server, people: int) -> list[dict[str, str]]:
    answer = server.connect().post("/control/begin/", {"people": people, "sessions": 1})
    return [person["sessions"][0] for person in answer.json["people"]]


def test_pruning_beside_those_who_refresh(database_of_its_own: PostgreSQL, measured: Callable[[object], None]) -> None:
    database = database_of_its_own
    with gunicorn(database, settings=PERSISTENT) as server, ExitStack() as stack:
        people = begin(server, 8)
        database.execute(
            f"""INSERT INTO ironclad_session (id, client_id, transport, generation, branch, parent_branch, rotated_at,
                  repeated, doubts, seed, auth_hash, created_at, auth_time, expires_at, revoked_at, revoked_reason,
                  scope, amr, user_agent)
                SELECT gen_random_uuid(), 'first-party', 'body', 7, 0, 0, t, false, 0,
                  decode(md5(n::text) || md5('s' || n), 'hex'),
                  md5(n::text) || md5('a' || n), t, t, t + interval '90 days', t, 'logout',
                  '', 'pwd', 'Mozilla/5.0'
                FROM (SELECT n, now() - interval '40 days' - n * interval '1 second' AS t
                      FROM generate_series(1, {ENDED}) n) rows"""
        )
        database.execute("VACUUM ANALYZE ironclad_session")

        def refresh(number: int) -> Callable[[], tuple[int, float]]:
            connection, mine = server.connect(), people[number]
            clock = stack.enter_context(psycopg.connect(host=str(database.folder), user="postgres", autocommit=True))

            def once() -> tuple[int, float]:
                # Each rotates: nobody gets the same token again for coming back too soon.
                clock.execute(
                    "UPDATE ironclad_session SET rotated_at = rotated_at - interval '1 minute' WHERE id = %s",
                    [mine["sid"]],
                )
                answer = connection.post("/auth/refresh/", {"refresh_token": mine["refresh_token"]})
                mine["refresh_token"] = answer.json["refresh_token"]
                return answer.status, answer.latency

            return once

        with traffic(8, refresh) as before:
            time.sleep(SECONDS)
        with traffic(8, refresh) as beside:
            done = subprocess.run(
                [sys.executable, "-c", PRUNE],
                cwd=ROOT,
                env=environment(database, PERSISTENT),
                check=True,
                capture_output=True,
                text=True,
            )
        *said, figures = done.stdout.splitlines()
        cost = json.loads(figures)

    assert said[-1] == f"{ENDED} sessions deleted."
    assert before.statuses == beside.statuses == {200}
    with psycopg.connect(host=str(database.folder), user="postgres") as connection:
        living = {row[0] for row in connection.execute("SELECT id::text FROM ironclad_session")}
    assert {person["sid"] for person in people} <= living
    assert cost["kilobytes"] <= 60 * 1024
    measured(
        f"{ENDED} rows in {cost['seconds']:.1f} s, {cost['kilobytes'] / 1024:.1f} MB above the idle process; "
        f"refresh p99 {before.p99():.0f} ms before ({len(before.latencies)}), {beside.p99():.0f} ms beside "
        f"({len(beside.latencies)}): × {beside.p99() / before.p99():.1f}"
    )


def test_a_flood_of_logins_leaves_the_api_answered(
    database_of_its_own: PostgreSQL, measured: Callable[[object], None]
) -> None:
    """So many at once, each with a wrong password that costs a real hash."""
    hasher = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
    with gunicorn(database_of_its_own, threads=32, settings=PERSISTENT | {"PASSWORD_HASHERS": [hasher]}) as server:
        [person] = begin(server, 1)
        flood_of = {"username": "nobody@example.org", "password": "a guess"}

        def call(_: int) -> Callable[[], tuple[int, float]]:
            connection: Connection = server.connect()

            def once() -> tuple[int, float]:
                answer = connection.get("/plain/", person["access_token"])
                time.sleep(0.02)  # One who calls, and not a flood of its own.
                return answer.status, answer.latency

            return once

        def login(_: int) -> Callable[[], tuple[int, float]]:
            connection: Connection = server.connect()

            def once() -> tuple[int, float]:
                answer = connection.post("/auth/login/", flood_of)
                return answer.status, answer.latency

            return once

        with traffic(2, call) as before:
            time.sleep(SECONDS)
        with traffic(FLOOD, login) as flood, traffic(2, call) as beside:
            time.sleep(SECONDS)
    assert before.statuses == beside.statuses == {200}
    assert flood.statuses == {401}
    measured(
        f"verified requests p99 {before.p99():.0f} ms before, {beside.p99():.0f} ms beside {len(flood.latencies)} "
        f"logins by {FLOOD} at once"
    )
