"""Sessions that are ended in somebody's transaction: those that began meanwhile, at every isolation level, and once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from django_ironclad import auth, sessions, signals
from django_ironclad.models import Session

from ..conftest import BEHIND_A_POOLER, Api, Person, race

pytestmark = pytest.mark.django_db(transaction=True)

#: A transaction of SQLite's that has read cannot write once somebody else has: it fails, and ends nothing.
needs_a_server = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer, and no such levels")
LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
if connection.vendor == "mysql":
    # Whoever reads there locks, and a login waits for the transaction.
    LEVELS.remove("SERIALIZABLE")


@pytest.fixture(autouse=True)
def no_last_login(settings: Any) -> None:
    """Or PostgreSQL refuses to save a user who has logged in since the snapshot."""
    settings.IRONCLAD = {"UPDATE_LAST_LOGIN": False}


@contextmanager
def at(level: str) -> Iterator[None]:
    """A transaction of a project's own that has seen the database as it is now."""
    if connection.vendor == "mysql":
        connection.cursor().execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
    with transaction.atomic():
        if connection.vendor == "postgresql":
            connection.cursor().execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        list(Session.objects.all())
        yield


@pytest.fixture
def told() -> Iterator[list[str]]:
    """The sessions of which somebody heard that they ended."""
    heard: list[str] = []

    def receive(session: Session, **_: Any) -> None:
        heard.append(str(session.pk))

    signals.session_revoked.connect(receive)
    yield heard
    signals.session_revoked.disconnect(receive)


def sid(tokens: dict[str, Any]) -> str:
    return str(tokens["refresh_token"].split(".")[0])


def alive() -> set[str]:
    return {str(pk) for pk in Session.objects.live().values_list("pk", flat=True)}


def everything(ada: Person) -> None:
    sessions.revoke_all(ada.user, reason="lost phone")


def a_new_password(ada: Person) -> None:
    ada.user.set_password("another one")
    ada.user.save()


def deactivation(ada: Person) -> None:
    ada.user.is_active = False
    ada.user.save()


WAYS = [everything, a_new_password, deactivation]


@needs_a_server
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("end", WAYS)
def test_what_began_since_the_snapshot_ends_too(
    level: str, end: Callable[[Person], None], api: Api, ada: Person, told: list[str]
) -> None:
    before = sid(api.login(ada))
    with at(level):
        meanwhile = sid(race(1, lambda _: Api().login(ada))[0])
        end(ada)

    assert alive() == set()
    assert sorted(told) == sorted({before, meanwhile})


@pytest.mark.skipif(connection.vendor != "postgresql", reason="elsewhere a login waits for who ends the sessions")
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("end", [a_new_password, deactivation])
def test_what_begins_before_the_commit_ends_too(
    level: str, end: Callable[[Person], None], api: Api, ada: Person, told: list[str]
) -> None:
    """A login that was under way: until the commit it sees the user as they were."""
    begun = threading.Event()

    def log_in() -> None:
        try:
            sid_of_login(type(ada.user)._default_manager.get(pk=ada.user.pk))
        finally:
            connection.close()

    def receive(**_: Any) -> None:
        begun.set()

    signals.session_started.connect(receive)
    login = threading.Thread(target=log_in)
    try:
        with at(level):
            end(ada)
            login.start()
            # It may wait for the row of the user from then on.
            assert begun.wait(30)
    finally:
        signals.session_started.disconnect(receive)
        login.join()

    assert alive() == set()
    assert len(told) == 1


def sid_of_login(user: Any) -> str:
    return auth.verify(auth.login(user).access_token).sid


@needs_a_server
@pytest.mark.parametrize("level", LEVELS)
def test_one_session_that_is_not_yet_seen_ends_too(level: str, api: Api, ada: Person, told: list[str]) -> None:
    with at(level):
        meanwhile = sid(race(1, lambda _: Api().login(ada))[0])
        sessions.revoke(meanwhile, reason="lost phone")

    assert alive() == set()
    assert told == [meanwhile]


@pytest.mark.parametrize("level", LEVELS)
def test_who_logs_in_after_that_in_the_same_transaction_stays(level: str, api: Api, ada: Person) -> None:
    api.login(ada)
    with at(level):
        everything(ada)
        new = sid_of_login(ada.user)
        assert alive() == {new}

    assert alive() == {new}


@pytest.mark.parametrize("level", LEVELS)
def test_the_one_that_is_kept_is_kept_to_the_end(level: str, api: Api, ada: Person, told: list[str]) -> None:
    kept, other = sid(api.login(ada)), sid(api.login(ada))
    with at(level):
        sessions.revoke_all(ada.user, reason="others", keep=kept)

    assert alive() == {kept}
    assert told == [other]


@needs_a_server
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("end", WAYS)
def test_a_transaction_that_rolls_back_leaves_everybody_in(
    level: str, end: Callable[[Person], None], api: Api, ada: Person
) -> None:
    before = sid(api.login(ada))
    with at(level):
        meanwhile = sid(race(1, lambda _: Api().login(ada))[0])
        end(ada)
        transaction.set_rollback(True)

    assert alive() == {before, meanwhile}


@needs_a_server
@pytest.mark.parametrize("level", LEVELS)
def test_a_session_that_was_refreshed_since_the_snapshot_is_ended_or_the_transaction_fails(
    level: str, api: Api, ada: Person
) -> None:
    """Never is it kept in silence."""
    tokens = api.login(ada)
    try:
        with at(level):
            race(1, lambda _: Api().refresh(tokens["refresh_token"]))
            everything(ada)
    except OperationalError:
        assert level != "READ COMMITTED"
        everything(ada)

    assert alive() == set()


@needs_a_server
@pytest.mark.parametrize("level", LEVELS)
def test_many_who_end_the_same_sessions_wait_for_each_other_and_each_session_ends_once(
    level: str, api: Api, ada: Person, told: list[str]
) -> None:
    if BEHIND_A_POOLER and level != "READ COMMITTED":
        pytest.skip("a connection has no level of its own")
    begun = {sid(api.login(ada)) for _ in range(12)}
    ada.user.set_password("another one")

    def act(number: int) -> None:
        with connection.cursor() as cursor:
            session = "SESSION CHARACTERISTICS AS" if connection.vendor == "postgresql" else "SESSION"
            cursor.execute(f"SET {session} TRANSACTION ISOLATION LEVEL {level}")
        (everything if number % 2 else lambda person: sessions.revoke_outdated(person.user))(ada)

    race(8, act)

    assert alive() == set()
    assert sorted(told) == sorted(begun)
