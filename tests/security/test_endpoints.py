"""The endpoints as an attacker calls them: with everything, everywhere, and in every order."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.test import Client, override_settings

from django_ironclad import auth
from django_ironclad.database.clocks import Now
from django_ironclad.http import MAX_PASSWORD
from django_ironclad.models import Session

from ..conftest import PASSWORD, Api, Person, time_passes

pytestmark = pytest.mark.django_db
SID = str(uuid.UUID(int=7))

#: What each endpoint may be asked for.
METHODS = {
    "login/": {"POST"},
    "refresh/": {"POST"},
    "logout/": {"POST"},
    "me/": {"GET", "HEAD"},
    "sessions/": {"GET", "HEAD", "DELETE"},
    f"sessions/{SID}/": {"DELETE"},
    "password/": {"POST"},
    "reauthenticate/": {"POST"},
    "jwks.json": {"GET", "HEAD"},
}


@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize("whose", ["nobody", "a stranger", "ada"])
def test_every_answer_is_protected_whatever_was_asked(api: Api, ada: Person, path: str, whose: str) -> None:
    token = {"nobody": "", "a stranger": "garbage", "ada": api.login(ada)["access_token"]}[whose]
    headers = {"origin": "https://evil.example", **({"authorization": f"Bearer {token}"} if token else {})}
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        answer = Client(headers=headers).generic(method, f"/auth/{path}", b"{}", "application/json")

        assert answer.status_code < 500, method
        assert (answer.status_code == 405) == (method not in METHODS[path]), method
        if answer.status_code == 405:
            assert {each.strip() for each in answer["Allow"].split(",")} == METHODS[path]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
        if not (path == "jwks.json" and answer.status_code == 200):
            assert answer["Cache-Control"] == "no-store"
            assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
            assert {"Cookie", "Origin", "Sec-Fetch-Site"} <= set(answer["Vary"].split(", "))
        if answer.content:
            assert answer["Content-Type"] in ("application/json", "application/jwk-set+json")
        if answer.status_code == 401:
            assert answer["WWW-Authenticate"].startswith('Bearer realm="api"')


def test_no_credentials_are_read_from_an_address_or_from_a_form_of_the_api(api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    access, refresh = tokens["access_token"], tokens["refresh_token"]

    assert api.post(f"/auth/login/?username={ada.name}&password={PASSWORD}").status_code == 400
    assert api.post(f"/auth/refresh/?refresh_token={refresh}").status_code == 400
    for path in ("/auth/me/", "/drf/members/"):
        assert api.get(f"{path}?access_token={access}&token={access}").status_code == 401
    assert Client().post("/drf/members/", {"access_token": access, "token": access}).status_code == 401


MARK = "zq51-repeat-me"


def _requests(ada: Person, token: str) -> Iterator[tuple[str, dict[str, Any]]]:
    bearer = {"authorization": f"Bearer {token}"}
    right = {"username": ada.name, "password": PASSWORD}
    for member in ("username", "password", "transport", "scope"):
        yield "/auth/login/", {"data": right | {member: MARK}}
        yield "/auth/login/", {"data": right | {member: [MARK]}}
    yield "/auth/login/", {"data": f'{{"{MARK}": "{MARK}", "{MARK}": {MARK}}}'}
    yield "/auth/login/", {"data": right, "content_type": f"text/{MARK}"}
    yield "/auth/refresh/", {"data": {"refresh_token": MARK}}
    yield "/auth/refresh/", {"data": {"refresh_token": f"{SID}.0.0.{MARK:A<43}"}}
    yield "/auth/refresh/", {"data": {}, "headers": {"cookie": f"ironclad_refresh_token={MARK}", "origin": MARK}}
    yield "/auth/password/", {"data": {"old_password": MARK, "new_password": MARK * 2}, "headers": bearer}
    yield "/auth/password/", {"data": {"old_password": PASSWORD, "new_password": MARK[:4]}, "headers": bearer}
    yield "/auth/reauthenticate/", {"data": {"password": MARK}, "headers": bearer}
    yield "/auth/reauthenticate/", {"data": {"password": MARK}, "headers": {"authorization": f"Bearer {MARK}"}}
    yield "/api-token-auth/", {"data": {get_user_model().USERNAME_FIELD: MARK, "password": MARK}}
    yield "/api-token-refresh/", {"data": {"token": MARK}}


def test_no_refusal_repeats_what_was_sent(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]
    validators = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
    for path, sent in _requests(ada, token):
        with override_settings(AUTH_PASSWORD_VALIDATORS=validators):
            answer = Client().post(path, **{"content_type": "application/json", **sent})
        assert 400 <= answer.status_code < 500, sent
        assert MARK[:4] not in f"{answer.content.decode()} {answer.headers}", sent
    answer = Client().delete(f"/auth/sessions/{MARK}/", headers={"authorization": f"Bearer {token}"})
    assert MARK not in f"{answer.content.decode()} {answer.headers}"


def test_every_refused_refresh_is_answered_alike(api: Api, ada: Person, person: Callable[..., Person]) -> None:
    """Whether the token was used, ended, over, forged, or nobody's: no difference tells."""

    def login() -> str:
        return str(api.login(ada)["refresh_token"])

    used, ended, over, forged, old = login(), login(), login(), login(), login()
    inactive = person("alan")
    his = str(api.login(inactive)["refresh_token"])
    second = api.refresh(used).json()["refresh_token"]
    api.refresh(old)
    time_passes(seconds=60)
    api.refresh(second)
    api.logout(ended)
    Session.objects.filter(pk=over.split(".")[0]).update(expires_at=Now() - timedelta(seconds=1))
    Session.objects.filter(pk=old.split(".")[0]).update(doubts=12)
    get_user_model()._default_manager.filter(pk=inactive.user.pk).update(is_active=False)
    refused = [used, ended, over, forged[:-4] + "AAAA", old, his, "x", f"{uuid.uuid4()}.0.0.{'A' * 43}"]

    answers = [api.refresh(token) for token in (*refused, *refused)]

    assert {answer.status_code for answer in answers} == {400}
    assert len({(answer.content, str(sorted(answer.items()))) for answer in answers}) == 1
    assert api.refresh(forged).status_code == 200


