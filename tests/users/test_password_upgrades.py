"""A better hash of the same password, whoever makes it and whatever happens meanwhile, ends no session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, get_user_model, login
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, connections
from django.http import HttpRequest
from django.test import Client

from django_ironclad.models import Session

from ..campus.hashers import QuickHasher
from ..conftest import PASSWORD, Api, Person, race

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "another one entirely"


@pytest.fixture
def devices(api: Api, ada: Person, settings: Any) -> list[str]:
    """The refresh tokens of people who were signed in before the project's hasher became a better one."""
    settings.PASSWORD_HASHERS = ["tests.campus.hashers.SlowHasher", "tests.campus.hashers.QuickHasher"]
    ada.user.set_password(ada.password)
    ada.user.save()
    tokens = [str(api.login(ada)["refresh_token"]) for _ in range(20)]
    settings.PASSWORD_HASHERS = ["tests.campus.hashers.QuickHasher", "tests.campus.hashers.SlowHasher"]
    return tokens


def encoded(person: Person) -> str:
    return str(get_user_model()._default_manager.values_list("password", flat=True).get(pk=person.user.pk))


def assert_all_alive(api: Api, tokens: list[str]) -> None:
    assert [api.refresh(token).status_code for token in tokens] == [200] * len(tokens)
    assert not Session.objects.exclude(revoked_at=None).exists()


