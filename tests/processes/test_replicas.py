"""A streaming replica of PostgreSQL: promoted while clients refresh, lagging behind, or all that a process knows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from .servers import PATIENCE, Connection, PostgreSQL, gunicorn, postgresql, replica
from .test_crashes import CLIENTS, PERSISTENT, Client, assert_each_goes_on, clients, crash, rows, time_passes
from .watching import BOUND, Login, begin, end

#: How many end their session in the same moment.
LEAVING = 20


def one_of(*databases: PostgreSQL) -> dict[str, Any]:
    """As a project names several hosts, of which the one that takes writes is its database."""
    hosts = ",".join(str(database.folder) for database in databases)
    options = {"target_session_attrs": "read-write"}
    return {"DATABASE": PERSISTENT["DATABASE"] | {"HOST": hosts, "OPTIONS": options}}


def ask(database: PostgreSQL, sql: str) -> Any:
    with database.connect(autocommit=True) as connection:
        found = connection.execute(sql).fetchone()
        return found and found[0]


def wait_until(database: PostgreSQL, sql: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ask(database, sql):
        assert time.monotonic() < deadline, sql
        time.sleep(0.02)


def catch_up(primary: PostgreSQL, standby: PostgreSQL) -> None:
    written = ask(primary, "SELECT pg_current_wal_lsn()")
    wait_until(standby, f"SELECT pg_last_wal_replay_lsn() >= '{written}'")


def log_out(connection: Connection, token: str) -> int:
    return connection.post("/auth/logout/", {"refresh_token": token}).status


@contextmanager
def in_use(database: PostgreSQL, locked: list[Client]) -> Iterator[None]:
    """Whoever would write to these rows waits."""
    with psycopg.connect(host=str(database.folder), user="postgres") as connection:
        sids = [client.sid for client in locked]
        connection.execute("SELECT FROM ironclad_session WHERE id = ANY(%s::uuid[]) FOR UPDATE", [sids])
        yield
        connection.close()


@pytest.mark.parametrize("synchronous", [True, False], ids=["synchronous", "asynchronous"])
def test_a_replica_that_is_promoted_in_the_middle_of_refreshes_signs_nobody_out(
    synchronous: bool, measured: Callable[[object], None]
) -> None:
    with (
        postgresql() as primary,
        replica(primary) as standby,
        gunicorn(primary, threads=32, settings=one_of(primary, standby)) as server,
    ):
        if synchronous:
            primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            primary.execute("SELECT pg_reload_conf()")
            wait_until(primary, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
        everybody = clients(server, CLIENTS)
        gone, leaving = clients(server, LEAVING), clients(server, LEAVING)
        assert {log_out(client.connection, client.refresh_token) for client in gone} == {204}
        time_passes(primary)
        catch_up(primary, standby)

        with in_use(primary, everybody[-LEAVING:] + leaving[-2:]):
            for client in everybody:
                client.ask()
            for client in leaving:
                client.connection.send("POST", "/auth/logout/", body={"refresh_token": client.refresh_token})
            # In the middle of them: these are answered, the last cannot be.
            heard = Counter(client.hear().status for client in everybody[:LEAVING])
            crash(primary)
        heard.update(client.hear().status for client in everybody[LEAVING:])
        left = [client for client in leaving if client.connection.receive().status == 204]
        assert set(heard) == {200, 503}
        began = time.monotonic()
        assert ask(standby, f"SELECT pg_promote(true, {PATIENCE:.0f})")
        promoted = time.monotonic()
        first = everybody[0]
        first.ask()
        while first.hear().status != 200:
            assert time.monotonic() < promoted + PATIENCE, "it never comes back"
            first.ask()
        back = time.monotonic()

        time_passes(standby)
        assert_each_goes_on(standby, everybody)
        ended = {sid for sid, (_, _, revoked_at) in rows(standby).items() if revoked_at}
        revived = [client for client in gone + left if client.sid not in ended]
        assert not (synchronous and revived)
        for client in gone + left:
            client.ask()
            assert client.hear().status == (200 if client in revived else 400)
        measured(
            f"{CLIENTS} refreshes and {LEAVING} logouts, {heard[200]} and {len(left)} answered before the primary was "
            f"killed; promoted in {promoted - began:.2f} s, refreshed {back - promoted:.2f} s later; 0 sessions lost, "
            f"of {len(gone) + len(left)} ended ones {len(revived)} live again"
        )


def test_an_end_that_the_promoted_replica_never_received_is_undone(measured: Callable[[object], None]) -> None:
    """As any other write: with `synchronous_standby_names` no end is answered that it has not received."""
    with (
        postgresql() as primary,
        replica(primary) as standby,
        gunicorn(primary, settings=one_of(primary, standby)) as server,
    ):
        [known], [unknown] = clients(server, 1), clients(server, 1)
        assert log_out(known.connection, known.refresh_token) == 204
        catch_up(primary, standby)
        standby.execute("ALTER SYSTEM SET primary_conninfo = ''")
        standby.execute("SELECT pg_reload_conf()")
        wait_until(standby, "SELECT count(*) = 0 FROM pg_stat_wal_receiver")
        assert log_out(unknown.connection, unknown.refresh_token) == 204
        crash(primary)
        assert ask(standby, f"SELECT pg_promote(true, {PATIENCE:.0f})")

        for client, status in ((known, 400), (unknown, 200)):
            client.ask()
            assert client.hear().status == status


@contextmanager
def lagging(standby: PostgreSQL) -> Iterator[None]:
    """What is written meanwhile it shows only afterwards."""
    standby.execute("SELECT pg_wal_replay_pause()")
    wait_until(standby, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
    try:
        yield
    finally:
        standby.execute("SELECT pg_wal_replay_resume()")


def refused_after(connection: Connection, login: Login, since: float) -> float:
    """Seconds from `since` to the last request that was still accepted."""
    accepted = since
    while (answer := connection.get("/plain/", login.access_token)).status != 401:
        assert answer.status == 200
        assert answer.sent_at < since + BOUND
        accepted = answer.sent_at
        time.sleep(0.02)
    return max(accepted - since, 0.0)


@pytest.mark.parametrize("realm", [{}, {"REALM": "acme"}], ids=["no realm", "a realm"])
def test_where_reads_go_to_a_replica_that_lags_what_ended_is_refused_as_soon_as_without(
    realm: dict[str, str], measured: Callable[[object], None]
) -> None:
    """Sessions are read where they are written, whatever the router says."""
    with (
        postgresql() as primary,
        replica(primary) as standby,
        gunicorn(primary, settings=PERSISTENT | realm | {"REPLICA": {"HOST": str(standby.folder)}}) as server,
    ):
        changing, living, *others = (login for [login] in begin(server, 6, 1))
        doomed = dict(zip(("logout", "revoke_all", "password", "deactivation"), others, strict=True))
        catch_up(primary, standby)
        [one], [other] = server.connect_to_each_worker().values()
        names = {login: one.get("/plain/", login.access_token).json["user"] for login in (living, *others)}

        def log_in(login: Login) -> int:
            return one.post("/auth/login/", {"username": names[login], "password": "a password"}).status

        with lagging(standby):
            ended = {sid: at for how, login in doomed.items() for sid, at in end(server, how, [login]).items()}
            late = max(refused_after(worker, login, ended[login.sid]) for login in others for worker in (one, other))
            assert ask(standby, "SELECT count(*) FROM ironclad_session WHERE revoked_at IS NOT NULL") == 0
            assert {one.post("/auth/refresh/", {"refresh_token": each.refresh_token}).status for each in others} == {
                400
            }
            # Django reads the user and the old password from the replica, and ours is the last word.
            assert {log_in(doomed["password"]), log_in(doomed["deactivation"])} == {401}
            assert log_in(living) == 200
            body = {"old_password": "a password", "new_password": "quite another one"}
            changed = one.request("POST", "/auth/password/", token=changing.access_token, body=body)
            assert changed.status == 200
            body = {"password": "a password"}
            token = changed.json["access_token"]
            assert one.request("POST", "/auth/reauthenticate/", token=token, body=body).status == 401
            assert {worker.get("/plain/", living.access_token).status for worker in (one, other)} == {200}
        measured(f"{len(ended)} ended, of which the replica did not hear: last accepted {late:.2f} s after the commit")


def test_a_process_that_knows_only_a_replica_refuses_what_ended_once_that_has_heard_of_it(
    measured: Callable[[object], None],
) -> None:
    """For it `default` is the replica, as on a host that only reads; whatever would be written is 503 there."""
    with postgresql() as primary, replica(primary) as standby, gunicorn(primary, settings=PERSISTENT) as writing:
        with gunicorn(standby, settings=PERSISTENT) as reading:
            [[living], [doomed]] = begin(writing, 2, 1)
            name = writing.connect().get("/plain/", living.access_token).json["user"]
            catch_up(primary, standby)
            [one], [other] = reading.connect_to_each_worker().values()
            with lagging(standby):
                end(writing, "logout", [doomed])
                time.sleep(BOUND)
                for worker in (one, other):
                    assert worker.get("/plain/", doomed.access_token).status == 200
            catch_up(primary, standby)
            heard = time.monotonic()
            late = max(refused_after(worker, doomed, heard) for worker in (one, other))

            assert {worker.get("/plain/", living.access_token).status for worker in (one, other)} == {200}
            assert one.post("/auth/refresh/", {"refresh_token": doomed.refresh_token}).status == 400
            assert one.post("/auth/refresh/", {"refresh_token": living.refresh_token}).status == 503
            assert one.post("/auth/logout/", {"refresh_token": living.refresh_token}).status == 503
            assert one.post("/auth/login/", {"username": name, "password": "a password"}).status == 503
            assert writing.connect().post("/auth/refresh/", {"refresh_token": living.refresh_token}).status == 200
        measured(f"last accepted {late:.2f} s after the replica had heard of it")
