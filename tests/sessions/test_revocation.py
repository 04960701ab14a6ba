"""The set of sessions that ended lately: when it is read, what it believes, and what it does when nobody can read."""

from __future__ import annotations

import functools
import importlib.util
import operator
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends import locmem
from django.db import InterfaceError, OperationalError, connection, connections, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext, setup_test_environment, teardown_test_environment

from django_ironclad import auth, sessions
from django_ironclad.database import waiting
from django_ironclad.database.clocks import Now
from django_ironclad.errors import InvalidToken, TemporarilyUnavailable
from django_ironclad.models import Session
from django_ironclad.sessions import recent, revoked
from django_ironclad.sessions.revoked import RevokedSessions, revoked_sessions

from ..conftest import Api, Person, its_connection_dies, race

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """As in production, where the set is polled; but time passes when the test says so."""
    clock = Clock()
    monkeypatch.setattr(revoked, "clock", clock)
    teardown_test_environment()
    revoked_sessions._forget()
    yield clock
    setup_test_environment()
    revoked_sessions._forget()
    waiting._hanging.clear()


def sid_of(tokens: dict[str, Any]) -> str:
    return auth.verify(tokens["access_token"]).sid


def end_elsewhere(**row: Any) -> None:
    """As another process does: the row says so, and nobody here knows."""
    Session.objects.filter(**row).update(revoked_at=Now(), revoked_reason="elsewhere")


def refused(token: str) -> bool:
    try:
        auth.authenticate(token)
    except InvalidToken:
        return True
    return False


def statements(act: Any) -> int:
    with CaptureQueriesContext(connection) as context:
        act()
    return len(context)


def test_one_query_an_interval_and_none_otherwise(api: Api, ada: Person, clock: Clock) -> None:
    token = api.login(ada)["access_token"]

    assert statements(lambda: auth.authenticate(token)) == 1
    assert statements(lambda: [auth.authenticate(token) for _ in range(50)]) == 0
    clock.now += 0.99
    assert statements(lambda: auth.authenticate(token)) == 0
    clock.now += 0.02
    assert statements(lambda: [auth.authenticate(token) for _ in range(50)]) == 1


def test_in_djangos_test_runner_nothing_is_polled(api: Api, ada: Person) -> None:
    tokens, other = api.login(ada), api.login(ada)

    assert statements(lambda: [auth.authenticate(tokens["access_token"]) for _ in range(5)]) == 0
    for each in (tokens, other):
        api.logout(each["refresh_token"])
    assert statements(lambda: [refused(each["access_token"]) for each in (tokens, other)]) == 0
    assert refused(tokens["access_token"])
    assert refused(other["access_token"])


@pytest.mark.parametrize("trace", ["a mailbox", "a list of mails"])
def test_what_looks_like_a_test_runner_is_none(
    api: Api, ada: Person, clock: Clock, monkeypatch: pytest.MonkeyPatch, trace: str
) -> None:
    token = api.login(ada)["access_token"]
    assert not refused(token)
    if trace == "a mailbox":
        locmem.EmailBackend()
    else:
        monkeypatch.setattr(mail, "outbox", [], raising=False)
    end_elsewhere()
    clock.now += 1

    assert refused(token)


