"""A better hash of the same password, whoever makes it and whatever happens meanwhile, ends no session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password, make_password
from django.db import connection, connections

from django_ironclad.models import Session

from .campus.hashers import QuickHasher
from .conftest import Api, Person, race

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
