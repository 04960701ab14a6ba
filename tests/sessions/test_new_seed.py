"""A changed or confirmed password gives its session a new seed: whoever else has a refresh token of it has nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from django_ironclad import auth
from django_ironclad.errors import InvalidGrant, InvalidToken, RefreshTokenReplaced
from django_ironclad.models import Session

from ..conftest import PASSWORD, Api, Person, race, time_passes
from ..http.test_cookies import NAME, Browser

NEW = "another horse, another staple"
pytestmark = pytest.mark.django_db
Step = Callable[[Api, dict[str, Any]], Any]


def change(api: Api, tokens: dict[str, Any]) -> Any:
    body = {"old_password": PASSWORD, "new_password": NEW}
    return api.post("/auth/password/", body, authorization=f"Bearer {tokens['access_token']}")


def confirm(api: Api, tokens: dict[str, Any]) -> Any:
    return api.post("/auth/reauthenticate/", {"password": PASSWORD}, authorization=f"Bearer {tokens['access_token']}")


steps = pytest.mark.parametrize("step", [change, confirm])


@steps
def test_this_device_goes_on_with_the_new_tokens(api: Api, ada: Person, step: Step) -> None:
    tokens = api.login(ada)

    answer = step(api, tokens)

    assert answer.status_code == 200
    new = answer.json()
    assert set(new) == set(tokens)
    assert new["refresh_token"] != tokens["refresh_token"]
    time_passes(seconds=61)
    assert api.refresh(new["refresh_token"]).status_code == 200
    assert api.get("/auth/me/", new["access_token"]).status_code == 200


@steps
def test_the_old_refresh_token_is_told_to_wait_and_then_it_is_nobodys(api: Api, ada: Person, step: Step) -> None:
    tokens = api.login(ada)
    old = tokens["refresh_token"]
    new = step(api, tokens).json()

    for seconds in (0, 59):
        time_passes(seconds=seconds)
        answer = api.refresh(old)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer.json()["error"] == "temporarily_unavailable"
    time_passes(seconds=2)
    answer = api.refresh(old)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")

    assert Session.objects.get().revoked_at is None
    assert api.refresh(new["refresh_token"]).status_code == 200


@steps
def test_a_thief_who_has_rotated_ahead_holds_nothing(api: Api, ada: Person, step: Step) -> None:
    tokens = api.login(ada)
    stolen = api.refresh(tokens["refresh_token"]).json()["refresh_token"]
    time_passes(seconds=61)
    stolen = [stolen, api.refresh(stolen).json()["refresh_token"]]

    new = step(api, tokens).json()

    time_passes(seconds=61)
    assert [api.refresh(each).status_code for each in stolen] == [400, 400]
    assert api.refresh(new["refresh_token"]).status_code == 200


@steps
def test_a_forged_token_learns_nothing_and_a_logout_with_an_old_one_ends_nothing(
    api: Api, ada: Person, step: Step
) -> None:
    tokens = api.login(ada)
    forged = tokens["refresh_token"][:-43] + "A" * 43
    step(api, tokens)

    answers = [api.refresh(tokens["refresh_token"]), api.refresh(forged), api.logout(forged)]
    answers += [api.logout(tokens["refresh_token"])]

    assert {(answer.status_code, answer.content, answer["Retry-After"]) for answer in answers} == {
        (503, answers[0].content, "5")
    }
    assert Session.objects.get().revoked_at is None
    time_passes(seconds=61)
    assert [api.logout(each).status_code for each in (forged, tokens["refresh_token"])] == [204, 204]
    assert Session.objects.get().revoked_at is None


@steps
def test_the_line_begins_anew(api: Api, ada: Person, step: Step) -> None:
    tokens = api.login(ada)
    Session.objects.update(generation=7, branch=3, parent_branch=2, repeated=True, doubts=11)

    step(api, tokens)

    session = Session.objects.get()
    line = session.line
    assert (line.generation, line.branch, line.parent_branch, line.repeated, line.doubts) == (8, 0, 0, False, 0)
    assert session.seeded_at == session.rotated_at


def test_however_many_changes_there_are_old_tokens_wait_for_the_last(api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    second = confirm(api, tokens).json()
    time_passes(seconds=50)
    third = confirm(api, second).json()
    time_passes(seconds=50)

    assert [api.refresh(each["refresh_token"]).status_code for each in (tokens, second, third)] == [503, 503, 200]


def test_a_cookie_session_gets_a_new_cookie_and_no_token_in_the_body(ada: Person) -> None:
    with override_settings(SESSION_COOKIE_SECURE=True):
        browser = Browser()
        token = browser.login(ada).json()["access_token"]
        before = browser.cookie

        answer = browser.post("reauthenticate", {"password": PASSWORD}, authorization=f"Bearer {token}")

        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
        assert browser.cookie != before
        assert browser.post("refresh").status_code == 200
        browser.client.cookies[NAME] = before
        assert browser.post("refresh").status_code == 503


@pytest.mark.parametrize(
    ("path", "body"),
    [("password", {"old_password": PASSWORD, "new_password": NEW}), ("reauthenticate", {"password": PASSWORD})],
)
def test_a_cookie_session_passes_the_gates_before_a_password_is_looked_at(
    ada: Person, path: str, body: dict[str, str]
) -> None:
    with override_settings(SESSION_COOKIE_SECURE=True):
        token = Browser().login(ada).json()["access_token"]
        elsewhere = Browser("https://evil.example")

        for each in (body, dict.fromkeys(body, "wrong")):
            answer = elsewhere.post(path, each, authorization=f"Bearer {token}")
            assert (answer.status_code, answer.json()["error"]) == (403, "origin_not_allowed")

        assert Browser().post(path, body, authorization=f"Bearer {token}").status_code == 200


def test_a_body_session_passes_no_gates(api: Api, ada: Person) -> None:
    assert confirm(api, api.login(ada)).status_code == 200


def test_a_login_over_a_cookie_that_was_just_replaced_succeeds(ada: Person) -> None:
    with override_settings(SESSION_COOKIE_SECURE=True):
        browser = Browser()
        token = browser.login(ada).json()["access_token"]
        before = browser.cookie
        browser.post("reauthenticate", {"password": PASSWORD}, authorization=f"Bearer {token}")
        browser.client.cookies[NAME] = before

        assert browser.login(ada).status_code == 200
        assert browser.post("refresh").status_code == 200


def test_a_session_that_ended_meanwhile_gets_no_seed(ada: Person) -> None:
    response = auth.login(ada.user)
    session = auth.session_of(auth.verify(response.access_token))
    auth.logout(response.refresh_token)
    seed = bytes(Session.objects.get().seed)

    with pytest.raises(InvalidToken, match="ended meanwhile"):
        auth.reauthenticate(session)

    assert bytes(Session.objects.get().seed) == seed


def test_a_session_that_cannot_have_an_access_token_keeps_its_seed_and_its_password(api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    broken = {"CLAIMS": lambda user, groups: {"iss": "mine"}}
    with override_settings(IRONCLAD=broken):
        api.http.raise_request_exception = False
        assert change(api, tokens).status_code == 500
        assert confirm(api, tokens).status_code == 500

    assert api.refresh(tokens["refresh_token"]).status_code == 200
    ada.user.refresh_from_db()
    assert ada.user.check_password(PASSWORD)


def test_the_pause_follows_the_grace(api: Api, ada: Person) -> None:
    with override_settings(IRONCLAD={"REUSE_GRACE": timedelta(seconds=1)}):
        response = auth.login(ada.user)
        auth.reauthenticate(auth.verify(response.access_token))
        with pytest.raises(RefreshTokenReplaced):
            auth.refresh(response.refresh_token)
        time_passes(seconds=7)
        with pytest.raises(InvalidGrant):
            auth.refresh(response.refresh_token)


def test_it_costs_one_update_and_one_look(ada: Person) -> None:
    session = auth.session_of(auth.verify(auth.login(ada.user).access_token))
    with CaptureQueriesContext(connection) as queries:
        auth.reauthenticate(session)

    verbs = [query["sql"].split()[0] for query in queries]
    assert [verb for verb in verbs if verb not in {"BEGIN", "SAVEPOINT", "RELEASE"}] == ["UPDATE", "SELECT"]


@pytest.mark.django_db(transaction=True)
@steps
def test_five_who_refresh_meanwhile_stay_signed_in(ada: Person, step: Step) -> None:
    for _ in range(6):
        api = Api()
        tokens = api.login(ada)
        acts = [partial(step, Api(), tokens)]
        acts += [partial(Api().refresh, tokens["refresh_token"]) for _ in range(5)]
        changed, *refreshed = race(6, lambda number, acts=acts: acts[number]())

        assert changed.status_code == 200
        assert {answer.status_code for answer in refreshed} <= {200, 503}
        # Whoever was answered before the change has a token that is dead now, and is told to wait for another.
        for answer in refreshed:
            if answer.status_code == 200:
                assert api.refresh(answer.json()["refresh_token"]).status_code == 503
        time_passes(seconds=61)
        assert api.refresh(changed.json()["refresh_token"]).status_code == 200
        ada.user.set_password(PASSWORD)
        ada.user.save()
