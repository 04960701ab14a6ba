"""`wire.json` says what goes over the wire: here the server is held to it, in client/tests/wire.test.ts the client."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from django_ironclad import auth, urls
from django_ironclad.decorators import requires, requires_recent_login, strict
from django_ironclad.errors import IroncladError
from django_ironclad.http import body as http_body
from django_ironclad.tokens.encoding import b64decode

from ..conftest import Person, time_passes
from ..described import assert_described
from ..test_checks import pem

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
WIRE: dict[str, Any] = json.loads((ROOT / "wire.json").read_text())
ENDPOINTS: dict[str, Any] = WIRE["endpoints"]
CALLS: dict[str, Any] = ENDPOINTS | {"GET /view/": WIRE["views"]}
TYPES = {str: "string", int: "number", bool: "boolean", type(None): "null"}

Make = Callable[..., Person]


@strict
@requires(scope="write", group="staff")
@requires_recent_login(max_age=timedelta(hours=1))
def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("auth/", include(urls)), path("view/", view)]


def say(user: Any, groups: list[str]) -> dict[str, Any]:
    return {"groups": ["staff"] if user.is_staff else groups}


def grant(user: Any, groups: list[str]) -> list[str]:
    return [] if "nobody" in user.get_username() else ["read", "write"]


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__, IRONCLAD={"CLAIMS": say, "SCOPES": grant}):
        yield


class Caller:
    """Somebody who is signed in, and sends with each call what it takes, but for what a test changes."""

    def __init__(self, person: Person, transport: str | None = "body", scope: str | None = "write") -> None:
        self.user = person.user
        self.client = Client(headers={"origin": "http://testserver", "user-agent": "Test/1"})
        self.known: dict[str, Any] = {
            "username": person.name,
            "password": person.password,
            "old_password": person.password,
            "new_password": "an entirely other one 7",
            "transport": transport,
            "scope": scope,
        }
        self.sid = ""
        self.take(self.call("POST login/"))
        self.sid = claims(self.access_token)["sid"]

    def take(self, answer: Any) -> None:
        assert answer.status_code == 200, answer.content
        self.access_token = answer.json()["access_token"]
        self.known["refresh_token"] = answer.json().get("refresh_token")

    def call(self, call: str, body: str | None = None, content_type: str = "application/json", **headers: str) -> Any:
        """The answer, which is as openapi.yaml says; a field that is known as None is left out."""
        method, below = call.split()
        if body is None:
            known = {name: self.known[name] for name in names(CALLS[call].get("request", {}))}
            known = {name: value for name, value in known.items() if value is not None}
            body = json.dumps(known) if content_type == "application/json" else urlencode(known)
        if "invalid_token" in CALLS[call]["errors"]:
            headers = {"authorization": f"Bearer {self.access_token}"} | headers
        address = urljoin("/auth/", below).replace("<sid>", self.sid)
        answer = self.client.generic(method, address, body, content_type, headers=headers)
        if call in ENDPOINTS:
            assert_described(call, answer)
        return answer


def claims(access_token: str) -> dict[str, Any]:
    return dict(json.loads(b64decode(access_token.split(".")[1])))


def names(shape: dict[str, Any]) -> set[str]:
    return {name.removesuffix("?") for name in shape}


def assert_shape(shape: Any, seen: list[Any]) -> None:
    """All that was seen has this shape, and what may be missing was missing once and there once."""
    if isinstance(shape, str):
        assert {TYPES[type(each)] for each in seen} <= set(shape.split(" | "))
    elif isinstance(shape, list):
        items = [item for each in seen for item in each]
        if items:
            assert_shape(shape[0], items)
    else:
        assert set.intersection(*map(set, seen)) == {name for name in shape if not name.endswith("?")}
        assert set.union(*map(set, seen)) == names(shape)
        for name, inner in shape.items():
            bare = name.removesuffix("?")
            assert_shape(inner, [each[bare] for each in seen if bare in each])


@pytest.fixture
def callers(person: Make, has_groups: bool) -> list[Caller]:
    """One for each way in which a refresh token travels, and one who neither says nor is granted anything."""
    groups = ("registrar",) if has_groups else ()
    return [
        Caller(person("ada", groups=groups), "body"),
        Caller(person("alan"), "cookie", "read"),
        Caller(person("nobody"), None, None),
    ]


@pytest.fixture
def ring(_project: None) -> Iterator[None]:
    """Keys of every kind, so that there is something to publish."""
    keys = [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ]
    with override_settings(IRONCLAD={**settings.IRONCLAD, "KEYS": [pem(key) for key in keys]}):
        yield


def test_each_path_and_method_of_ours_is_in_it_and_no_other(callers: list[Caller]) -> None:
    paths = {re.sub(r"<\w+:", "<", str(each.pattern)) for each in urls.urlpatterns}
    assert {call.split()[1] for call in ENDPOINTS} == paths

    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    every = [f"{method} {path}" for path in paths for method in methods]
    client = Client()
    refused = {call for call in every if client.generic(call.split()[0], f"/auth/{call.split()[1]}").status_code == 405}
    assert set(every) - refused == set(ENDPOINTS)


def test_the_readme_names_each_path() -> None:
    table = (ROOT / "README.md").read_text().partition("## What a client has to know")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(?:[A-Z]+ )?auth/(.*?)`", table)) == {
        call.split()[1].replace("<sid>", "<id>") for call in ENDPOINTS
    }


@pytest.mark.parametrize("call", ENDPOINTS)
@pytest.mark.usefixtures("ring")
def test_an_answer_has_the_status_and_the_fields_that_it_names(callers: list[Caller], call: str) -> None:
    answers = [caller.call(call) for caller in callers]

    assert {answer.status_code for answer in answers} == {ENDPOINTS[call]["status"]}
    if "answer" in ENDPOINTS[call]:
        assert_shape(ENDPOINTS[call]["answer"], [answer.json() for answer in answers])
    else:
        assert {answer.content for answer in answers} == {b""}


@pytest.mark.parametrize("call", [call for call in ENDPOINTS if "request" in ENDPOINTS[call]])
def test_the_server_reads_the_fields_that_it_names_and_no_other(
    callers: list[Caller], call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[str] = set()

    class Body(dict[str, Any]):
        def __contains__(self, name: object) -> bool:
            read.add(str(name))
            return super().__contains__(name)

        def __getitem__(self, name: str) -> Any:
            read.add(name)
            return super().__getitem__(name)

        def get(self, name: str, default: Any = None) -> Any:
            read.add(name)
            return super().get(name, default)

    load = http_body.load_json
    monkeypatch.setattr(http_body, "load_json", lambda body: Body(load(body)))
    for caller in callers:
        assert caller.call(call).status_code == ENDPOINTS[call]["status"]

    # A user name may come by the name of its field, too.
    assert read - {get_user_model().USERNAME_FIELD, "username"} == names(ENDPOINTS[call]["request"]) - {"username"}


@pytest.mark.parametrize(
    ("call", "name"),
    [(call, name) for call in ENDPOINTS for name in ENDPOINTS[call].get("request", {}) if "?" not in name],
)
def test_a_field_without_a_question_mark_is_required(ada: Person, call: str, name: str) -> None:
    caller = Caller(ada)
    caller.known[name] = None

    answer = caller.call(call)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert f'"{name}"' in answer.json()["error_description"]


def test_the_tokens_say_what_it_says(callers: list[Caller]) -> None:
    by_other_means = auth.login(callers[0].user).access_token
    with override_settings(IRONCLAD={"CLAIMS": lambda user, groups: {"groups": None}}):
        without_groups = auth.login(callers[0].user).access_token
    tokens = [by_other_means, without_groups, *(caller.access_token for caller in callers)]
    assert_shape(WIRE["access_token"], [claims(token) for token in tokens])
    for caller in callers:
        token = caller.known["refresh_token"]
        if token:
            parts = dict(zip(WIRE["refresh_token"].split("."), token.split("."), strict=True))
            assert parts | {"mac": ""} == {"sid": caller.sid, "generation": "0", "branch": "0", "mac": ""}


def malformed(caller: Caller, call: str) -> Any:
    return caller.call(call, body="[]")


def wrong_password(caller: Caller, call: str) -> Any:
    caller.known |= {"password": "wrong", "old_password": "wrong"}
    return caller.call(call)


def wrong_refresh_token(caller: Caller, call: str) -> Any:
    caller.known["refresh_token"] = "garbage"
    return caller.call(call)


def wrong_access_token(caller: Caller, call: str) -> Any:
    return caller.call(call, authorization="Bearer garbage")


def anothers_session(caller: Caller, call: str) -> Any:
    caller.sid = str(uuid4())
    return caller.call(call)


def foreign_page(caller: Caller, call: str) -> Any:
    caller.known |= {"transport": "cookie", "refresh_token": None}
    return caller.call(call, origin="https://elsewhere.example")


def many_guesses(caller: Caller, call: str) -> Any:
    with override_settings(AXES_ENABLED=True, AXES_FAILURE_LIMIT=2):
        for _ in range(2):
            answer = wrong_password(caller, call)
    return answer


def broken_database(caller: Caller, call: str) -> Any:
    def fail(*args: Any) -> Any:
        raise OperationalError("the database is gone")

    with connection.execute_wrapper(fail):
        return caller.call(call)


def unknown_scope(caller: Caller, call: str) -> Any:
    caller.known["scope"] = "everything"
    return caller.call(call)


def narrow_scope(caller: Caller, call: str) -> Any:
    caller.known["scope"] = "read"
    caller.take(caller.call("POST login/"))
    return caller.call(call)


def no_longer_staff(caller: Caller, call: str) -> Any:
    caller.user.is_staff = False
    caller.user.save()
    caller.take(caller.call("POST refresh/"))
    return caller.call(call)


def login_of_yesterday(caller: Caller, call: str) -> Any:
    time_passes(days=1)
    caller.take(caller.call("POST refresh/"))
    return caller.call(call)


PROVOKED_BY = {
    "access_denied": no_longer_staff,
    "insufficient_scope": narrow_scope,
    "insufficient_user_authentication": login_of_yesterday,
    "invalid_credentials": wrong_password,
    "invalid_grant": wrong_refresh_token,
    "invalid_request": malformed,
    "invalid_scope": unknown_scope,
    "invalid_token": wrong_access_token,
    "not_found": anothers_session,
    "origin_not_allowed": foreign_page,
    "rate_limited": many_guesses,
    "temporarily_unavailable": broken_database,
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("code", PROVOKED_BY)
def test_an_error_is_answered_with_its_status_and_headers_where_it_says_so_and_nowhere_else(
    person: Make, call: str, code: str
) -> None:
    caller = Caller(person("ada", is_staff=True), "cookie" if code == "origin_not_allowed" else "body")

    answer = PROVOKED_BY[code](caller, call)

    errors = CALLS[call]["errors"]
    if code not in errors:
        assert code.encode() not in answer.content
        return
    assert (answer.json()["error"], answer.status_code) == (code, errors[code])
    shape = WIRE["errors"]["answer"] | WIRE["errors"]["besides"].get(code, {})
    assert_shape(shape, [answer.json()])
    assert ("Retry-After" in answer) == (code in WIRE["errors"]["retry_after"])
    challenged = answer.status_code in (401, 403)
    assert re.findall(r'(\w+)="', answer.get("WWW-Authenticate", "")) == (["realm", *shape] if challenged else [])


@pytest.mark.parametrize("call", [call for call in ENDPOINTS if "invalid_token" in ENDPOINTS[call]["errors"]])
def test_who_sends_no_access_token_is_challenged_by_the_realm_alone(ada: Person, call: str) -> None:
    answer = Caller(ada).call(call, authorization="")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert re.fullmatch(r'Bearer realm="[^"]+"', answer["WWW-Authenticate"])


def test_each_error_of_ours_is_in_it_with_its_status_and_can_be_provoked() -> None:
    def below(error: type[IroncladError]) -> Iterator[type[IroncladError]]:
        for each in error.__subclasses__():
            yield each
            yield from below(each)

    told = {row for endpoint in CALLS.values() for row in endpoint["errors"].items()}
    assert told == {(error.code, error.status) for error in below(IroncladError)}
    assert {code for code, _ in told} == set(PROVOKED_BY)
