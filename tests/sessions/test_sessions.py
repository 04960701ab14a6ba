"""`sessions/` and `password/`: where I am logged in, and how I end that; what is another's is not there."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from django_ironclad import auth, sessions
from django_ironclad.models import Session
from django_ironclad.sessions.revoked import revoked_sessions
from django_ironclad.testing import recorded

from ..conftest import PASSWORD, Api, Person, race, time_passes

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW = "an entirely other one 7"


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['access_token']}"}


def sid(tokens: dict[str, Any]) -> str:
    return str(tokens["refresh_token"].split(".")[0])


def delete(path: str, tokens: dict[str, Any]) -> Any:
    return Client().delete(f"/auth/sessions/{path}", headers=bearer(tokens))


def alive(api: Api, tokens: dict[str, Any]) -> bool:
    return api.get("/drf/members/", tokens["access_token"]).status_code == 200


@pytest.fixture
def three(api: Api, ada: Person) -> list[dict[str, Any]]:
    return [api.login(ada) for _ in range(3)]


def test_my_sessions_are_listed_the_last_used_first(api: Api, ada: Person, person: Callable[..., Person]) -> None:
    api.login(person("rosa"))
    body = {"username": ada.name, "password": PASSWORD}
    old = api.post("/auth/login/", body, user_agent=FIREFOX).json()
    time_passes(hours=1)
    new = api.login(ada)

    answer = api.get("/auth/sessions/", new["access_token"])

    assert answer["Cache-Control"] == "no-store"
    listed = answer.json()["sessions"]
    assert [each["id"] for each in listed] == [sid(new), sid(old)]
    assert [each["current"] for each in listed] == [True, False]
    assert listed[1]["device"] == "Firefox on Windows"
    assert listed[1]["ip_address"] == "127.0.0.1"
    assert set(listed[0]) == {"id", "device", "ip_address", "created_at", "last_used_at", "current"}


def test_only_living_sessions_are_listed(api: Api, ada: Person) -> None:
    ended, rested = api.login(ada), api.login(ada)
    api.logout(ended["refresh_token"])
    time_passes(days=15)
    tokens = api.login(ada)

    assert [each["id"] for each in api.get("/auth/sessions/", tokens["access_token"]).json()["sessions"]] == [
        sid(tokens)
    ]
    assert Session.objects.get(pk=sid(rested)).revoked_at is None


def test_i_end_one(api: Api, three: list[dict[str, Any]]) -> None:
    assert delete(f"{sid(three[1])}/", three[0]).status_code == 204

    assert [alive(api, each) for each in three] == [True, False, True]
    assert api.refresh(three[1]["refresh_token"]).status_code == 400
    assert Session.objects.get(pk=sid(three[1])).revoked_reason == "user"


def test_i_end_all_others(api: Api, three: list[dict[str, Any]]) -> None:
    assert delete("", three[0]).status_code == 204

    assert [alive(api, each) for each in three] == [True, False, False]


def test_i_end_this_one(api: Api, three: list[dict[str, Any]]) -> None:
    assert delete(f"{sid(three[0])}/", three[0]).status_code == 204

    assert [alive(api, each) for each in three] == [False, True, True]
    assert delete(f"{sid(three[1])}/", three[0]).status_code == 401


def test_what_is_not_mine_is_not_there(api: Api, ada: Person, person: Callable[..., Person]) -> None:
    """The matrix: each endpoint with another's session, a guessed one, a malformed one, and one that ended."""
    rosa = api.login(person("rosa"))
    mine, ended = api.login(ada), api.login(ada)
    sessions.revoke(sid(ended), reason="earlier")
    rosas_ended = api.login(person("alan"))
    sessions.revoke(sid(rosas_ended), reason="earlier")
    before = list(Session.objects.order_by("pk").values())
    statuses = {}
    for name, path in {
        "another's": sid(rosa),
        "another's that ended": sid(rosas_ended),
        "guessed": str(uuid.uuid4()),
        "nil": str(uuid.UUID(int=0)),
        "malformed": "1",
        "a quote": "'%20OR%201=1--",
        "NUL": "%00",
        "a refresh token": rosa["refresh_token"],
        "mine that ended": sid(ended),
    }.items():
        answer = delete(f"{path}/", mine)
        statuses[name] = answer.status_code
        if answer.status_code == 404:
            assert answer.json() == {
                "error": "not_found",
                "error_description": "There is no such thing of yours.",
            }

    assert statuses.pop("mine that ended") == 204
    assert set(statuses.values()) == {404}, statuses
    assert list(Session.objects.order_by("pk").values()) == before
    assert alive(api, rosa)
    listed = api.get("/auth/sessions/", mine["access_token"]).content.decode()
    assert sid(rosa) not in listed