def test_a_server_that_knows_nothing_of_djangos_test_tools_reads_as_well(
    api: Api, ada: Person, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = api.login(ada)["access_token"]
    monkeypatch.delitem(sys.modules, "django.test.utils")
    assert not refused(token)
    end_elsewhere()
    clock.now += 1

    assert refused(token)


def test_what_ended_here_is_refused_here_at_once_and_read_once(api: Api, ada: Person, clock: Clock) -> None:
    tokens = api.login(ada)
    assert not refused(tokens["access_token"])

    api.logout(tokens["refresh_token"])

    assert refused(tokens["access_token"])
    assert statements(lambda: refused(tokens["access_token"])) == 0


def test_what_ended_elsewhere_is_refused_an_interval_later(api: Api, ada: Person, clock: Clock) -> None:
    token = api.login(ada)["access_token"]
    assert not refused(token)
    end_elsewhere()

    assert not refused(token)
    clock.now += 1
    assert refused(token)


def test_a_set_that_is_too_old_is_read_before_anybody_is_believed(api: Api, ada: Person, clock: Clock) -> None:
    """A process that slept, or that nobody asked for an hour."""
    token = api.login(ada)["access_token"]
    assert not refused(token)
    end_elsewhere()
    clock.now += 3600

    assert refused(token)


def test_a_revocation_that_rolls_back_ends_nothing(api: Api, ada: Person, clock: Clock) -> None:
    tokens = api.login(ada)
    with transaction.atomic():
        sessions.revoke(sid_of(tokens), reason="never mind")
        transaction.set_rollback(True)

    assert not refused(tokens["access_token"])
    clock.now += 3600
    assert not refused(tokens["access_token"])


def test_a_revocation_counts_once_it_commits_however_late(api: Api, ada: Person, clock: Clock) -> None:
    """Others read in the meantime and saw nothing; the row then bears a time that is long gone."""
    token = api.login(ada)["access_token"]
    assert not refused(token)
    end_elsewhere()
    Session.objects.update(revoked_at=Now() - timedelta(seconds=50))
    clock.now += 1

    assert refused(token)


def test_a_late_commit_counts_for_a_process_that_rested_in_the_meantime_too(
    api: Api, ada: Person, clock: Clock
) -> None:
    token = api.login(ada)["access_token"]
    assert not refused(token)
    end_elsewhere()
    Session.objects.update(revoked_at=Now() - timedelta(seconds=50 + 20))
    clock.now += 20

    assert refused(token)


def test_a_transaction_of_more_than_a_minute_is_heard_of_half_a_minute_late_at_most(
    api: Api, ada: Person, clock: Clock
) -> None:
    """An ordinary read does not look back so far: the whole window is not read every second."""
    token = api.login(ada)["access_token"]
    assert not refused(token)
    end_elsewhere()
    Session.objects.update(revoked_at=Now() - timedelta(seconds=88.5))
    clock.now += 1

    assert not refused(token)
    clock.now += 28
    assert not refused(token)
    clock.now += 1
    assert refused(token)


def test_a_commit_here_counts_at_once_although_others_read_before_it(api: Api, ada: Person, clock: Clock) -> None:
    tokens = api.login(ada)
    with transaction.atomic():
        sessions.revoke(sid_of(tokens), reason="soon")
        assert race(1, lambda _: refused(tokens["access_token"])) == [False]

    assert refused(tokens["access_token"])


def test_a_read_that_was_under_way_when_a_session_ended_is_not_believed(api: Api, ada: Person, clock: Clock) -> None:
    """It may have been answered before: whoever asks next reads again."""
    tokens = api.login(ada)

    def end_meanwhile(execute: Any, sql: str, *args: Any) -> Any:
        result = execute(sql, *args)
        if sql.startswith("SELECT") and "revoked_at" in sql and not ended:
            ended.append(True)
            race(1, lambda _: sessions.revoke(sid_of(tokens), reason="meanwhile"))
        return result

    ended: list[bool] = []
    with connection.execute_wrapper(end_meanwhile):
        assert not refused(tokens["access_token"])
        assert refused(tokens["access_token"])


def test_an_answer_that_comes_late_takes_nothing_back(
    api: Api, ada: Person, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = api.login(ada)["access_token"]
    assert not refused(token)
    asked: list[Any] = []
    with monkeypatch.context() as slow:
        slow.setattr(revoked, "take_committed", lambda *question: asked.append(question))
        clock.now += 1
        assert not refused(token)
    end_elsewhere()
    clock.now += 1
    assert refused(token)

    [(_, take, _)] = asked
    take([])

    assert auth.verify(token).sid in revoked_sessions


def test_in_a_transaction_the_newest_state_counts_and_its_own_snapshot_does_not(
    api: Api, ada: Person, clock: Clock
) -> None:
    token = api.login(ada)["access_token"]
    if connection.vendor == "mysql":
        connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")  # of the next one
    with transaction.atomic():
        if connection.vendor == "postgresql":
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert Session.objects.filter(revoked_at=None).count() == 1
        race(1, lambda _: end_elsewhere())
        clock.now += 1

        assert refused(token)
        assert Session.objects.filter(revoked_at=None).count() == 1


def test_a_read_that_fails_breaks_no_transaction(api: Api, ada: Person, clock: Clock) -> None:
    token = api.login(ada)["access_token"]
    assert not refused(token)
    table = Session._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO hidden")
    try:
        with transaction.atomic():
            clock.now += 1
            assert not refused(token)
            assert type(ada.user)._default_manager.count() == 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE hidden RENAME TO {table}")


def test_a_snapshot_is_forgotten_once_its_tokens_are_over(api: Api, ada: Person, clock: Clock) -> None:
    tokens = api.login(ada)
    api.logout(tokens["refresh_token"])
    assert refused(tokens["access_token"])
    Session.objects.update(revoked_at=Now() - timedelta(minutes=5, seconds=79))
    clock.now += 30
    assert refused(tokens["access_token"])

    Session.objects.update(revoked_at=Now() - timedelta(minutes=5, seconds=81))
    clock.now += 30
    assert not refused(tokens["access_token"])
    assert sid_of(tokens) not in revoked_sessions


def test_a_read_without_news_copies_nothing(api: Api, ada: Person, clock: Clock) -> None:
    """The set may be large."""
    sets = RevokedSessions()
    api.logout(api.login(ada)["refresh_token"])
    sets.freshen()
    known = sets._read.keys
    clock.now += 1
    sets.freshen()

    assert sets._read.sent_at == clock.now
    assert sets._read.keys is known
    assert len(known) == 1


def test_who_ends_what_is_over_makes_nobody_read(api: Api, ada: Person, clock: Clock) -> None:
    tokens, other = api.login(ada), api.login(ada)
    api.logout(other["refresh_token"])
    assert not refused(tokens["access_token"])

    assert not sessions.revoke(sid_of(other), reason="again")
    assert statements(lambda: auth.authenticate(tokens["access_token"])) == 0


@pytest.mark.parametrize("native", [True, False])
def test_where_a_database_has_a_type_for_ids_they_are_read_as_text(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    monkeypatch.setattr(connection.features, "has_native_uuid_field", native)
    with CaptureQueriesContext(connection) as queries:
        RevokedSessions().freshen()

    read = queries.captured_queries[0]["sql"].partition(" FROM ")[0]
    assert ("CAST(" in read or "::varchar" in read) is native


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_read_that_fails_is_told_in_the_log_and_to_nobody_else(
    api: Api, ada: Person, clock: Clock, caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    def fail(execute: Any, sql: str, *args: Any) -> Any:
        raise error("the database is gone")

    token = api.login(ada)["access_token"]
    assert not refused(token)
    clock.now += 1
    with connection.execute_wrapper(fail):
        assert not refused(token)

    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert record.name == "django_ironclad"
    assert record.event == "revocation_read_failed"  # type: ignore[attr-defined]
    assert error.__name__ in record.message


def failing(execute: Any, sql: str, *args: Any) -> Any:
    raise OperationalError("the database is gone")


def test_without_a_database_requests_go_on_for_a_while_and_then_are_503(api: Api, ada: Person, clock: Clock) -> None:
    token = api.login(ada)["access_token"]
    auth.authenticate(token)
    with connection.execute_wrapper(failing):
        for second in range(1, 31):
            clock.now = 1000 + second
            assert not refused(token), second
        clock.now = 1030.5
        with pytest.raises(TemporarilyUnavailable) as refusal:
            auth.authenticate(token)
        assert refusal.value.retry_after > 0
        answer = api.get("/drf/members/", token)
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert int(answer["Retry-After"]) > 0
        assert api.get("/plain/", token).status_code == 503
    clock.now += 1
    assert not refused(token)


def test_while_the_database_is_gone_it_is_asked_once_an_interval(api: Api, ada: Person, clock: Clock) -> None:
    token = api.login(ada)["access_token"]
    auth.authenticate(token)
    asked = []

    def fail(execute: Any, sql: str, *args: Any) -> Any:
        asked.append(sql)
        raise OperationalError("the database is gone")

    clock.now += 5
    with connection.execute_wrapper(fail):
        for _ in range(20):
            assert not refused(token)
    assert len(asked) == 1


needs_a_server = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server that could go")


@needs_a_server
def test_a_connection_that_died_is_not_a_database_that_is_gone(
    api: Api, ada: Person, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    token = api.login(ada)["access_token"]
    assert not refused(token)
    end_elsewhere()
    its_connection_dies()
    clock.now += 1

    assert refused(token)
    ours = [record for record in caplog.records if record.name == "django_ironclad"]
    assert not [record for record in ours if record.levelname == "WARNING"]


@needs_a_server
def test_a_connection_that_took_long_to_die_is_not_replaced_while_a_request_waits(
    api: Api, ada: Person, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "AT_ONCE", -1)
    token = api.login(ada)["access_token"]
    assert not refused(token)
    end_elsewhere()
    its_connection_dies()
    clock.now += 1
    assert not refused(token)

    # By a thread of its own.
    clock.now += 1
    deadline = time.monotonic() + 30
    while not refused(token):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not waiting._hanging


def test_a_process_that_never_read_answers_503(api: Api, ada: Person, clock: Clock) -> None:
    token = api.login(ada)["access_token"]
    revoked_sessions._forget()
    with connection.execute_wrapper(failing), pytest.raises(TemporarilyUnavailable):
        auth.authenticate(token)


def test_of_many_threads_one_reads(api: Api, ada: Person, clock: Clock) -> None:
    token = api.login(ada)["access_token"]
    auth.authenticate(token)
    for passes in (1.0, 1.5, 5.0, 100.0):
        clock.now += passes
        assert sum(race(32, lambda _: statements(lambda: auth.authenticate(token)))) == 1


def test_nobody_waits_for_the_reader_while_the_set_is_young(clock: Clock) -> None:
    """And for a second at most when it is older: then what is known has to do."""
    sets = RevokedSessions()
    sets.freshen()
    clock.now += 1
    assert sets.is_due()
    assert not sets.is_due()
    clock.now += 1
    assert sets.is_due()

    assert sets._lock.acquire()
    before = time.monotonic()
    sets.freshen()
    assert 0.9 < time.monotonic() - before < 1.9


@pytest.mark.parametrize("interval", [1, 3])
def test_one_reads_while_the_set_is_a_little_old_and_everybody_asks_once_it_is_older(
    clock: Clock, interval: int
) -> None:
    sets = RevokedSessions()
    with override_settings(IRONCLAD={"REVOCATION_INTERVAL": timedelta(seconds=interval)}):
        sets.freshen()
        assert not sets.is_due()
        clock.now += 1.5 * interval
        assert sets.is_due()
        assert not sets.is_due()
        clock.now += 0.5 * interval
        assert sets.is_due()
        assert sets.is_due()

        sets.freshen()
        for _ in range(3):
            assert not sets.is_due()
            clock.now += interval
            assert sets.is_due()
            sets.freshen()


def test_who_waited_for_a_read_that_failed_does_not_try_at_once_again(clock: Clock) -> None:
    sets = RevokedSessions()
    sets.freshen()
    clock.now += 5
    asked: list[int] = []

    def wait() -> None:
        asked.append(statements(sets.freshen))
        connections.close_all()

    waiting = threading.Thread(target=wait)
    with sets._lock:
        waiting.start()
        time.sleep(0.2)
        sets._failed_at = clock.now
    waiting.join()

    assert asked == [0]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_reads_for_itself(clock: Clock) -> None:
    revoked_sessions.freshen()
    child = os.fork()
    if not child:
        os._exit(revoked_sessions._read.sent_at > 0)

    assert os.waitpid(child, 0)[1] == 0
    assert revoked_sessions._read.sent_at > 0


def test_sixty_bits_tell_sessions_apart() -> None:
    keys = {recent.key_of(str(uuid.uuid4())) for _ in range(100_000)}

    assert len(keys) == 100_000
    assert functools.reduce(operator.or_, keys) == 2**60 - 1


def loaded() -> Any:
    """The module once more, as a process that starts has it."""
    spec = importlib.util.find_spec("django_ironclad.sessions.revoked")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_where_nothing_forks_nothing_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "register_at_fork")
    assert not loaded().revoked_sessions._read.keys
