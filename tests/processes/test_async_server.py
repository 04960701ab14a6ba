"""On an event loop: nothing blocks it, and a thread is asked for once an interval."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from .conftest import STRESS
from .servers import PostgreSQL, Server, uvicorn
from .watching import begin, end

SECONDS = 10 if STRESS else 3
FRESHEN = "django_ironclad.sessions.revoked.RevokedSessions.freshen"


@pytest.fixture
def server(database: PostgreSQL) -> Iterator[Server]:
    with uvicorn(database) as server:
        yield server


def hops(server: Server) -> Counter[str]:
    return Counter(server.connect().get("/hops/").json)


def slow_callbacks(server: Server) -> list[str]:
    """What asyncio's debug mode complained of."""
    return [line for line in server.output.read_text().splitlines() if "Executing <" in line and "took" in line]


def test_a_token_costs_no_hop_to_a_thread_but_one_an_interval(
    server: Server, measured: Callable[[object], None]
) -> None:
    [[login]] = begin(server, 1, 1)
    connection = server.connect()

    def ask(path: str) -> tuple[int, Counter[str]]:
        before, count, until = hops(server), 0, time.monotonic() + SECONDS
        while time.monotonic() < until:
            assert connection.get(path, login.access_token).status == 200
            count += 1
        after = hops(server)
        after.subtract(before)
        return count, after

    public_count, public_hops = ask("/public/")
    count, token_hops = ask("/async/")

    assert public_hops[FRESHEN] == 0
    assert 1 <= token_hops[FRESHEN] <= SECONDS + 2
    # Django itself hops a few times a request, to say that it began and ended: for whom does not matter.
    ours = {name: number for name, number in token_hops.items() if number and name not in public_hops}
    assert ours.keys() == {FRESHEN}
    per_request = {name: number / (public_count + 1) for name, number in public_hops.items()}
    for name, number in token_hops.items():
        assert name == FRESHEN or number <= per_request[name] * (count + 1) + 2
    measured(
        f"{count} requests in {SECONDS} s: {token_hops[FRESHEN]} hops of ours; "
        f"Django's own: {sum(public_hops.values()) / public_count:.1f} a request, with a token or without"
    )


def test_a_slow_read_does_not_block_the_loop(
    database: PostgreSQL, server: Server, measured: Callable[[object], None]
) -> None:
    """The table is locked for longer than asyncio lets a callback run without complaint."""
    [[login], [other]] = begin(server, 2, 1)
    connection, reader = server.connect(), server.connect()
    for each in (connection, reader):
        assert each.get("/async/", login.access_token).status == 200
    at_start = len(slow_callbacks(server))  # Importing the project keeps the loop, before anybody can ask for anything.
    time.sleep(1.1)
    with database.transaction("LOCK TABLE ironclad_session IN ACCESS EXCLUSIVE MODE"):
        reader.send("GET", "/async/", token=login.access_token)
        database.wait_until_somebody_waits_for_a_lock()
        latencies, until = [], time.monotonic() + 0.8
        while time.monotonic() < until:
            answer = connection.get("/async/", other.access_token)
            assert answer.status == 200
            latencies.append(answer.latency)
    assert reader.receive().latency > 0.7
    end(server, "revoke_all", [login])
    assert connection.get("/async/", login.access_token).status == 401
    assert slow_callbacks(server)[at_start:] == []

    connection.get("/blocking/")
    connection.get("/public/")  # By now that callback is over.
    assert len(slow_callbacks(server)[at_start:]) == 1
    measured(f"{len(latencies)} answers while the set was read for 0.8 s, the slowest {max(latencies):.2f} s")