@pytest.mark.parametrize("method", ["get", "delete"])
def test_without_a_good_token_it_is_401(api: Api, three: list[dict[str, Any]], method: str) -> None:
    call = getattr(Client(), method)
    for headers in ({}, {"authorization": "Bearer garbage"}, {"authorization": f"Bearer {three[0]['refresh_token']}"}):
        for path in ("", f"{sid(three[0])}/"):
            status = call(f"/auth/sessions/{path}", headers=headers).status_code
            assert status == (405 if path and method == "get" else 401)
    assert [alive(api, each) for each in three] == [True] * 3


def test_a_user_has_so_many_sessions_at_most_and_the_least_used_goes(api: Api, ada: Person) -> None:
    with override_settings(IRONCLAD={"SESSIONS_PER_USER": 3}):
        tokens = []
        for _ in range(3):
            tokens.append(api.login(ada))
            time_passes(minutes=1)
        tokens[0] |= api.refresh(tokens[0]["refresh_token"]).json()
        time_passes(minutes=1)
        tokens.append(api.login(ada))

    assert [alive(api, each) for each in tokens] == [True, False, True, True]
    assert Session.objects.get(pk=sid(tokens[1])).revoked_reason == "too_many"


def test_nobody_elses_sessions_count(api: Api, ada: Person, person: Callable[..., Person]) -> None:
    rosas = api.login(person("rosa"))
    with override_settings(IRONCLAD={"SESSIONS_PER_USER": 1}):
        mine = api.login(ada)

    assert [alive(api, each) for each in (rosas, mine)] == [True, True]


@pytest.mark.django_db(transaction=True)
def test_twenty_who_log_in_at_once_leave_no_more_sessions_than_allowed(ada: Person) -> None:
    with override_settings(IRONCLAD={"SESSIONS_PER_USER": 5}):
        race(20, lambda _: Api().login(ada))
        assert Session.objects.live().count() == 5


# What everybody hears, whoever ends them, and when it cannot be stored.


