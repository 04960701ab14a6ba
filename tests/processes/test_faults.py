"""PostgreSQL is there, and of no use: read-only, out of connections, slow. Or it is, but not for one of two hosts."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from .conftest import STRESS
from .network import network, why_impossible
from .servers import Answer, Connection, PostgreSQL, Server, gunicorn, postgresql
from .test_crashes import Client, assert_each_goes_on, clients, rows, time_passes
from .watching import BOUND, Login, begin, end

CLIENTS = 100 if STRESS else 12
ROUNDS = 10 if STRESS else 1
STALENESS = 4
#: A connection for each request, as Django has it by default.
SETTINGS = {"DATABASE": {"CONN_MAX_AGE": 0}, "IRONCLAD": {"REVOCATION_MAX_STALENESS": STALENESS}}


@pytest.fixture(scope="module")
def small() -> Iterator[PostgreSQL]:
    """One that has few connections to give."""
    with postgresql() as database:
        database.execute("ALTER SYSTEM SET max_connections = 30")
        database.stop()
        database.start()
        yield database


@pytest.fixture(scope="module")
def server(small: PostgreSQL) -> Iterator[Server]:
    with gunicorn(small, settings=SETTINGS) as server:
        yield server


@contextmanager
def read_only(database: PostgreSQL) -> Iterator[None]:
    """As a primary that was demoted under its clients."""
    with database.connect(autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")


@contextmanager
def out_of_connections(database: PostgreSQL) -> Iterator[None]:
    with ExitStack() as stack:

        def take_all() -> None:
            while True:
                stack.enter_context(database.connect())

        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            take_all()
        yield


FAULTS = {"read-only": read_only, "out of connections": out_of_connections}


def assert_temporary(answer: Answer) -> None:
    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) > 0


def accepted_for(workers: list[Connection], logins: list[Login], ended: dict[str, float]) -> float:
    """The longest that any worker accepted what had ended, in seconds after the commit: within the bound."""
    longest = 0.0
    refused: set[tuple[int, str]] = set()
    while len(refused) < len(workers) * len(logins):
        for number, connection in enumerate(workers):
            for login in logins:
                answer = connection.get("/plain/", login.access_token)
                if answer.status == 401:
                    refused.add((number, login.sid))
                else:
                    assert answer.status == 200
                    assert (number, login.sid) not in refused
                    longest = max(longest, answer.sent_at - ended[login.sid])
                    assert longest < BOUND
        time.sleep(0.02)
    return longest


@pytest.mark.parametrize("fault", FAULTS)
def test_a_database_of_no_use_is_503_and_then_everybody_goes_on(
    small: PostgreSQL, server: Server, fault: str, measured: Callable[[object], None]
) -> None:
    everybody = clients(server, CLIENTS)
    refused, longest = 0, 0.0
    for _ in range(ROUNDS):
        [doomed] = begin(server, 1, 3)
        time_passes(small)
        # Before: a view that needs no database has all that it needs.
        workers = [connection for [connection] in server.connect_to_each_worker().values()]
        assert {connection.get("/plain/", doomed[0].access_token).status for connection in workers} == {200}
        with FAULTS[fault](small):
            for client in everybody:
                client.ask()
            for client in everybody:
                assert_temporary(client.hear())
                refused += 1
            for path, body in (
                ("/auth/logout/", {"refresh_token": doomed[0].refresh_token}),
                ("/auth/login/", {"username": "nobody", "password": "a password"}),
            ):
                answer = server.connect().post(path, body)
                # To read-only, that there is no such person is known all the same.
                if (path, fault) != ("/auth/login/", "read-only"):
                    assert_temporary(answer)
            assert {connection.get("/plain/", doomed[0].access_token).status for connection in workers} == {200}
        assert_each_goes_on(small, everybody)
        # What was answered 503 was not done, and is now.
        ended = dict(end(server, "logout", doomed))
        assert ended.keys() == {login.sid for login in doomed}
        longest = max(longest, accepted_for(workers, doomed, ended))
    measured(f"{refused} refreshes answered 503; 0 lost, 0 forked; accepted {longest:.2f} s after the end at most")


def test_clients_that_do_not_wait_for_a_slow_database_and_ask_again_all_get_the_same(
    small: PostgreSQL, server: Server, measured: Callable[[object], None]
) -> None:
    everybody = clients(server, CLIENTS)
    small.execute(
        "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$; "
        "CREATE TRIGGER slowly BEFORE UPDATE ON ironclad_session FOR EACH ROW EXECUTE FUNCTION slowly()"
    )
    try:
        # Nobody hears the first two answers: they hang up.
        for _ in range(2):
            for client in everybody:
                impatient = Client(server.connect(), client.refresh_token)
                impatient.ask()
                impatient.connection.close()
        for client in everybody:
            client.ask()
        answers = [client.hear() for client in everybody]
    finally:
        small.execute("DROP TRIGGER slowly ON ironclad_session; DROP FUNCTION slowly")
    assert Counter(answer.status for answer in answers) == {200: CLIENTS}
    assert {rows(small)[client.sid][:2] for client in everybody} == {(1, 0)}
    time_passes(small)
    assert_each_goes_on(small, everybody)
    slowest = max(answer.latency for answer in answers)
    measured(f"3 × {CLIENTS} refreshes, the slowest answer {slowest:.1f} s; 0 lost, 0 forked")


def test_of_two_hosts_one_loses_the_database_and_the_other_takes_its_clients(
    measured: Callable[[object], None],
) -> None:
    reason = why_impossible()
    if reason:
        pytest.skip(reason)
    with ExitStack() as stack:
        cable = stack.enter_context(network())
        database = stack.enter_context(postgresql(address=cable.address, within=cable.within))
        # By its Unix socket, which no cable leads to.
        beside = copy.copy(database)
        beside.address = ""
        near = stack.enter_context(gunicorn(beside, settings=SETTINGS))
        far = stack.enter_context(gunicorn(database, settings=SETTINGS))
        everybody = clients(far, CLIENTS)
        [doomed, living] = begin(far, 2, 3)
        time_passes(beside)
        workers = [connection for [connection] in far.connect_to_each_worker().values()]
        assert {connection.get("/plain/", doomed[0].access_token).status for connection in workers} == {200}

        cable.cut()
        ended = dict(end(near, "logout", doomed))
        accepted, refused = 0.0, 0.0
        gone = time.monotonic()
        while time.monotonic() < gone + STALENESS + 3:
            for connection in workers:
                answer = connection.get("/plain/", doomed[0].access_token)
                assert answer.status in (200, 503)
                if answer.status == 200:
                    accepted = max(accepted, answer.sent_at - ended[doomed[0].sid])
                else:
                    refused = refused or answer.received_at - gone
            time.sleep(0.05)
        # On a busy machine nobody may have asked before it was too old.
        assert accepted < STALENESS + BOUND
        assert refused
        for client in everybody[:3]:
            client.ask()
        for client in everybody[:3]:
            assert_temporary(client.hear())
        moved = [Client(near.connect(), client.refresh_token) for client in everybody]
        assert_each_goes_on(beside, moved)

        cable.mend()
        deadline = time.monotonic() + BOUND + 3
        for connection in workers:
            while connection.get("/plain/", living[0].access_token).status == 503:
                assert time.monotonic() < deadline, "it does not recover"
                time.sleep(0.1)
            assert {connection.get("/plain/", login.access_token).status for login in doomed} == {401}
        back = [Client(far.connect(), client.refresh_token) for client in moved]
        assert_each_goes_on(beside, back)
        measured(
            f"cut off for {STALENESS + 3} s: an ended session accepted for {accepted:.2f} s of at most {STALENESS}, "
            f"then 503; {CLIENTS} clients moved to the other host and back, 0 lost, 0 forked"
        )
