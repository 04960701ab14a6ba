"""`POST login/`: what it answers, to whom, and what it does not give away."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db import OperationalError
from django.test import Client, override_settings

from django_ironclad import auth
from django_ironclad.errors import InvalidCredentials
from django_ironclad.models import Session

from ..conftest import PASSWORD, Api, Person


def test_a_right_password_is_answered_with_exactly_these_fields(api: Api, ada: Person) -> None:
    answer = api.post("/auth/login/", {"username": ada.name, "password": PASSWORD})

    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "username", "refresh_token"}
    assert (body["token_type"], body["expires_in"], body["username"]) == ("Bearer", 300, ada.name)
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer


def test_the_access_token_says_who_and_when(
    api: Api, person: Callable[..., Person], has_groups: bool, db: None
) -> None:
    rosa = person("rosa", groups=("registrar", "choir") if has_groups else ())

    token = auth.verify(api.login(rosa)["access_token"])

    assert token.sub == str(rosa.user.pk)
    assert token.username == rosa.name
    assert token.groups == (("choir", "registrar") if has_groups else ())
    assert (token.client_id, token.claims["iss"], token.claims["aud"]) == ("first-party", *["django-ironclad"] * 2)
    assert token.sid == str(Session.objects.get().pk)
    assert token.exp - token.claims["iat"] == 300
    assert token.auth_time == token.claims["iat"]


def test_a_form_is_as_good_as_json(ada: Person) -> None:
    for content_type in ("application/x-www-form-urlencoded", None):
        more = {"content_type": content_type} if content_type else {}
        form: Any = {"username": ada.name, "password": PASSWORD}
        data = f"username={ada.name}&password={PASSWORD.replace(' ', '+')}" if content_type else form
        assert Client().post("/auth/login/", data, **more).status_code == 200


def test_the_user_name_may_come_by_the_name_of_its_field(api: Api, ada: Person) -> None:
    field = get_user_model().USERNAME_FIELD

    assert api.post("/auth/login/", {field: ada.name, "password": PASSWORD}).status_code == 200


GOOD = {"username": "ada", "password": PASSWORD}
FORM = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nada\r\n--x--\r\n'
MALFORMED: dict[str, tuple[str | bytes, str]] = {
    "no user name": (json.dumps({"password": PASSWORD}), "application/json"),
    "no password": (json.dumps({"username": "ada"}), "application/json"),
    "empty password": (json.dumps(GOOD | {"password": ""}), "application/json"),
    "nothing": (b"", "application/json"),
    "broken JSON": (b'{"username": "ada", ', "application/json"),
    "a list": (b'["ada"]', "application/json"),
    "a number": (b"7", "application/json"),
    "null": (b"null", "application/json"),
    "10 MB": (b'{"username": "' + b"a" * 10_000_000 + b'"}', "application/json"),
    "a form of 10 MB": (b"username=" + b"a" * 10_000_000, "application/x-www-form-urlencoded"),
    "NUL in the name": (json.dumps(GOOD | {"username": "ada\0"}), "application/json"),
    "NUL in the password": (json.dumps(GOOD | {"password": "a\0b"}), "application/json"),
    "NUL in a form": (b"username=ada%00&password=x", "application/x-www-form-urlencoded"),
    "a NUL byte": (b'{"username": "ada\0"}', "application/json"),
    "a line feed in the name": (json.dumps(GOOD | {"username": "ada\n"}), "application/json"),
    "half a surrogate pair": (b'{"username": "ada", "password": "\\ud800"}', "application/json"),
    "no UTF-8": (b'{"username": "\xff\xfe"}', "application/json"),
    "UTF-16": (json.dumps(GOOD).encode("utf-16"), "application/json"),
    "100,000 brackets": (b"[" * 100_000, "application/json"),
    "8,000 brackets": (b'{"username": ' + b"[" * 4000 + b"]" * 4000 + b"}", "application/json"),
    "name a number": (json.dumps(GOOD | {"username": 7}), "application/json"),
    "name an object": (json.dumps(GOOD | {"username": {"a": 1}}), "application/json"),
    "password true": (json.dumps(GOOD | {"password": True}), "application/json"),
    "password a list": (json.dumps(GOOD | {"password": [PASSWORD]}), "application/json"),
    "password of 2,000 characters": (json.dumps(GOOD | {"password": "x" * 2000}), "application/json"),
    "a member twice": (b'{"username": "ada", "username": "rosa", "password": "x"}', "application/json"),
    "a field twice": (b"username=ada&username=rosa&password=x", "application/x-www-form-urlencoded"),
    "NaN": (b'{"username": "ada", "password": NaN}', "application/json"),
    "plain text": (json.dumps(GOOD), "text/plain"),
    "a broken form": (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
    "a form without its boundary": (b"username=ada", "multipart/form-data"),
    "an unknown charset": (b"username=ada", "application/x-www-form-urlencoded; charset=utf-7"),
    "a charset that is a codec of no texts": (FORM, "multipart/form-data; boundary=x; charset=hex"),
    "a charset that decodes nothing": (FORM, "multipart/form-data; boundary=x; charset=undefined"),
    "an unknown transport": (json.dumps(GOOD | {"transport": "carrier pigeon"}), "application/json"),
    "transport a list": (json.dumps(GOOD | {"transport": ["body"]}), "application/json"),
}


@pytest.mark.parametrize(("body", "content_type"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_is_400(ada: Person, body: str | bytes, content_type: str) -> None:
    answer = Client().generic("POST", "/auth/login/", body, content_type=content_type)

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert "rosa" not in answer.content.decode()


@pytest.mark.parametrize("path", ["refresh", "logout"])
@pytest.mark.parametrize("name", ["broken JSON", "a list", "10 MB", "100,000 brackets", "a member twice", "plain text"])
def test_a_malformed_refresh_or_logout_is_400_too(db: None, path: str, name: str) -> None:
    body, content_type = MALFORMED[name]

    assert Client().post(f"/auth/{path}/", body, content_type=content_type).status_code == 400


def test_a_length_that_is_no_number_is_400(ada: Person) -> None:
    answer = Client().post("/auth/login/", GOOD, content_type="application/json", CONTENT_LENGTH="many")

    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "trace"])
def test_login_is_post_only(method: str) -> None:
    answer = getattr(Client(), method)("/auth/login/")

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"


class Counting(PBKDF2PasswordHasher):
    """What a way through the code costs is its hashes, and how many rounds each of them has."""

    iterations = 3
    done: ClassVar[list[int | None]] = []

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        self.done.append(iterations or self.iterations)
        return super().encode(password, salt, iterations)


@override_settings(PASSWORD_HASHERS=[f"{__name__}.Counting"])
def test_nobody_learns_which_users_exist(db: None, api: Api, person: Callable[..., Person]) -> None:
    """Same status, body and headers, and one password hash each."""
    ada, inactive = person("ada"), person("alan", is_active=False)
    tries = {
        "wrong password": {"username": ada.name, "password": "wrong"},
        "unknown user": {"username": ada.name.replace("ada", "nobody"), "password": "wrong"},
        "inactive user": {"username": inactive.name, "password": PASSWORD},
    }
    answers, hashes = {}, {}
    for name, body in tries.items():
        Counting.done.clear()
        answers[name] = api.post("/auth/login/", body)
        hashes[name] = [*Counting.done]

    assert {answer.status_code for answer in answers.values()} == {401}
    assert len({answer.content for answer in answers.values()}) == 1
    assert len({str(sorted(answer.items())) for answer in answers.values()}) == 1
    assert answers["wrong password"].json()["error"] == "invalid_credentials"
    assert 'error="invalid_credentials"' in answers["wrong password"]["WWW-Authenticate"]
    assert list(hashes.values()) == [[3], [3], [3]]
    assert Session.objects.count() == 0


@pytest.mark.parametrize("authorization", ["Bearer garbage", "Bearer a.b.c", "Bearer", "Basic YTpi", "nonsense"])
def test_a_stale_authorization_header_does_not_spoil_a_right_password(
    api: Api, ada: Person, authorization: str
) -> None:
    body = {"username": ada.name, "password": PASSWORD}
    refresh_token = api.login(ada)["refresh_token"]

    assert api.post("/auth/login/", body, authorization=authorization).status_code == 200
    body = {"refresh_token": refresh_token}
    assert api.post("/auth/refresh/", body, authorization=authorization).status_code == 200
    assert api.post("/auth/logout/", body, authorization=authorization).status_code == 204


def test_passwords_are_used_exactly_as_sent(db: None, api: Api, person: Callable[..., Person]) -> None:
    ada = person("ada")
    ada.user.set_password("  Ünïcode\tand blanks  ")
    ada.user.save()

    for password, status in [("  Ünïcode\tand blanks  ", 200), ("Ünïcode\tand blanks", 401)]:
        assert api.post("/auth/login/", {"username": ada.name, "password": password}).status_code == status


def test_what_else_is_in_the_request_widens_nothing(api: Api, ada: Person) -> None:
    more = {
        "sid": "x",
        "user_id": 1,
        "groups": ["registrar"],
        "expires_in": 10**9,
        "is_superuser": True,
    }

    token = auth.verify(api.login(ada, **more)["access_token"])

    assert (token.groups, token.scope, token.exp - token.claims["iat"]) == ((), frozenset(), 300)
    assert Session.objects.get().user == ada.user


def test_djangos_own_signals_are_sent(api: Api, ada: Person) -> None:
    heard: list[Any] = []

    def logged_in(sender: Any, user: Any, request: Any, **_: Any) -> None:
        heard.append((user, request.path))

    def failed(sender: Any, credentials: Any, request: Any, **_: Any) -> None:
        heard.append(credentials)

    user_logged_in.connect(logged_in)
    user_login_failed.connect(failed)
    try:
        api.login(ada)
        api.post("/auth/login/", {"username": ada.name, "password": "wrong"})
    finally:
        user_logged_in.disconnect(logged_in)
        user_login_failed.disconnect(failed)

    assert heard[0] == (ada.user, "/auth/login/")
    assert heard[1][get_user_model().USERNAME_FIELD] == ada.name
    assert "wrong" not in str(heard[1])
    ada.user.refresh_from_db()
    assert ada.user.last_login is not None


def test_the_session_knows_its_device(api: Api, ada: Person) -> None:
    api.post("/auth/login/", {"username": ada.name, "password": PASSWORD}, user_agent="Fire\0fox" + "x" * 500)

    session = Session.objects.get()
    assert session.user_agent == "Firefox" + "x" * 193
    assert session.ip_address == "127.0.0.1"
    assert session.expires_at - session.created_at >= timedelta(days=89, hours=23)


def test_a_login_by_other_means_is_one_call(ada: Person, api: Api) -> None:
    tokens = auth.login(ada.user)

    assert api.get("/auth/me/", tokens.access_token).status_code == 200
    assert tokens.access_token not in repr(tokens)
    assert tokens.refresh_token not in repr(tokens)


def test_an_inactive_user_cannot_be_logged_in_by_any_means(db: None, person: Callable[..., Person]) -> None:
    alan = person("alan", is_active=False)

    with pytest.raises(InvalidCredentials):
        auth.login(alan.user)


class _BrokenBackend:
    def authenticate(self, request: Any, **credentials: Any) -> None:
        raise OperationalError("the database is gone")


def test_a_database_that_does_not_answer_is_503(api: Api, db: None) -> None:
    with override_settings(AUTHENTICATION_BACKENDS=["tests.auth.test_login._BrokenBackend"]):
        answer = api.post("/auth/login/", GOOD)

    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"
    assert int(answer["Retry-After"]) > 0
