"""Attacks of who knows an old password, or sits in a session, on the moment in which a password changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import connections
from django.db.models.signals import pre_delete
from django.test import override_settings

from django_ironclad import auth
from tests.auth.test_logins_in_flight import CHANGES, change_password, fresh, heard, held_open  # noqa: F401 - a fixture
from tests.conftest import PASSWORD, Api, Person
from tests.users.test_password_upgrades import NEW, devices, django_login  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("change", CHANGES)
def test_who_logs_in_again_and_again_is_not_let_in_while_the_door_closes(
    api: Api,
    ada: Person,
    held_open: Callable[..., None],  # noqa: F811
    change: Callable[[Person], None],
) -> None:
    """Nor is anybody told of a login, who would do something for them."""
    held_open(lambda: change(ada))

    with heard() as logins:
        assert api.post("/auth/login/", {"username": ada.name, "password": PASSWORD}).status_code == 401

    assert logins == []


def test_who_sits_in_a_session_takes_it_not_over_while_its_owner_changes_the_password(
    api: Api,
    ada: Person,
    held_open: Callable[..., None],  # noqa: F811
) -> None:
    token = api.login(ada)["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    held_open(lambda: api.post("/auth/password/", {"old_password": PASSWORD, "new_password": NEW}, **bearer))

    assert api.post("/auth/reauthenticate/", {"password": PASSWORD}, **bearer).status_code == 401


def test_who_knows_the_old_password_does_not_undo_its_change(
    api: Api,
    ada: Person,
    held_open: Callable[..., None],  # noqa: F811
) -> None:
    token = api.login(ada)["access_token"]

    def change() -> None:
        # By an operator's SQL: no signal ends the session first.
        get_user_model()._base_manager.filter(pk=ada.user.pk).update(password=make_password(NEW))

    held_open(change)
    api.post(
        "/auth/password/", {"old_password": PASSWORD, "new_password": "mine 7 mine"}, authorization=f"Bearer {token}"
    )

    assert fresh(ada).check_password(NEW)


@pytest.mark.parametrize("checked", [True, False])
def test_a_new_password_is_no_better_hash_of_the_old_one(
    api: Api,
    ada: Person,
    devices: list[str],  # noqa: F811
    checked: bool,
) -> None:
    user = fresh(ada)
    if checked:
        assert user.check_password(ada.password)
    user.password = make_password(NEW)
    user.save(update_fields=["password"])
    django_login(user)

    assert {api.refresh(token).status_code for token in devices} == {400}


@override_settings(
    AUTHENTICATION_BACKENDS=["tests.auth.test_as_django_does.Directory", "django.contrib.auth.backends.ModelBackend"]
)
def test_who_knows_a_password_of_the_directory_changes_none_here(api: Api, ada: Person) -> None:
    answer = api.post("/auth/login/", {"username": ada.name, "password": "directory"})
    token = answer.json()["access_token"]

    body = {"old_password": "directory", "new_password": NEW}
    answer = api.post("/auth/password/", body, authorization=f"Bearer {token}")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_credentials")
    ada.user.refresh_from_db()
    assert ada.user.check_password(PASSWORD)


def test_who_deletes_a_user_of_another_database_signs_nobody_out_here(
    ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an archive, a staging copy: whose keys are the same."""
    other = {**connections.databases["default"], "NAME": str(tmp_path / "other")}
    monkeypatch.setitem(connections.databases, "other", other)
    tokens = auth.login(ada.user)

    pre_delete.send(sender=type(ada.user), instance=ada.user, using="other")

    assert auth.refresh(tokens.refresh_token)
