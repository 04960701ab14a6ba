"""Who changes while they log in: the session that begins is judged by what is committed when it begins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.contrib.auth.signals import user_logged_in
from django.db import connection, connections, transaction
from django.db.models.signals import post_save, pre_delete
from django.test import override_settings

from django_ironclad import auth, sessions
from django_ironclad.errors import InvalidCredentials, UserChanged
from django_ironclad.models import Session
from django_ironclad.testing import recorded

from ..conftest import BY_SNAPSHOT, PASSWORD, Api, Person, begun

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "another one entirely"
#: What happens between a password that was right and the session.
_meanwhile: list[Callable[[], object]] = []


class HeldOpen(ModelBackend):
    """Django's own backend, which takes its time once it knows who this is."""

    def authenticate(self, request: Any, username: Any = None, password: Any = None, **others: Any) -> Any:
        user = super().authenticate(request, username=username, password=password, **others)
        if user is not None and _meanwhile:
            _meanwhile.pop()()
        return user


@pytest.fixture
def held_open() -> Iterator[Callable[[Callable[[], object]], None]]:
    with override_settings(AUTHENTICATION_BACKENDS=["tests.auth.test_logins_in_flight.HeldOpen"]):
        yield _meanwhile.append
    _meanwhile.clear()


def fresh(person: Person) -> Any:
    return get_user_model()._base_manager.get(pk=person.user.pk)


def change_password(person: Person) -> None:
    user = fresh(person)
    user.set_password(NEW)
    user.save()


def deactivate(person: Person) -> None:
    user = fresh(person)
    user.is_active = False
    user.save()


def update_password(person: Person) -> None:
    get_user_model()._base_manager.filter(pk=person.user.pk).update(password=make_password(NEW))


def update_is_active(person: Person) -> None:
    get_user_model()._base_manager.filter(pk=person.user.pk).update(is_active=False)


def delete(person: Person) -> None:
    fresh(person).delete()


CHANGES = [change_password, deactivate, delete, update_password, update_is_active]


@contextmanager
def heard() -> Iterator[list[Any]]:
    logins: list[Any] = []

    def hear(user: Any, **_: Any) -> None:
        logins.append(user)

    user_logged_in.connect(hear)
    try:
        yield logins
    finally:
        user_logged_in.disconnect(hear)


