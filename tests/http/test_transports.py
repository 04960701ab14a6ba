"""A session remembers how its refresh tokens travel: one that comes another way opens and ends nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from django_ironclad import auth
from django_ironclad.errors import InvalidGrant
from django_ironclad.models import Session

from ..conftest import Api, Person, time_passes
from .test_cookies import NAME, Browser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _secure() -> Any:
    with override_settings(SESSION_COOKIE_SECURE=True):
        yield


def untouched() -> bool:
    session = Session.objects.get()
    return session.revoked_at is None and session.generation == 0


def test_a_token_that_came_by_cookie_is_worth_nothing_in_a_body(api: Api, ada: Person) -> None:
    browser = Browser()
    browser.login(ada)

    answer = api.refresh(browser.cookie)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert untouched()
    assert browser.post("refresh").status_code == 200


def test_a_token_of_a_body_put_into_the_cookie_is_worth_nothing(api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    browser = Browser()
    browser.client.cookies[NAME] = tokens["refresh_token"]

    answer = browser.post("refresh")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert untouched()
    assert api.refresh(tokens["refresh_token"]).status_code == 200


def test_a_logout_the_wrong_way_is_204_and_ends_nothing(api: Api, ada: Person) -> None:
    browser = Browser()
    browser.login(ada)

    assert api.logout(browser.cookie).status_code == 204

    assert untouched()
    assert browser.post("logout").status_code == 204
    assert Session.objects.get().revoked_reason == "logout"


def test_an_old_token_the_wrong_way_is_no_reuse(api: Api, ada: Person) -> None:
    browser = Browser()
    browser.login(ada)
    old = browser.cookie
    for _ in range(2):
        assert browser.post("refresh").status_code == 200
        time_passes(seconds=61)

    assert api.refresh(old).status_code == 400

    assert Session.objects.get().revoked_at is None


def test_a_login_over_the_cookie_of_a_body_session_ends_nothing(api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    browser = Browser()
    browser.client.cookies[NAME] = tokens["refresh_token"]

    assert browser.login(ada).status_code == 200

    assert api.refresh(tokens["refresh_token"]).status_code == 200


def test_in_python_the_way_is_asked_for_only_where_it_is_named(ada: Person) -> None:
    token = auth.login(ada.user, transport="cookie").refresh_token

    with pytest.raises(InvalidGrant, match="travel by cookie, not by body"):
        auth.refresh(token, transport="body")
    assert auth.refresh(token).transport == "cookie"
