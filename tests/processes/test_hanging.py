"""While PostgreSQL hangs, each worker finds out once, within a second; nobody after that waits for it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from .servers import Answer, Connection, PostgreSQL, gunicorn, uvicorn
from .watching import BOUND, begin

STALENESS = 5
#: How long it hangs.
HANGS = STALENESS + 3
#: Seconds: the first wait, and what counts as none. A busy machine is allowed what it costs whoever asks for nothing.
WAIT, AT_ONCE = 1.0, 0.3


@pytest.mark.parametrize("max_age", [60, 0], ids=["connections that stay", "a connection a request"])
def test_whoever_asks_while_the_database_hangs_waits_once(
    database: PostgreSQL, measured: Callable[[object], None], max_age: int
) -> None:
    settings: dict[str, Any] = {"IRONCLAD": {"REVOCATION_MAX_STALENESS": STALENESS}}
    settings["DATABASE"] = {"CONN_MAX_AGE": max_age}
    answers: dict[str, list[Answer]] = defaultdict(list)
    others: list[Answer] = []
    over = threading.Event()

    def ask(connection: Connection, path: str, token: str, given: list[Answer]) -> None:
        while not over.is_set():
            given.append(connection.get(path, token))
            over.wait(0.02)

    with ExitStack() as stack:
        servers = [
            stack.enter_context(gunicorn(database, workers=1, threads=1, settings=settings)),
            stack.enter_context(gunicorn(database, workers=1, threads=8, settings=settings)),
            stack.enter_context(uvicorn(database, settings=settings)),
        ]
        [[login]] = begin(servers[0], 1, 1)
        threads = []
        for number, server in enumerate(servers):
            # One thread serves one connection at a time, for as long as it is kept.
            [connections] = server.connect_to_each_worker(1 if number == 0 else 3).values()
            for client, connection in enumerate(connections):
                given = answers[f"{number}-{client}"]
                arguments = (connection, server.paths[0], login.access_token, given)
                threads.append(threading.Thread(target=ask, args=arguments))
        [[control]] = servers[1].connect_to_each_worker().values()
        threads.append(threading.Thread(target=ask, args=(control, "/nowhere/", "", others)))
        for thread in threads:
            thread.start()
        time.sleep(3)  # Until each has found its pace.
        with database.hanging():
            hung_at = time.monotonic()
            time.sleep(HANGS)
            back_at = time.monotonic()
        time.sleep(BOUND + 1)
        over.set()
        for thread in threads:
            thread.join()

    noise = max(answer.latency for answer in others)
    waits = {
        name: [
            (answer.sent_at - hung_at, answer.latency)
            for answer in given
            if hung_at - 1 < answer.sent_at < back_at and answer.latency > AT_ONCE + noise
        ]
        for name, given in answers.items()
    }
    for name, waited in waits.items():
        assert len(waited) <= 1, (name, waited)
        assert not waited or waited[0][1] < WAIT + AT_ONCE + noise
    for given in answers.values():
        assert {answer.status for answer in given} == {200, 503}
        for answer in given:
            if answer.received_at < hung_at + STALENESS - 2 or answer.sent_at > back_at + BOUND:
                assert answer.status == 200
            elif hung_at + STALENESS < answer.sent_at and answer.received_at < back_at:
                assert answer.status == 503
    refused = [answer.sent_at for given in answers.values() for answer in given if answer.status == 503]
    longest = max(latency for waited in waits.values() for _, latency in waited)
    measured(
        f"{sum(map(len, answers.values()))} answers of 3 servers to {len(answers)} clients, "
        f"{sum(map(len, waits.values()))} of whom waited, {longest:.2f} s at most, and {noise:.2f} s without a token; "
        f"the last 503 {max(refused) - back_at:.2f} s after its return"
    )