@contextmanager
def whoever_has_checked_a_password_waits_for(others: Callable[[], Any], patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Once, between its being found right and the making of a better hash, which `others` see nothing of yet."""
    encode = QuickHasher.encode
    waited = threading.local()

    def late(self: Any, password: str, salt: str, iterations: int | None = None) -> str:
        if not vars(waited):
            waited.once = True
            others()
        return encode(self, password, salt, iterations)

    with patch.context() as patched:
        patched.setattr(QuickHasher, "encode", late)  # a hasher of the tests
        yield


def test_at_whatever_moment_of_an_upgrade_another_device_refreshes_it_goes_on(
    api: Api, ada: Person, devices: list[str]
) -> None:
    waiting, answers, threads = list(devices), [], []

    def refresh(token: str) -> None:
        answers.append(Api().refresh(token).status_code)
        connections.close_all()

    def execute(execute: Any, *rest: Any) -> Any:
        result = execute(*rest)
        threads.append(threading.Thread(target=refresh, args=[waiting.pop()]))
        threads[-1].start()
        # Or it might wait for what is locked here: by a transaction, or by a row that nobody has fetched yet.
        if not connection.in_atomic_block and " RETURNING " not in rest[0]:
            threads[-1].join()
        return result

    with connection.execute_wrapper(execute):
        api.login(ada)
    for thread in threads:
        thread.join()

    assert encoded(ada).startswith("quick$")
    assert answers == [200] * (len(devices) - len(waiting))
    assert len(answers) >= 6
    assert_all_alive(api, waiting)


def test_two_logins_at_once_that_both_upgrade_end_nothing(
    api: Api, ada: Person, devices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=10)
    with whoever_has_checked_a_password_waits_for(both.wait, monkeypatch):
        begun = [answer["refresh_token"] for answer in race(2, lambda _: Api().login(ada))]

    assert encoded(ada).startswith("quick$")
    assert check_password(ada.password, encoded(ada))
    assert_all_alive(api, devices + begun)


def test_a_password_changed_while_the_old_one_is_checked_stays_changed(
    api: Api, ada: Person, devices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes with the old one has found it right, and would now write a better hash of it."""
    checked, changed = threading.Event(), threading.Event()

    def change(number: int) -> Any:
        if number:
            return Api().post("/auth/login/", {"username": ada.name, "password": ada.password})
        assert checked.wait(10)
        user = get_user_model()._default_manager.get(pk=ada.user.pk)
        user.password = new
        user.save()
        changed.set()
        return None

    def wait() -> None:
        checked.set()
        assert changed.wait(10)

    new = make_password(NEW)
    with whoever_has_checked_a_password_waits_for(wait, monkeypatch):
        _, answer = race(2, change)

    assert answer.status_code == 401
    assert encoded(ada) == new
    assert {api.refresh(token).status_code for token in devices} == {400}
    assert not Session.objects.filter(revoked_at=None).exists()


def test_who_proves_their_password_again_upgrades_it_too(api: Api, ada: Person, devices: list[str]) -> None:
    access_token = api.refresh(devices[0]).json()["access_token"]
    answer = api.post("/auth/reauthenticate/", {"password": ada.password}, authorization=f"Bearer {access_token}")

    assert answer.status_code == 200
    assert encoded(ada).startswith("quick$")
    assert_all_alive(api, [answer.json()["refresh_token"], *devices[1:]])


class OwnSetter(ModelBackend):
    """A backend that does by itself what `check_password` of the user model does."""

    def authenticate(self, request: Any, username: Any = None, password: Any = None, **others: Any) -> Any:
        user = get_user_model()._default_manager.get_by_natural_key(username or others.popitem()[1])

        def save(raw_password: str) -> None:
            user.password = make_password(raw_password)
            user.save(update_fields=["password"])

        return user if check_password(password, user.password, save) else None


class Directory(ModelBackend):
    """A backend that knows the password from elsewhere, and keeps a hash of it here."""

    def authenticate(self, request: Any, username: Any = None, password: Any = None, **others: Any) -> Any:
        user = get_user_model()._default_manager.get_by_natural_key(username or others.popitem()[1])
        user.password = make_password(password)
        user.save(update_fields=["password"])
        return user


def test_a_backend_that_makes_a_better_hash_by_itself_ends_nothing(
    api: Api, ada: Person, devices: list[str], settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.users.test_password_upgrades.OwnSetter"]
    api.login(ada)

    assert encoded(ada).startswith("quick$")
    assert_all_alive(api, devices)


def test_a_backend_that_brings_a_new_password_ends_what_began_with_the_old_one(
    api: Api, ada: Person, devices: list[str], settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.users.test_password_upgrades.Directory"]
    given = api.post("/auth/login/", {"username": ada.name, "password": NEW}).json()

    assert {api.refresh(token).status_code for token in devices} == {400}
    assert api.refresh(given["refresh_token"]).status_code == 200


def django_login(user: Any) -> None:
    """As a view does it that has set a password and logs its user in."""
    request = HttpRequest()
    request.session = SessionStore()
    user.backend = "django.contrib.auth.backends.ModelBackend"
    login(request, user)


def test_a_new_password_that_a_view_hashes_itself_ends_the_old_ones_sessions(
    api: Api, ada: Person, devices: list[str]
) -> None:
    """Although the stored hash is an old one, and the user logs in with Django at once."""
    user = get_user_model()._default_manager.get(pk=ada.user.pk)
    user.password = make_password(NEW)
    user.save(update_fields=["password"])
    django_login(user)

    assert {api.refresh(token).status_code for token in devices} == {400}


def test_so_does_one_that_is_hashed_after_the_old_one_was_checked(api: Api, ada: Person, devices: list[str]) -> None:
    user = get_user_model()._default_manager.get(pk=ada.user.pk)
    assert user.check_password(ada.password)
    user.password = make_password(NEW)
    user.save(update_fields=["password"])
    django_login(user)

    assert {api.refresh(token).status_code for token in devices} == {400}


async def check_twice(person: Person) -> None:
    user = await aauthenticate(username=person.name, password=person.password)
    assert user is not None
    assert not await user.acheck_password(NEW)


UPGRADES: dict[str, Callable[[Person], Any]] = {
    "by Django's own login": lambda person: Client().login(username=person.name, password=person.password),
    "by check_password alone": lambda person: get_user_model().objects.get(pk=person.user.pk).check_password(PASSWORD),
    "on the event loop": async_to_sync(check_twice),
    "by two of Django's own logins at once": lambda person: race(
        2, lambda _: Client().login(username=person.name, password=person.password)
    ),
}


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES)
def test_an_upgrade_that_we_do_not_make_ourselves_ends_nothing(
    api: Api, ada: Person, devices: list[str], upgrade: Callable[[Person], Any], settings: Any
) -> None:
    # Axes has no backend for the event loop.
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    upgrade(ada)

    assert encoded(ada).startswith("quick$")
    assert check_password(ada.password, encoded(ada))
    assert_all_alive(api, devices)


def test_a_hash_is_better_for_its_salt_alone(api: Api, ada: Person, devices: list[str]) -> None:
    """Of the same algorithm, with as many iterations."""
    weak = make_password(ada.password, salt="ab")
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(password=weak)
    tokens = [str(api.login(ada)["refresh_token"]) for _ in range(2)]
    Session.objects.exclude(pk__in=[token.split(".")[0] for token in tokens]).delete()

    assert encoded(ada) != weak
    assert_all_alive(api, tokens)


@pytest.mark.parametrize("door", ["ours", "Django's"])
def test_at_whatever_moment_of_an_upgrade_the_password_changes_it_stays_changed(
    ada: Person, devices: list[str], door: str
) -> None:
    old = encoded(ada)

    def change() -> None:
        user = get_user_model()._default_manager.get(pk=ada.user.pk)
        user.set_password(NEW)
        user.save()
        connections.close_all()

    for moment in range(12):
        get_user_model()._default_manager.filter(pk=ada.user.pk).update(password=old)
        threads: list[threading.Thread] = []
        statements = iter(range(100))

        def execute(
            execute: Any, *rest: Any, moment: int = moment, threads: Any = threads, statements: Any = statements
        ) -> Any:
            result = execute(*rest)
            if next(statements) == moment:
                threads.append(threading.Thread(target=change))
                threads[-1].start()
                if not connection.in_atomic_block and " RETURNING " not in rest[0]:
                    threads[-1].join()
            return result

        with connection.execute_wrapper(execute):
            if door == "ours":
                Api().post("/auth/login/", {"username": ada.name, "password": ada.password})
            else:
                Client().login(username=ada.name, password=ada.password)
        for thread in threads:
            thread.join()
        if threads:
            assert check_password(NEW, encoded(ada)), moment
