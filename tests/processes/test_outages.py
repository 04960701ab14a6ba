"""While nobody can ask PostgreSQL, views that need no database go on for a while, and then say 503: never 401."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from .conftest import STRESS
from .network import network, why_impossible
from .servers import Answer, Connection, PostgreSQL, Server, gunicorn, postgresql, uvicorn
from .watching import begin, end

STALENESS = 30 if STRESS else 4
#: How long the database stays away.
AWAY = STALENESS + (10 if STRESS else 2)
#: Seconds that a request may wait for the set, and that it may take until all is well.
BOUND = 2.0
#: Two intervals: as old as the set may already have been when the database went away.
OLD = 2.0
SETTINGS: dict[str, Any] = {
    "IRONCLAD": {"REVOCATION_MAX_STALENESS": STALENESS},
    "DATABASE": {"CONN_MAX_AGE": 60},
}


#: A database, and what makes it go away and come back.
Away = tuple[PostgreSQL, Callable[[], None], Callable[[], None]]


@pytest.fixture
def stopped(database: PostgreSQL) -> Away:
    return database, lambda: database.stop("immediate"), database.start


@pytest.fixture
def cut_off() -> Iterator[Away]:
    reason = why_impossible()
    if reason:
        pytest.skip(reason)
    with network() as cable, postgresql(address=cable.address, within=cable.within) as database:
        yield database, cable.cut, cable.mend


SERVERS = {
    "threads": lambda database: gunicorn(database, settings=SETTINGS),
    "async": lambda database: uvicorn(database, settings=SETTINGS),
}


@dataclass(frozen=True)
class Outage:
    """What happened when, by the monotonic clock, and what was answered meanwhile."""

    gone_at: float
    returning_at: float
    back_at: float
    answers: list[Answer]
    #: The longest that anybody waited for an answer that takes neither token nor database: how busy this machine is.
    noise: float


def go_through(servers: list[Server], token: str, go: Callable[[], None], come_back: Callable[[], None]) -> Outage:
    """Ask every worker with three clients all the time; let the database go away and come back."""
    answers: list[Answer] = []
    others: list[Answer] = []
    errors: list[BaseException] = []
    over = threading.Event()

    def ask(connection: Connection, path: str, token: str, answers: list[Answer]) -> None:
        try:
            while not over.is_set():
                answers.append(connection.get(path, token))
                over.wait(0.02)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the test's own thread
            errors.append(error)

    threads = []
    for server in servers:
        for control, *connections in server.connect_to_each_worker(4).values():
            threads.append(threading.Thread(target=ask, args=(control, "/nowhere/", "", others)))
            threads += [
                threading.Thread(target=ask, args=(connection, server.paths[0], token, answers))
                for connection in connections
            ]
    for thread in threads:
        thread.start()
    time.sleep(1)
    go()
    gone_at = time.monotonic()
    time.sleep(AWAY)
    returning_at = time.monotonic()
    come_back()
    back_at = time.monotonic()
    time.sleep(BOUND + 1)
    over.set()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return Outage(gone_at, returning_at, back_at, answers, max(answer.latency for answer in others))


@pytest.mark.parametrize("away", ["stopped", "cut_off"])
def test_without_a_database_tokens_are_believed_for_a_while_and_then_nobody_is_signed_out(
    away: str, request: pytest.FixtureRequest, measured: Callable[[object], None]
) -> None:
    database, go, come_back = request.getfixturevalue(away)
    with ExitStack() as stack:
        servers = [stack.enter_context(start(database)) for start in SERVERS.values()]
        [[login], [doomed]] = begin(servers[0], 2, 1)
        outage = go_through(servers, login.access_token, go, come_back)
        end(servers[0], "revoke_all", [doomed])
        time.sleep(BOUND)
        for server in servers:
            for [connection] in server.connect_to_each_worker().values():
                assert connection.get(server.paths[0], doomed.access_token).status == 401

    refused = [answer for answer in outage.answers if answer.status == 503]
    assert {answer.status for answer in outage.answers} == {200, 503}
    assert refused
    for answer in refused:
        assert answer.json["error"] == "temporarily_unavailable"
        assert int(answer.headers["retry-after"]) > 0
    for answer in outage.answers:
        if answer.received_at < outage.gone_at + STALENESS - OLD or answer.sent_at > outage.back_at + BOUND:
            assert answer.status == 200
        elif outage.gone_at + STALENESS < answer.sent_at and answer.received_at < outage.returning_at:
            assert answer.status == 503
    slowest = max(answer.latency for answer in outage.answers)
    assert slowest < BOUND + outage.noise
    meanwhile = [answer.latency for answer in outage.answers if outage.gone_at < answer.sent_at < outage.back_at]
    first, last = min(each.received_at for each in refused), max(each.sent_at for each in refused)
    measured(
        f"{len(outage.answers)} answers; the first 503 {first - outage.gone_at:.2f} s after it went, the last "
        f"{last - outage.back_at:.2f} s after its return; the slowest answer {slowest:.2f} s, without a token "
        f"{outage.noise:.2f} s; of {len(meanwhile)} meanwhile the median {statistics.median(meanwhile):.3f} s, and "
        f"{sum(each > 0.5 for each in meanwhile)} above 0.5 s"
    )


def test_a_process_whose_connections_died_with_the_database_refuses_what_ended_since(database: PostgreSQL) -> None:
    settings = SETTINGS | {"IRONCLAD": {"REVOCATION_MAX_STALENESS": 30}}
    with gunicorn(database, workers=1, threads=1, settings=settings) as server:
        [[login, doomed]] = begin(server, 1, 2)
        [[connection]] = server.connect_to_each_worker().values()
        assert connection.get("/plain/", doomed.access_token).status == 200
        time.sleep(OLD)
        assert connection.get("/plain/", doomed.access_token).status == 200  # It has read, and its connection is kept.
        database.stop("immediate")
        database.start()
        database.execute(f"UPDATE ironclad_session SET revoked_at = now() WHERE id = '{doomed.sid}'")
        time.sleep(BOUND)

        assert connection.get("/plain/", doomed.access_token).status == 401
        assert connection.get("/plain/", login.access_token).status == 200
