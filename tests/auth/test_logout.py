"""`POST logout/`: 204 for any token, and afterwards nothing of that session is good."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_out
from django.db import OperationalError, connection

from django_ironclad.models import Session

from ..conftest import Api, Person, time_passes


def test_logout_ends_the_session_at_once(api: Api, ada: Person) -> None:
    tokens, elsewhere = api.login(ada), api.login(ada)

    answer = api.logout(tokens["refresh_token"])

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Cache-Control"] == "no-store"
    assert api.refresh(tokens["refresh_token"]).status_code == 400
    assert api.get("/auth/me/", tokens["access_token"]).status_code == 401
    assert api.get("/auth/me/", elsewhere["access_token"]).status_code == 200


def test_any_authentic_token_of_the_session_will_do(api: Api, ada: Person) -> None:
    first = api.login(ada)["refresh_token"]
    second = api.refresh(first).json()["refresh_token"]
    time_passes(seconds=20)
    api.refresh(second)

    assert api.logout(first).status_code == 204
    assert Session.objects.get().revoked_reason == "logout"


@pytest.mark.parametrize("token", ["x", f"{uuid.UUID(int=7)}.0.0.{'A' * 43}"])
def test_an_unknown_token_is_204_too(api: Api, ada: Person, token: str) -> None:
    api.login(ada)

    assert api.logout(token).status_code == 204
    assert api.post("/auth/logout/").status_code == 204
    assert Session.objects.filter(revoked_at=None).count() == 1


def test_a_forged_token_ends_nothing(api: Api, ada: Person) -> None:
    token = api.login(ada)["refresh_token"]

    assert api.logout(token[:-4] + "AAAA").status_code == 204
    assert api.refresh(token).status_code == 200


def test_logging_out_twice_is_204_and_told_once(api: Api, ada: Person) -> None:
    heard: list[Any] = []

    def receive(user: Any, **_: Any) -> None:
        heard.append(user)

    user_logged_out.connect(receive)
    try:
        token = api.login(ada)["refresh_token"]
        assert [api.logout(token).status_code for _ in range(2)] == [204, 204]
    finally:
        user_logged_out.disconnect(receive)

    assert heard == [ada.user]


def test_the_token_of_a_deleted_user_is_204(api: Api, ada: Person) -> None:
    token = api.login(ada)["refresh_token"]
    ada.user.delete()

    assert api.logout(token).status_code == 204


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["logout", "refresh"])
def test_what_could_not_be_stored_is_503_and_never_success(api: Api, ada: Person, path: str) -> None:
    tokens = api.login(ada)

    def fail(execute: Any, sql: str, *args: Any) -> Any:
        if sql.startswith("UPDATE"):
            raise OperationalError("the database is gone")
        return execute(sql, *args)

    with connection.execute_wrapper(fail):
        answer = api.post(f"/auth/{path}/", {"refresh_token": tokens["refresh_token"]})

    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"
    assert int(answer["Retry-After"]) > 0
    assert api.refresh(tokens["refresh_token"]).status_code == 200


def test_a_database_that_does_not_answer_is_503_on_the_api(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]

    def fail(*args: Any) -> Any:
        raise OperationalError("the database is gone")

    for path in ("/auth/me/", "/drf/strict/", "/plain/strict/"):
        with connection.execute_wrapper(fail):
            answer = api.get(path, token)
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert int(answer["Retry-After"]) > 0
