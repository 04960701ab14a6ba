"""Scopes, groups and a recent login: from the settings and the password to what a token says, and how long it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import RequestFactory, override_settings

from django_ironclad import auth, decorators, sessions
from django_ironclad.errors import InvalidToken
from django_ironclad.models import Session
from django_ironclad.signals import session_reauthenticated
from django_ironclad.tokens import AccessToken

from ..conftest import PASSWORD, Api, Person, time_passes

pytestmark = pytest.mark.django_db


def by_group(user: Any, groups: list[str]) -> list[str]:
    return ["read", "write", *(f"{name}:all" for name in groups)]


@pytest.fixture
def scopes() -> Iterator[None]:
    with override_settings(IRONCLAD={"SCOPES": by_group}):
        yield


def said(answer: dict[str, Any]) -> AccessToken:
    return auth.verify(answer["access_token"])


# Scopes.


def test_a_project_without_scopes_says_none(api: Api, ada: Person) -> None:
    answer = api.login(ada)

    assert "scope" not in answer
    assert "scope" not in said(answer).claims


@pytest.mark.usefixtures("scopes")
@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ({}, {"read", "write"}),
        ({"scope": ""}, {"read", "write"}),
        ({"scope": "read"}, {"read"}),
        ({"scope": "write read read"}, {"read", "write"}),
        ({"scope": "read everything"}, {"read"}),
    ],
)
def test_a_login_may_ask_for_less_than_is_granted_and_never_gets_more(
    api: Api, ada: Person, asked: dict[str, str], granted: set[str]
) -> None:
    answer = api.login(ada, **asked)

    assert said(answer).scope == granted
    assert set(answer["scope"].split()) == granted
    refreshed = api.refresh(answer["refresh_token"]).json()
    assert said(refreshed).scope == granted
    assert refreshed["scope"] == answer["scope"]


@pytest.mark.usefixtures("scopes")
@pytest.mark.parametrize("scope", ["everything", "reader", "READ", "read\n", "read  write", 'a"', "ä", " "])
def test_a_login_that_would_be_good_for_nothing_is_refused_and_begins_no_session(
    api: Api, ada: Person, scope: str
) -> None:
    answer = api.post("/auth/login/", {"username": ada.name, "password": PASSWORD, "scope": scope})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert not Session.objects.exists()


@pytest.mark.parametrize("scope", [7, ["read"], None, True, "a\0"])
def test_a_scope_that_is_no_text_is_a_malformed_request(api: Api, ada: Person, scope: object) -> None:
    answer = api.post("/auth/login/", {"username": ada.name, "password": PASSWORD, "scope": scope})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_where_no_scopes_are_granted_none_can_be_asked_for(api: Api, ada: Person) -> None:
    answer = api.post("/auth/login/", {"username": ada.name, "password": PASSWORD, "scope": "read"})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.usefixtures("scopes")
def test_a_wrong_password_learns_nothing_of_scopes(api: Api, ada: Person) -> None:
    answer = api.post("/auth/login/", {"username": ada.name, "password": "wrong", "scope": "everything"})

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_credentials")


@pytest.mark.parametrize("returned", ["read write", ("read", "write"), {"read", "write"}])
def test_scopes_may_be_returned_as_a_text_or_as_a_collection(api: Api, ada: Person, returned: Any) -> None:
    with override_settings(IRONCLAD={"SCOPES": lambda user, groups: returned}):
        assert said(api.login(ada)).scope == {"read", "write"}


@pytest.mark.parametrize("returned", [['a"b'], [7], None, 7, "a  b"])
def test_scopes_that_are_none_are_the_projects_mistake(ada: Person, returned: Any) -> None:
    with (
        override_settings(IRONCLAD={"SCOPES": lambda user, groups: returned}),
        pytest.raises(ImproperlyConfigured, match="SCOPES"),
    ):
        auth.login(ada.user)


@pytest.mark.parametrize(
    "name", ["iss", "aud", "sub", "client_id", "sid", "iat", "exp", "nbf", "jti", "auth_time", "amr", "scope"]
)
def test_no_project_says_in_our_place_what_is_ours(ada: Person, name: str) -> None:
    with (
        override_settings(IRONCLAD={"CLAIMS": lambda user, groups: {name: "anything"}}),
        pytest.raises(ImproperlyConfigured, match=f"{name}'.*are ours"),
    ):
        auth.login(ada.user)


#: What CLAIMS may return, and no token can say.
UNSAYABLE: dict[str, Any] = {"no dictionary": ["read"], "a claim of ours": {"sub": "1"}, "no JSON": {"more": {1}}}


@pytest.mark.parametrize("returned", UNSAYABLE.values(), ids=UNSAYABLE)
def test_claims_that_no_token_can_say_are_the_projects_mistake_also_to_the_strict_check(
    ada: Person, returned: Any
) -> None:
    token = auth.login(ada.user).access_token
    with override_settings(IRONCLAD={"CLAIMS": lambda user, groups: returned}):
        for door in (lambda: auth.login(ada.user), lambda: auth.authenticate(token, strict=True)):
            with pytest.raises(ImproperlyConfigured, match="CLAIMS"):
                door()


def test_a_view_that_requires_what_no_middleware_looked_for_says_so(ada: Person) -> None:
    request = RequestFactory().get("/")
    request.user = ada.user
    with pytest.raises(ImproperlyConfigured, match="BearerMiddleware"):
        decorators.requires(scope="read")(lambda request: None)(request)


def test_a_decorator_on_a_method_says_what_to_write_instead() -> None:
    class Methods:
        @decorators.requires(scope="read")
        def get(self, request: Any) -> None: ...

        @decorators.token_endpoint
        def post(self, request: Any) -> None: ...

        @decorators.token_endpoint
        async def put(self, request: Any) -> None: ...

    for method in (Methods().get, Methods().post, async_to_sync(Methods().put)):
        with pytest.raises(ImproperlyConfigured, match=r"Methods.*as_view\(\).*method_decorator"):
            method(RequestFactory().get("/"))


# When a changed group is seen.


@pytest.mark.usefixtures("scopes")
def test_a_changed_group_is_seen_at_the_next_refresh_and_at_once_by_the_strict_check(
    api: Api, person: Callable[..., Person], has_groups: bool
) -> None:
    if not has_groups:
        pytest.skip("this user model has no groups")
    rosa = person("rosa", groups=("registrar",))
    tokens = api.login(rosa)
    assert said(tokens).groups == ("registrar",)
    assert "registrar:all" in said(tokens).scope

    rosa.user.groups.clear()

    _, lazy = auth.authenticate(tokens["access_token"])
    _, strict = auth.authenticate(tokens["access_token"], strict=True)
    assert (lazy.groups, strict.groups) == (("registrar",), ())
    assert strict.scope == {"read", "write"}
    assert (strict.sub, strict.sid, strict.exp, strict.auth_time) == (lazy.sub, lazy.sid, lazy.exp, lazy.auth_time)
    refreshed = said(api.refresh(tokens["refresh_token"]).json())
    assert (refreshed.groups, refreshed.scope) == ((), {"read", "write"})


@pytest.mark.usefixtures("scopes")
def test_what_was_asked_for_at_the_login_bounds_what_is_granted_later(
    api: Api, person: Callable[..., Person], has_groups: bool
) -> None:
    if not has_groups:
        pytest.skip("this user model has no groups")
    rosa = person("rosa")
    narrow = api.login(rosa, scope="read choir:all")
    assert said(narrow).scope == {"read"}

    person("tom", groups=("choir", "registrar"))
    rosa.user.groups.set(type(rosa.user).groups.rel.model.objects.all())

    assert said(api.refresh(narrow["refresh_token"]).json()).scope == {"read", "choir:all"}


def test_groups_that_a_receiver_of_the_login_gives_are_in_the_first_token(
    api: Api, ada: Person, has_groups: bool
) -> None:
    if not has_groups:
        pytest.skip("this user model has no groups")
    from django.contrib.auth.models import Group
    from django.contrib.auth.signals import user_logged_in

    def join(user: Any, **_: object) -> None:
        user.groups.add(Group.objects.get_or_create(name="present")[0])

    user_logged_in.connect(join)
    try:
        assert said(api.login(ada)).groups == ("present",)
    finally:
        user_logged_in.disconnect(join)


# A recent login (RFC 9470).


def reauthenticate(api: Api, token: str, **body: object) -> Any:
    return api.post("/auth/reauthenticate/", body, authorization=f"Bearer {token}")


def test_a_token_says_when_and_how_the_person_logged_in(api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    with time_machine.travel(time.time() + 120):
        refreshed = said(api.refresh(tokens["refresh_token"]).json())

    assert said(tokens).amr == refreshed.amr == ("pwd",)
    assert said(tokens).auth_time == refreshed.auth_time == pytest.approx(time.time(), abs=10)
    assert refreshed.claims["iat"] - refreshed.auth_time == pytest.approx(120, abs=10)


def test_the_password_once_more_renews_the_login_of_the_same_session(api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    time_passes(hours=1)
    token = api.refresh(tokens["refresh_token"]).json()
    heard: list[Any] = []
    session_reauthenticated.connect(lambda session, **_: heard.append(session), weak=False, dispatch_uid="test")

    answer = reauthenticate(api, token["access_token"], password=PASSWORD)
    session_reauthenticated.disconnect(dispatch_uid="test")

    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "username", "refresh_token"}
    assert answer["Cache-Control"] == "no-store"
    before, after = said(token), said(answer.json())
    assert (before.sid, before.sub) == (after.sid, after.sub)
    assert after.auth_time - before.auth_time == pytest.approx(3600, abs=5)
    assert [session.pk for session in heard] == [Session.objects.get().pk]
    # What the new refresh token answers has the new time, too.
    refreshed = said(api.refresh(answer.json()["refresh_token"]).json())
    assert refreshed.auth_time == after.auth_time
    # The old token is as old as it was, also where the database is asked.
    assert auth.authenticate(token["access_token"], strict=True)[1].auth_time == before.auth_time


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"password": "wrong"}, 400, "invalid_credentials"),
        ({"password": ""}, 400, "invalid_request"),
        ({}, 400, "invalid_request"),
        ({"password": "x" * 1025}, 400, "invalid_request"),
    ],
)
def test_a_wrong_password_renews_nothing_and_ends_nothing(
    api: Api, ada: Person, body: dict[str, str], status: int, error: str
) -> None:
    token = api.login(ada)["access_token"]
    time_passes(hours=1)
    before = Session.objects.get().auth_time

    answer = reauthenticate(api, token, **body)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert Session.objects.get().auth_time == before
    assert Session.objects.live().count() == 1


def test_who_has_no_living_session_cannot_renew_it(api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    assert api.post("/auth/reauthenticate/", {"password": PASSWORD}).status_code == 401
    assert reauthenticate(api, "garbage", password=PASSWORD).status_code == 401
    api.logout(tokens["refresh_token"])
    answer = reauthenticate(api, tokens["access_token"], password=PASSWORD)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_anothers_password_is_a_wrong_one(api: Api, ada: Person, person: Callable[..., Person]) -> None:
    tom = person("tom")
    tom.user.set_password("another password of another person")
    tom.user.save()

    answer = reauthenticate(api, api.login(ada)["access_token"], password="another password of another person")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_credentials")


class KnowsTomOnly:
    """As one that finds people by a password that several of them were given."""

    def authenticate(self, request: Any, **credentials: Any) -> Any:
        return get_user_model()._default_manager.get(email="tom@example.org")


def test_a_backend_that_knows_somebody_else_by_the_password_renews_nothing(
    api: Api, ada: Person, person: Callable[..., Person]
) -> None:
    person("tom")
    token = api.login(ada)["access_token"]

    with override_settings(AUTHENTICATION_BACKENDS=[f"{__name__}.KnowsTomOnly"]):
        answer = reauthenticate(api, token, password=PASSWORD)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_credentials")


def test_a_login_is_not_renewed_whose_session_ends_meanwhile(ada: Person) -> None:
    access = auth.verify(auth.login(ada.user).access_token)

    def end_first(execute: Any, sql: str, *args: Any) -> Any:
        if sql.startswith("UPDATE") and not ended:
            ended.append(True)
            sessions.revoke(access.sid, reason="meanwhile")
        return execute(sql, *args)

    ended: list[bool] = []
    with connection.execute_wrapper(end_first), pytest.raises(InvalidToken):
        auth.reauthenticate(access, amr=["hwk"])
    assert Session.objects.get().amr == ""


def test_a_project_may_prove_it_by_other_means(ada: Person) -> None:
    tokens = auth.login(ada.user, amr=["pwd", "otp"])
    access = auth.verify(tokens.access_token)
    assert access.amr == ("pwd", "otp")

    assert auth.verify(auth.reauthenticate(access, amr=["hwk"]).access_token).amr == ("hwk",)
    assert auth.verify(auth.login(ada.user).access_token).amr == ()