def in_another_thread(act: Callable[[], Any]) -> Any:
    """What `act` returns, by a connection of its own."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(act())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert results
    return results[0]


@pytest.mark.parametrize("path", ["/auth/login/", "/api-token-auth/"])
@pytest.mark.parametrize("change", CHANGES)
def test_who_changes_between_password_and_session_gets_none(
    api: Api, ada: Person, held_open: Callable[..., None], change: Callable[[Person], None], path: str
) -> None:
    held_open(lambda: change(ada))
    body = {"username": ada.name, get_user_model().USERNAME_FIELD: ada.name, "password": PASSWORD}

    with heard() as logins, recorded() as events:
        answer = api.post(path, body)

    assert answer.status_code == (401 if path == "/auth/login/" else 400)
    assert "token" not in answer.json()
    assert "access_token" not in answer.json()
    assert (logins, events) == ([], [])
    assert not Session.objects.exists()


@pytest.mark.parametrize("change", CHANGES)
def test_a_login_by_other_means_is_judged_so_too(ada: Person, change: Callable[[Person], None]) -> None:
    read_before = fresh(ada)
    change(ada)

    with heard() as logins, pytest.raises(UserChanged):
        auth.login(read_before)

    assert logins == []
    assert not Session.objects.exists()


def test_within_a_transaction_a_user_who_is_gone_leaves_no_row_behind(ada: Person) -> None:
    read_before = fresh(ada)
    delete(ada)

    with transaction.atomic(), pytest.raises(InvalidCredentials):
        auth.login(read_before)

    assert not Session.objects.exists()


def test_a_user_whom_nobody_has_saved_gets_no_session(db: None) -> None:
    with pytest.raises(InvalidCredentials):
        auth.login(get_user_model()())

    assert not Session.objects.exists()


def test_who_changed_and_saved_a_password_in_this_transaction_logs_in_with_it(api: Api, ada: Person) -> None:
    with transaction.atomic():
        ada.user.set_password(NEW)
        ada.user.save()
        tokens = auth.login(ada.user)

    assert api.refresh(tokens.refresh_token).status_code == 200


def test_a_better_hash_that_another_machine_makes_meanwhile_refuses_nobody(
    api: Api, ada: Person, held_open: Callable[..., None]
) -> None:
    """Two releases of a project that prefer different hashers run side by side."""

    def rehash() -> None:
        with override_settings(
            PASSWORD_HASHERS=["tests.campus.hashers.SlowHasher", "tests.campus.hashers.QuickHasher"]
        ):
            assert fresh(ada).check_password(PASSWORD)

    with override_settings(PASSWORD_HASHERS=["tests.campus.hashers.QuickHasher", "tests.campus.hashers.SlowHasher"]):
        held_open(rehash)
        tokens = api.login(ada)
        assert api.refresh(tokens["refresh_token"]).status_code == 200


needs_a_server = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one transaction write at a time")


@needs_a_server
@pytest.mark.parametrize("change", [change_password, deactivate])
def test_a_login_while_the_change_is_not_committed_yet_ends_with_it(
    api: Api, ada: Person, change: Callable[[Person], None], settings: Any
) -> None:
    """MySQL and MariaDB let its row wait for the user's, and then it is refused."""
    settings.IRONCLAD = {"UPDATE_LAST_LOGIN": False}  # else it waits for the row under PostgreSQL, too
    body = {"username": ada.name, "password": PASSWORD}
    with transaction.atomic():
        change(ada)
        login = begun(lambda: Api().post("/auth/login/", body))
        assert login.done() == (connection.vendor == "postgresql")
        assert not Session.objects.exclude(revoked_at=None).exists()

    answer = login.result(60)
    if connection.vendor == "mysql":
        assert answer.status_code == 401
        assert not Session.objects.exists()
        return
    tokens = answer.json()
    assert api.get("/plain/", tokens["access_token"]).status_code == 401
    assert api.refresh(tokens["refresh_token"]).status_code == 400
    assert Session.objects.get().revoked_reason in {"password_changed", "user_inactive"}


@needs_a_server
@pytest.mark.parametrize("change", [change_password, deactivate])
def test_a_login_that_waits_for_the_change_to_be_committed_is_refused(
    api: Api, ada: Person, change: Callable[[Person], None]
) -> None:
    """It has begun its session, or is about to, and waits for the user's row."""
    with transaction.atomic():
        change(ada)
        login = begun(lambda: Api().post("/auth/login/", {"username": ada.name, "password": PASSWORD}))
        assert not login.done()

    assert login.result(60).status_code == 401
    assert not Session.objects.live().exists()


@needs_a_server
@pytest.mark.parametrize("change", [change_password, deactivate])
def test_a_change_while_the_login_is_not_committed_yet_ends_it_too(
    api: Api, ada: Person, change: Callable[[Person], None], settings: Any
) -> None:
    """As with ATOMIC_REQUESTS, in a view of the project's own. MySQL and MariaDB let the change wait for it."""
    settings.IRONCLAD = {"UPDATE_LAST_LOGIN": False}
    with transaction.atomic():
        tokens = auth.login(fresh(ada))
        changing = begun(lambda: change(ada))
    changing.result(60)

    assert api.get("/plain/", tokens.access_token).status_code == 401
    assert api.refresh(tokens.refresh_token).status_code == 400


@needs_a_server
@pytest.mark.skipif(BY_SNAPSHOT, reason="the login waits for the deletion, or is not seen by it, which is refused")
def test_who_logs_in_while_they_are_being_deleted_is_out(api: Api, ada: Person, settings: Any) -> None:
    settings.IRONCLAD = {"UPDATE_LAST_LOGIN": False}
    begun: list[dict[str, Any]] = []

    def log_in(**_: Any) -> None:
        begun.append(in_another_thread(lambda: Api().login(ada)))

    pre_delete.connect(log_in, sender=get_user_model())
    try:
        delete(ada)
    finally:
        pre_delete.disconnect(log_in, sender=get_user_model())

    assert api.get("/plain/", begun[0]["access_token"]).status_code == 401
    assert Session.objects.get().revoked_reason == "user_deleted"


