"""What projects get for their own tests, tried as docs/testing.md shows it."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import include, path
from rest_framework.test import APIClient
from rest_framework.views import APIView

from django_ironclad import auth, drf, sessions
from django_ironclad.decorators import requires, requires_recent_login
from django_ironclad.errors import InvalidGrant, InvalidScope
from django_ironclad.models import Session
from django_ironclad.testing import login, recorded, time_passes

from .conftest import Person

User = get_user_model()
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@requires(group="registrar")
def grades(request: HttpRequest) -> HttpResponse:
    return change(request) if request.method == "POST" else JsonResponse({"grades": []})


@requires_recent_login(max_age=timedelta(minutes=5))
def change(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


@requires(scope="read")
def scoped(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"user": request.user.get_username()})


@requires(scope="read")
async def scoped_async(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"user": request.user.get_username()})


class Scoped(APIView):
    permission_classes = [drf.requires(scope="read")]

    def get(self, request: Any) -> HttpResponse:
        return JsonResponse({"user": request.user.get_username()})


urlpatterns = [
    path("auth/", include("django_ironclad.urls")),
    path("grades/", grades),
    path("scoped/", scoped),
    path("async/", scoped_async),
    path("drf/", Scoped.as_view()),
]

page = (Path(__file__).parent.parent / "docs/testing.md").read_text()
for block in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
    # Its classes and functions are tests of this module from now on.
    exec(compile(block, "docs/testing.md", "exec"), globals())
if not hasattr(User, "groups"):
    for name in ("Grades", "Refreshing", "test_a_logout_ends_the_session"):
        globals()[name] = pytest.mark.skip(reason="this user model has no groups")(globals()[name])


def test_the_page_has_tests() -> None:
    assert {"Grades", "Refreshing", "test_a_logout_ends_the_session"} <= globals().keys()


@pytest.mark.parametrize(("client", "address"), [(Client, "/scoped/"), (APIClient, "/drf/"), (APIClient, "/scoped/")])
def test_a_client_is_logged_in_with_the_scopes_that_it_asked_for(ada: Person, client: Any, address: str) -> None:
    with override_settings(IRONCLAD={"SCOPES": lambda user, groups: ["read", "write"]}):
        assert login(ada.user).on(client()).get(address).json() == {"user": ada.name}
        assert login(ada.user, scope="read").on(client()).get(address).status_code == 200
        refused = login(ada.user, scope="write").on(client()).get(address)
        with pytest.raises(InvalidScope):
            login(ada.user, scope="everything")

    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert client().get(address).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_the_async_client_too(ada: Person) -> None:
    async def calls() -> list[int]:
        person = await sync_to_async(login)(ada.user)
        answers = [await each.on(AsyncClient()).get("/async/") for each in (person, person.expired())]
        await sync_to_async(connections.close_all)()
        return [answer.status_code for answer in answers]

    with override_settings(IRONCLAD={"SCOPES": lambda user, groups: ["read"]}):
        assert asyncio.run(calls()) == [200, 401]


def test_ninjas_client_sends_what_the_others_do(ada: Person) -> None:
    from ninja import NinjaAPI
    from ninja.testing import TestClient

    api = NinjaAPI(urls_namespace="sends")

    @api.get("/who/")
    def who(request: HttpRequest) -> dict[str, str]:
        from django_ironclad.http import bearer_token

        return {"user": auth.authenticate(bearer_token(request))[0].get_username()}

    assert login(ada.user).on(TestClient(api)).get("/who/").json() == {"user": ada.name}


def test_a_client_can_be_given_to_somebody_else(ada: Person, person: Any) -> None:
    client = login(ada.user).on(Client())
    assert client.get("/auth/me/").json()["username"] == ada.name
    rosa = person("rosa")
    assert login(rosa.user).on(client).get("/auth/me/").json()["username"] == rosa.name


def test_what_is_given_out_is_a_real_session(ada: Person) -> None:
    given = login(ada.user, amr=["pwd", "otp"], claims={"org_id": 7}, ago=timedelta(hours=1))

    access = auth.verify(given.access_token)
    assert (access.amr, access.claims["org_id"]) == (("pwd", "otp"), 7)
    assert Session.objects.get(pk=given.sid).user == ada.user
    assert auth.refresh(given.refresh_token).refresh_token
    assert given.access_token not in repr(given)


def test_how_long_ago_somebody_logged_in_survives_a_refresh(ada: Person) -> None:
    given = login(ada.user, ago=timedelta(hours=2))

    before = auth.verify(given.access_token)
    after = auth.verify(auth.refresh(given.refresh_token).access_token)

    assert before.auth_time == after.auth_time == pytest.approx(before.claims["iat"] - 7200, abs=5)


def test_a_stolen_token_is_over_for_everybody(ada: Person) -> None:
    from django_ironclad.errors import InvalidToken

    given = login(ada.user).stolen()

    with pytest.raises(InvalidToken):
        auth.authenticate(given.access_token)
    with pytest.raises(InvalidGrant):
        auth.refresh(given.refresh_token)
    assert Session.objects.get().revoked_reason == "refresh_token_reused"


def test_nothing_is_noted_after_the_block(ada: Person) -> None:
    with recorded() as events:
        given = login(ada.user)
        confirmed = auth.reauthenticate(auth.verify(given.access_token))
        time_passes(minutes=2)
        auth.refresh(confirmed.refresh_token)
    sessions.revoke(given.sid, reason="user")

    assert [(event.name, str(event.session.pk)) for event in events] == [
        ("session_started", given.sid),
        ("session_reauthenticated", given.sid),
        ("session_refreshed", given.sid),
    ]
    assert events[2].facts == {"how": "rotated"}


def test_time_passes_for_a_session_as_its_settings_say(ada: Person) -> None:
    first = login(ada.user).refresh_token
    second = auth.refresh(first).refresh_token
    with override_settings(IRONCLAD={"REUSE_GRACE": timedelta(seconds=5)}):
        assert auth.refresh(first).refresh_token == second
        time_passes(seconds=6)
        assert auth.refresh(first).refresh_token == ""
        time_passes(seconds=25)
        late = auth.refresh(first).refresh_token
        assert late not in ("", first, second)
    time_passes(days=89)
    with override_settings(IRONCLAD={"REFRESH_TOKEN_LIFETIME": timedelta(days=90)}):
        assert auth.refresh(late).refresh_token
        time_passes(days=1)
        with pytest.raises(InvalidGrant):
            auth.refresh(late)


def test_time_passes_for_access_tokens_by_the_clock_that_a_test_moves_along(ada: Person) -> None:
    client = login(ada.user).on(Client())
    with time_machine.travel(time.time() + 600):
        time_passes(minutes=10)
        assert client.get("/auth/me/").status_code == 401


def test_a_recent_login_is_one_no_longer_when_time_has_passed(ada: Person) -> None:
    given = login(ada.user)
    before = auth.verify(given.access_token).auth_time
    time_passes(hours=1)

    assert auth.verify(auth.refresh(given.refresh_token).access_token).auth_time == before - 3600
