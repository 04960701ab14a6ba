"""The contract of drf-jwt: the first of the two systems that this project began with."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client, override_settings

from django_ironclad import auth
from django_ironclad.models import Session

from ..conftest import PASSWORD, Api, Person

pytestmark = pytest.mark.django_db
WRONG = {"non_field_errors": ["Unable to log in with provided credentials."]}


def obtain(api: Api, person: Person) -> str:
    field = get_user_model().USERNAME_FIELD
    answer = api.post("/api-token-auth/", {field: person.name, "password": person.password})
    assert answer.status_code == 200, answer.content
    assert set(answer.json()) == {"token"}
    return str(answer.json()["token"])


def refused(answer: Any) -> None:
    assert answer.status_code == 400
    assert set(answer.json()) == {"non_field_errors"}


def test_the_token_is_our_access_token(api: Api, ada: Person) -> None:
    token = obtain(api, ada)

    assert auth.verify(token).client_id == "drf-jwt"
    assert api.get("/drf/members/", token).json()["user"] == ada.name


def test_a_form_will_do(ada: Person) -> None:
    field = get_user_model().USERNAME_FIELD

    assert Client().post("/api-token-auth/", {field: ada.name, "password": PASSWORD}).status_code == 200


def test_refusals_are_400_in_that_packages_words(api: Api, ada: Person) -> None:
    field = get_user_model().USERNAME_FIELD

    wrong = api.post("/api-token-auth/", {field: ada.name, "password": "wrong"})
    assert (wrong.status_code, wrong.json()) == (400, WRONG)
    assert api.post("/api-token-auth/", {field: ada.name}).json() == {"password": ["This field is required."]}
    assert set(api.post("/api-token-auth/").json()) == {field, "password"}
    refused(api.post("/api-token-auth/", {field: 7, "password": "x"}))
    refused(api.http.post("/api-token-auth/", b"[", "application/json"))
    assert api.get("/api-token-auth/").status_code == 405


def test_these_tokens_live_as_long_as_the_project_says(api: Api, ada: Person) -> None:
    with override_settings(IRONCLAD={"DRF_JWT_TOKEN_LIFETIME": timedelta(hours=1)}):
        token = auth.verify(obtain(api, ada))
        assert token.exp - token.claims["iat"] == 3600
        other = auth.verify(api.login(ada)["access_token"])
        assert other.exp - other.claims["iat"] == 300


def test_an_unexpired_token_is_exchanged(api: Api, ada: Person) -> None:
    token = obtain(api, ada)

    answer = api.post("/api-token-refresh/", {"token": token})

    assert answer.status_code == 200
    assert answer.json()["token"] != token
    assert auth.verify(answer.json()["token"]).sid == auth.verify(token).sid
    assert Session.objects.count() == 1


def test_no_other_session_is_refreshed_here(api: Api, ada: Person) -> None:
    """Else a stolen access token would become a long-lived credential."""
    refused(api.post("/api-token-refresh/", {"token": api.login(ada)["access_token"]}))


def test_an_expired_token_is_not_exchanged(api: Api, ada: Person) -> None:
    token = obtain(api, ada)
    with time_machine.travel(time.time() + 311):
        refused(api.post("/api-token-refresh/", {"token": token}))


@pytest.mark.parametrize(("days", "status"), [(6.9, 200), (7.1, 400)])
def test_exchanging_ends_after_a_week(api: Api, ada: Person, days: float, status: int) -> None:
    token = obtain(api, ada)
    session = Session.objects.get()
    past = timedelta(days=days)
    Session.objects.update(created_at=session.created_at - past, expires_at=session.expires_at - past)

    assert api.post("/api-token-refresh/", {"token": token}).status_code == status


def test_a_session_that_ended_exchanges_and_verifies_nothing(api: Api, ada: Person) -> None:
    token = obtain(api, ada)
    ada.user.set_password("another one entirely")
    ada.user.save()

    refused(api.post("/api-token-refresh/", {"token": token}))
    refused(api.post("/api-token-verify/", {"token": token}))


def test_verify_answers_the_token_itself(api: Api, ada: Person) -> None:
    token = obtain(api, ada)

    assert api.post("/api-token-verify/", {"token": token}).json() == {"token": token}
    for bad in ("garbage", "", 7, None):
        refused(api.post("/api-token-verify/", {"token": bad}))


def test_a_stale_authorization_header_does_not_matter(api: Api, ada: Person) -> None:
    field = get_user_model().USERNAME_FIELD
    body = {field: ada.name, "password": PASSWORD}

    assert api.post("/api-token-auth/", body, authorization="Bearer garbage").status_code == 200