def test_each_beginning_and_each_end_is_one_line_in_the_log_and_one_signal(
    ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django_ironclad")
    with recorded() as events:
        auth.login(ada.user, client_id="an app", amr=["pwd", "otp"])
        session = Session.objects.get()
        sessions.revoke(session.pk, reason="lost")

    who = {"session": str(session.pk), "user": str(ada.user.pk)}
    assert (session.client_id, session.amr) == ("an app", "pwd otp")
    assert [(event.name, event.session, event.facts) for event in events] == [
        ("session_started", session, {}),
        ("session_revoked", session, {"reason": "lost"}),
    ]
    assert [(record.name, record.levelname, record.message) for record in caplog.records] == [
        ("django_ironclad", "INFO", f"session_started {json.dumps(who)}"),
        ("django_ironclad", "INFO", f"session_revoked {json.dumps({**who, 'reason': 'lost'})}"),
    ]
    assert {**who, "event": "session_revoked", "reason": "lost"}.items() <= vars(caplog.records[1]).items()


def test_whatever_the_reason_says_the_line_stays_one_and_its_json_says_the_same(
    ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django_ironclad")
    auth.login(ada.user)
    reason = 'lost\n\x1b[1A\x7f\x9b "phone"'
    sessions.revoke(Session.objects.get(), reason=reason)

    event, _, said = caplog.records[-1].getMessage().partition(" ")
    assert event == "session_revoked"
    assert said.isascii()
    assert said.isprintable()
    assert json.loads(said)["reason"] == reason


@pytest.fixture
def elsewhere() -> Iterator[BaseDatabaseWrapper]:
    """The connection that a router chooses for whatever is written of sessions: another one to the same database."""
    connections["elsewhere"] = connection.copy("elsewhere")  # type: ignore[no-untyped-call]
    with override_settings(DATABASE_ROUTERS=["tests.sessions.test_sessions.Elsewhere"]):
        yield connections["elsewhere"]
    connections["elsewhere"].close()
    del connections["elsewhere"]


class Elsewhere:
    def db_for_write(self, model: type[Any], **_: object) -> str | None:
        return "elsewhere" if model is Session else None


@pytest.mark.django_db(transaction=True)
def test_many_end_together_or_none_does(
    ada: Person, three: list[dict[str, Any]], elsewhere: BaseDatabaseWrapper
) -> None:
    updates = []

    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        updates.extend([sql] * sql.startswith("UPDATE"))
        if len(updates) == 2:
            raise OperationalError("the database is gone")
        return execute(sql, *rest)

    with recorded() as events:
        with elsewhere.execute_wrapper(fail), pytest.raises(OperationalError):
            sessions.revoke_all(ada.user, reason="all", keep=sid(three[0]))
        assert Session.objects.live().count() == 3
        assert not events


@pytest.mark.django_db(transaction=True)
def test_others_are_told_again_once_the_end_is_committed_wherever_sessions_are_written(
    ada: Person, three: list[dict[str, Any]], elsewhere: BaseDatabaseWrapper
) -> None:
    invalidated = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(revoked_sessions, "invalidate", lambda sids: invalidated.append(set(sids)))
        with transaction.atomic(using="elsewhere"):
            sessions.revoke(sid(three[0]), reason="soon")
            assert invalidated == [{sid(three[0])}]

    assert invalidated == [{sid(three[0])}] * 2


def test_an_end_that_was_none_makes_nobody_read_again(
    api: Api, three: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    api.logout(three[0]["refresh_token"])
    invalidated = []
    monkeypatch.setattr(revoked_sessions, "invalidate", lambda sids: invalidated.append(set(sids)))

    assert not sessions.revoke(sid(three[0]), reason="again")

    assert not invalidated


def test_a_session_moves_to_the_new_secret_key_once_alone_and_only_from_where_it_was_seen(ada: Person) -> None:
    for _ in range(2):
        auth.login(ada.user)
    session, other = Session.objects.select_related("user").order_by("pk")
    with override_settings(SECRET_KEY="a new one", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        current = ada.user.get_session_auth_hash()
        with CaptureQueriesContext(connection) as queries:
            sessions.follow_secret_key(session)
            session.refresh_from_db(fields=["auth_hash"])
            sessions.follow_secret_key(session)
        assert [query["sql"].split()[0] for query in queries] == ["UPDATE", "SELECT"]
        assert session.auth_hash == current
        other.refresh_from_db(fields=["auth_hash"])
        assert other.auth_hash != current

        Session.objects.filter(pk=other.pk).update(auth_hash="another's")
        sessions.follow_secret_key(other)
        other.refresh_from_db(fields=["auth_hash"])
        assert other.auth_hash == "another's"


# The password.


def change(tokens: dict[str, Any], **body: Any) -> Any:
    return Client().post("/auth/password/", json.dumps(body), "application/json", headers=bearer(tokens))


def test_a_new_password_ends_every_other_session(api: Api, ada: Person, three: list[dict[str, Any]]) -> None:
    answer = change(three[0], old_password=PASSWORD, new_password=NEW)

    assert answer.status_code == 200
    three[0] = answer.json()
    assert [alive(api, each) for each in three] == [True, False, False]
    assert [api.refresh(each["refresh_token"]).status_code for each in three] == [200, 400, 400]
    assert Session.objects.get(pk=sid(three[1])).revoked_reason == "password_changed"
    assert api.post("/auth/login/", {"username": ada.name, "password": PASSWORD}).status_code == 401
    assert api.post("/auth/login/", {"username": ada.name, "password": NEW}).status_code == 200


def test_a_wrong_old_password_is_400_for_401_means_refresh(api: Api, three: list[dict[str, Any]]) -> None:
    answer = change(three[0], old_password="wrong", new_password=NEW)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_credentials")
    assert [alive(api, each) for each in three] == [True] * 3


def test_djangos_validators_have_their_say(api: Api, three: list[dict[str, Any]]) -> None:
    validators = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
    with override_settings(AUTH_PASSWORD_VALIDATORS=validators):
        answer = change(three[0], old_password=PASSWORD, new_password="short")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "too short" in answer.json()["error_description"]
    assert [alive(api, each) for each in three] == [True] * 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"old_password": PASSWORD},
        {"new_password": NEW},
        {"old_password": 7, "new_password": NEW},
        {"old_password": PASSWORD, "new_password": "x" * 2000},
        {"old_password": PASSWORD, "new_password": "\ud800"},
        {"old_password": PASSWORD, "new_password": "a\0b"},
    ],
)
def test_a_malformed_change_is_400(three: list[dict[str, Any]], body: dict[str, Any]) -> None:
    answer = change(three[0], **body)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_change_without_a_good_token_is_401(ada: Person) -> None:
    assert change({"access_token": "garbage"}, old_password=PASSWORD, new_password=NEW).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_refresh_that_races_with_the_change_signs_this_device_not_out(api: Api, ada: Person) -> None:
    for _ in range(20):
        tokens = api.login(ada)
        new = PASSWORD if ada.password == NEW else NEW
        acts = [
            lambda tokens=tokens: Api().refresh(tokens["refresh_token"]),
            lambda tokens=tokens, new=new: change(tokens, old_password=ada.password, new_password=new),
        ]
        refreshed, changed = race(2, lambda number, acts=acts: acts[number]())
        # Before the change it is answered; after it, asked to come again, by when the new token will have arrived.
        assert (refreshed.status_code, changed.status_code) in [(200, 200), (503, 200)]
        ada.password = new
        time_passes(seconds=60)
        assert api.refresh(changed.json()["refresh_token"]).status_code == 200