def test_a_login_within_the_change_itself_is_seen_by_it(api: Api, ada: Person) -> None:
    """A receiver that stands before ours, in the change's own transaction."""
    begun: list[Any] = []
    before = fresh(ada)

    def log_in(**_: Any) -> None:
        with pytest.raises(InvalidCredentials):
            auth.login(before)
        begun.append(True)

    post_save.connect(log_in, sender=get_user_model())
    try:
        change_password(ada)
    finally:
        post_save.disconnect(log_in, sender=get_user_model())

    assert begun
    assert not Session.objects.filter(revoked_at=None).exists()


@pytest.mark.parametrize("change", [change_password, update_password])
def test_a_password_that_is_changed_while_the_old_one_is_confirmed_stays_changed(
    api: Api, ada: Person, held_open: Callable[..., None], change: Callable[[Person], None]
) -> None:
    token = api.login(ada)["access_token"]
    held_open(lambda: change(ada))
    body = {"old_password": PASSWORD, "new_password": "a thief's own choice 7"}

    answer = api.post("/auth/password/", body, authorization=f"Bearer {token}")

    assert answer.status_code in {400, 401}
    assert fresh(ada).check_password(NEW)


@pytest.mark.parametrize("change", [change_password, update_password, deactivate])
def test_a_login_is_not_renewed_by_a_password_that_has_changed_meanwhile(
    api: Api, ada: Person, held_open: Callable[..., None], change: Callable[[Person], None]
) -> None:
    tokens = api.login(ada)
    held_open(lambda: change(ada))

    answer = api.post("/auth/reauthenticate/", {"password": PASSWORD}, authorization=f"Bearer {tokens['access_token']}")

    if change is not update_password:
        assert answer.status_code == 401
    assert api.get("/plain/strict/", tokens["access_token"]).status_code == 401


def test_a_thief_in_the_same_session_does_not_renew_it_by_the_old_password(
    api: Api, ada: Person, held_open: Callable[..., None]
) -> None:
    """Its owner changes the password in this very session, which therefore lives on."""
    token = api.login(ada)["access_token"]
    own: list[Any] = []

    def change() -> None:
        body = {"old_password": PASSWORD, "new_password": NEW}
        own.append(api.post("/auth/password/", body, authorization=f"Bearer {token}"))

    held_open(change)
    answer = api.post("/auth/reauthenticate/", {"password": PASSWORD}, authorization=f"Bearer {token}")

    assert (answer.status_code, own[0].status_code) == (401, 200)
    assert api.get("/plain/strict/", own[0].json()["access_token"]).status_code == 200


class _Broken(Exception):
    pass


def test_a_login_that_a_receiver_breaks_leaves_no_session_behind(ada: Person) -> None:
    def refuse(**_: Any) -> None:
        raise _Broken

    user_logged_in.connect(refuse)
    try:
        with recorded() as events, pytest.raises(_Broken):
            auth.login(ada.user)
    finally:
        user_logged_in.disconnect(refuse)

    assert not Session.objects.exists()
    assert events == []


@pytest.mark.parametrize("change", [change_password, deactivate, delete])
def test_a_user_who_changes_while_a_receiver_runs_gets_no_token(ada: Person, change: Callable[[Person], None]) -> None:
    """Whatever model of users: one without groups as well."""

    def receive(**_: Any) -> None:
        change(ada)

    before = fresh(ada)
    user_logged_in.connect(receive)
    try:
        with recorded() as events, pytest.raises(UserChanged):
            auth.login(before)
    finally:
        user_logged_in.disconnect(receive)

    assert "session_started" not in [event.name for event in events]
    assert not Session.objects.live().exists()


def test_who_has_too_many_sessions_loses_the_oldest_also_within_a_transaction(ada: Person, settings: Any) -> None:
    settings.IRONCLAD = {"SESSIONS_PER_USER": 2}
    with transaction.atomic():
        for _ in range(5):
            auth.login(ada.user)

    assert Session.objects.live().count() == 2
    assert sessions.revoke_all(ada.user, reason="test") == 2
