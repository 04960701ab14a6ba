"""What ends a user's sessions by itself, wherever it happens, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import transaction
from django.test import Client, override_settings

from django_ironclad import auth, sessions
from django_ironclad.models import Session

from ..campus.models import Student
from ..conftest import PASSWORD, Api, Person

pytestmark = pytest.mark.django_db
SLOW = "tests.campus.hashers.SlowHasher"
QUICK = "tests.campus.hashers.QuickHasher"


@pytest.fixture
def tokens(api: Api, ada: Person) -> dict[str, Any]:
    return api.login(ada)


def over(api: Api, tokens: dict[str, Any]) -> str:
    """That both tokens are refused, and why the session ended."""
    for path in ("/drf/members/", "/plain/", "/drf/strict/", "/plain/strict/"):
        assert api.get(path, tokens["access_token"]).status_code == 401, path
    assert api.refresh(tokens["refresh_token"]).status_code == 400
    return Session.objects.get(pk=tokens["refresh_token"].split(".")[0]).revoked_reason


def alive(api: Api, tokens: dict[str, Any]) -> bool:
    codes = {api.get(path, tokens["access_token"]).status_code for path in ("/drf/members/", "/plain/strict/")}
    return codes == {200} and api.refresh(tokens["refresh_token"]).status_code == 200


def test_set_password_and_save(api: Api, ada: Person, tokens: dict[str, Any]) -> None:
    ada.user.set_password("another one entirely")
    ada.user.save()

    assert over(api, tokens) == "password_changed"


def test_set_password_and_save_of_that_field_only(api: Api, ada: Person, tokens: dict[str, Any]) -> None:
    ada.user.set_password("another one entirely")
    ada.user.save(update_fields=["password"])

    assert over(api, tokens) == "password_changed"


def test_an_unusable_password(api: Api, ada: Person, tokens: dict[str, Any]) -> None:
    ada.user.set_unusable_password()
    ada.user.save()

    assert over(api, tokens) == "password_changed"


def test_the_first_password_of_who_logged_in_by_other_means(api: Api, ada: Person) -> None:
    ada.user.set_unusable_password()
    ada.user.save()
    given = auth.login(ada.user)

    # As an import of users does it.
    ada.user.password = make_password("another one entirely")
    ada.user.save(update_fields=["password"])

    assert over(api, {"access_token": given.access_token, "refresh_token": given.refresh_token}) == "password_changed"


def test_the_changepassword_command(
    api: Api, ada: Person, tokens: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: "a-Long-new-0ne")  # the terminal, not our code
    call_command("changepassword", ada.name, verbosity=0)

    assert over(api, tokens) == "password_changed"


def test_the_admins_password_form(api: Api, ada: Person, tokens: dict[str, Any], has_groups: bool) -> None:
    from django.contrib.auth.forms import AdminPasswordChangeForm

    form = AdminPasswordChangeForm(
        ada.user, {"password1": "a-Long-new-0ne", "password2": "a-Long-new-0ne", "usable_password": "true"}
    )
    assert form.is_valid(), form.errors
    form.save()

    assert over(api, tokens) == "password_changed"


def test_deactivation(api: Api, ada: Person, tokens: dict[str, Any]) -> None:
    ada.user.is_active = False
    ada.user.save()

    assert over(api, tokens) == "user_inactive"


def test_deactivation_by_update_is_seen_by_the_strict_check_and_at_the_next_refresh(
    api: Api, ada: Person, tokens: dict[str, Any]
) -> None:
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(is_active=False)

    assert api.get("/drf/members/", tokens["access_token"]).status_code == 200
    assert api.get("/drf/strict/", tokens["access_token"]).status_code == 401
    assert api.refresh(tokens["refresh_token"]).status_code == 400
    assert over(api, tokens) == "user_inactive"


def test_deletion_keeps_the_rows(api: Api, ada: Person, tokens: dict[str, Any]) -> None:
    ada.user.delete()

    assert over(api, tokens) == "user_deleted"
    assert Session.objects.get().user is None


def test_deletion_of_many_at_once(api: Api, ada: Person, tokens: dict[str, Any]) -> None:
    get_user_model()._default_manager.all().delete()

    assert over(api, tokens) == "user_deleted"


def test_a_proxy_of_the_user_model_is_a_user(api: Api, ada: Person, tokens: dict[str, Any]) -> None:
    student = Student._default_manager.get(pk=ada.user.pk)
    student.set_password("another one entirely")
    student.save()

    assert over(api, tokens) == "password_changed"


def test_a_save_that_changes_nothing_decisive_ends_nothing(api: Api, ada: Person, tokens: dict[str, Any]) -> None:
    ada.user.last_login = None
    ada.user.save()
    ada.user.save(update_fields=["last_login"])
    ada.user.set_password("another one entirely")
    ada.user.save(update_fields=["last_login"])

    assert alive(api, tokens)


def test_a_login_by_djangos_session_that_upgrades_the_hash_ends_nothing(api: Api, ada: Person) -> None:
    with override_settings(PASSWORD_HASHERS=[SLOW]):
        ada.user.set_password(PASSWORD)
        ada.user.save()
        tokens = api.login(ada)
    with override_settings(PASSWORD_HASHERS=[QUICK, SLOW]):
        assert Client().login(username=ada.name, password=PASSWORD)
        ada.user.refresh_from_db()
        assert ada.user.password.startswith("quick$")
        assert alive(api, tokens)


def test_others_sessions_live_on(api: Api, ada: Person, person: Callable[..., Person], tokens: dict[str, Any]) -> None:
    rosa = api.login(person("rosa"))
    ada.user.set_password("another one entirely")
    ada.user.save()
    ada.user.is_active = False
    ada.user.save()

    assert alive(api, rosa)


def test_revoke_ends_one_session_once(api: Api, ada: Person, tokens: dict[str, Any]) -> None:
    other = api.login(ada)
    sid = tokens["refresh_token"].split(".")[0]

    assert sessions.revoke(sid, reason="by an operator") is True
    assert sessions.revoke(sid, reason="again") is False

    assert over(api, tokens) == "by an operator"
    assert alive(api, other)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by", ["row", "id"])
def test_who_ends_in_a_transaction_what_is_over_ends_nothing_else(api: Api, ada: Person, by: str) -> None:
    one, other = api.login(ada), api.login(ada)
    session = Session.objects.get(pk=one["refresh_token"].split(".")[0])
    which = session if by == "row" else session.pk
    assert sessions.revoke(which, reason="first")

    with transaction.atomic():
        # It is looked for once more after the commit.
        assert not sessions.revoke(which, reason="again")

    assert over(api, one) == "first"
    assert alive(api, other)


def test_revoke_all_keeps_the_one_that_is_named(
    api: Api, ada: Person, person: Callable[..., Person], tokens: dict[str, Any]
) -> None:
    rosa, others = api.login(person("rosa")), [api.login(ada) for _ in range(3)]

    assert sessions.revoke_all(ada.user, reason="elsewhere", keep=tokens["refresh_token"].split(".")[0]) == 3

    assert [over(api, each) for each in others] == ["elsewhere"] * 3
    assert alive(api, tokens)
    assert alive(api, rosa)
    assert sessions.revoke_all(ada.user, reason="everywhere") == 1