def test_a_refresh_takes_nothing_but_the_token(api: Api, ada: Person, person: Callable[..., Person]) -> None:
    rosa = person("rosa")
    tokens = api.login(ada)
    more = {
        "scope": "everything",
        "sub": str(rosa.user.pk),
        "username": rosa.name,
        "user_id": str(rosa.user.pk),
        "sid": SID,
        "groups": ["registrar"],
        "expires_in": 10**9,
        "client_id": "drf-jwt",
        "transport": "cookie",
    }

    answer = api.post("/auth/refresh/", {"refresh_token": tokens["refresh_token"], **more})

    assert "Set-Cookie" not in answer
    before, after = auth.verify(tokens["access_token"]), auth.verify(answer.json()["access_token"])
    assert (after.sub, after.sid, after.client_id, after.groups) == (before.sub, before.sid, "first-party", ())
    assert (after.scope, after.exp - after.claims["iat"]) == (frozenset(), 300)


def test_a_name_that_nobody_has_is_locked_like_one_that_somebody_has(ada: Person) -> None:
    axes = {"AXES_ENABLED": True, "AXES_FAILURE_LIMIT": 3, "AXES_COOLOFF_TIME": timedelta(minutes=10)}
    answers = {}
    with override_settings(**axes):
        for name in (ada.name, ada.name.replace("ada", "nobody")):
            body = {"username": name, "password": "wrong"}
            answers[name] = [Client().post("/auth/login/", body, "application/json") for _ in range(5)]

    known, unknown = (
        [(answer.status_code, answer.content, str(sorted(answer.items()))) for answer in each]
        for each in answers.values()
    )
    assert known == unknown
    assert [status for status, *_ in known] == [401, 401, 429, 429, 429]


class ForbidsAll(ModelBackend):
    def authenticate(self, *args: Any, **credentials: Any) -> None:
        raise PermissionDenied


def test_what_an_authentication_backend_forbids_no_other_one_allows(api: Api, ada: Person) -> None:
    body = {"username": ada.name, "password": PASSWORD}
    others = "django.contrib.auth.backends.ModelBackend"
    with override_settings(AUTHENTICATION_BACKENDS=["tests.security.test_endpoints.ForbidsAll", others]):
        answer = api.post("/auth/login/", body)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_credentials")
    assert not Session.objects.exists()


def test_a_password_may_have_1024_characters_and_all_of_them_count(api: Api, ada: Person) -> None:
    password = "ä" * (MAX_PASSWORD - 1) + "x"
    ada.user.set_password(password)
    ada.user.save()

    for sent, status in ((password, 200), (password[:-1], 401), (password[:-1] + "y", 401), (password + "x", 400)):
        assert api.post("/auth/login/", {"username": ada.name, "password": sent}).status_code == status
    assert MAX_PASSWORD == 1024


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/auth/login/", "/api-token-auth/"])
def test_a_name_longer_than_anybodys_is_malformed_and_not_counted(path: str) -> None:
    """Counted, it would be too long for the column of django-axes, which PostgreSQL answers by an error."""
    field = get_user_model().USERNAME_FIELD
    with override_settings(AXES_ENABLED=True):
        for length, malformed in ((254, False), (255, True), (4000, True)):
            answer = Client().post(path, {field: "a" * length, "password": "x"}, "application/json")
            wrong = 401 if path == "/auth/login/" else 400
            assert answer.status_code == (400 if malformed else wrong)
            assert ("longer than" in answer.content.decode()) == malformed


@pytest.mark.django_db(transaction=True)
def test_a_user_agent_that_no_database_can_store_stops_no_login(api: Api, ada: Person) -> None:
    for user_agent in ("Fire\0fox", "\0", "\xff" * 5000):
        answer = api.post("/auth/login/", {"username": ada.name, "password": PASSWORD}, user_agent=user_agent)
        assert answer.status_code == 200
    assert Session.objects.filter(user_agent="Firefox").count() == 1
