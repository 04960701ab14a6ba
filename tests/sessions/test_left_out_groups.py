"""Groups that a token does not name: there are too many, or `CLAIMS` leaves them out."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from ninja import NinjaAPI
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ironclad import auth, channels, ninja
from django_ironclad.errors import AccessDenied, GroupsLeftOut, InvalidToken
from django_ironclad.models import Session
from django_ironclad.requirements import Requirement
from django_ironclad.sessions import payload
from django_ironclad.sockets.connection import Connection
from django_ironclad.tokens import AccessToken

from ..conftest import Api, Person
from ..websockets import SOON, Websocket

if not hasattr(get_user_model(), "groups"):
    pytest.skip("this user model has no groups", allow_module_level=True)

NAMES = sorted(f"course-2026-autumn-{number:04d}-teachers" for number in range(170))


def barred(request: HttpRequest) -> HttpResponse:
    """For whoever is not in that group."""
    return JsonResponse({}, status=403 if "barred" in request.auth.groups else 200)  # type: ignore[attr-defined]


async def barred_async(request: HttpRequest) -> HttpResponse:
    return JsonResponse({}, status=403 if "barred" in await auth.agroups(request) else 200)


def barred_by_asking(request: HttpRequest) -> HttpResponse:
    return JsonResponse({}, status=403 if "barred" in auth.groups(request) else 200)


class Barred(APIView):
    def get(self, request: Request) -> Response:
        return Response(status=403 if "barred" in getattr(request.auth, "groups", ()) else 200)


class BarredByAsking(APIView):
    def get(self, request: Request) -> Response:
        return Response(status=403 if "barred" in auth.groups(request) else 200)


api_of_ninja = NinjaAPI(urls_namespace="left-out", docs_url=None, openapi_url=None, auth=ninja.Bearer())
ninja.install(api_of_ninja)


@api_of_ninja.get("/barred/")
def barred_in_ninja(request: HttpRequest) -> list[str]:
    return [name for name in request.auth.groups if name == "barred"]  # type: ignore[attr-defined]


@api_of_ninja.get("/asking/")
async def barred_in_ninja_by_asking(request: HttpRequest) -> list[str]:
    return [name for name in await auth.agroups(request) if name == "barred"]


urlpatterns = [
    path("auth/", include("django_ironclad.urls")),
    path("barred/", barred),
    path("asking/", barred_by_asking),
    path("async/", barred_async),
    path("rest/barred/", Barred.as_view()),
    path("rest/asking/", BarredByAsking.as_view()),
    path("ninja/", api_of_ninja.urls),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def rosa(db: None, person: Callable[..., Person]) -> Person:
    """In more groups than a token can say, and barred."""
    rosa = person("rosa", groups=("barred",))
    rosa.user.groups.add(*Group.objects.bulk_create(Group(name=name) for name in NAMES))
    return rosa


@pytest.fixture
def queries() -> Iterator[Callable[[], CaptureQueriesContext]]:
    return lambda: CaptureQueriesContext(connection)


def request_by(token: str, *, strict: bool = False) -> Any:
    request: Any = RequestFactory().get("/")
    request.user, request.auth = auth.authenticate(token, strict=strict)
    return request


def test_nobody_is_kept_out_by_being_in_many_groups(api: Api, rosa: Person) -> None:
    tokens = api.login(rosa)
    refreshed = api.refresh(tokens["refresh_token"])

    assert refreshed.status_code == 200
    for token in (tokens["access_token"], refreshed.json()["access_token"]):
        claims = auth.verify(token).claims
        assert claims["groups_left_out"] is True
        assert "groups" not in claims
        assert len(token) < 1000
    assert api.get("/auth/me/", tokens["access_token"]).json()["groups"] == ["barred", *NAMES]


@pytest.mark.parametrize(("length", "is_left_out"), [(0, False), (1, True)])
def test_two_kibibytes_of_names_are_said(rosa: Person, length: int, is_left_out: bool) -> None:
    names = [f"{number:098d}" for number in range(20)]
    room = payload.MOST_GROUPS - len(json.dumps([*names, ""], separators=(",", ":")))
    names.append("x" * (room + length))
    Group.objects.all().delete()
    rosa.user.groups.set(Group.objects.bulk_create(Group(name=name) for name in names))

    assert auth.verify(auth.login(rosa.user).access_token).groups_left_out is is_left_out


def test_many_short_names_are_counted_with_what_json_needs_for_them(rosa: Person) -> None:
    rosa.user.groups.set(Group.objects.bulk_create(Group(name=chr(0x4E00 + number)) for number in range(600)))

    assert auth.verify(auth.login(rosa.user).access_token).groups_left_out


def test_to_read_them_of_the_token_is_an_error_that_nobody_swallows(api: Api, rosa: Person) -> None:
    access = auth.verify(api.login(rosa)["access_token"])

    for read in (lambda: access.groups, lambda: getattr(access, "groups", ()), lambda: hasattr(access, "groups")):
        with pytest.raises(GroupsLeftOut, match=r"auth\.groups\(request\).*await auth\.agroups\(request\)"):
            read()
    with pytest.raises(AttributeError):
        _ = access.other  # type: ignore[attr-defined]


@pytest.mark.parametrize("address", ["/barred/", "/rest/barred/", "/ninja/barred/"])
def test_a_view_that_bars_a_group_fails_rather_than_lets_it_in(
    api: Api, rosa: Person, ada: Person, address: str
) -> None:
    client = Client(raise_request_exception=False)
    barred, other = (api.login(each)["access_token"] for each in (rosa, ada))

    assert client.get(address, headers={"authorization": f"Bearer {barred}"}).status_code == 500
    assert client.get(address, headers={"authorization": f"Bearer {other}"}).status_code == 200


@pytest.mark.parametrize("address", ["/asking/", "/rest/asking/"])
def test_a_view_that_asks_for_the_groups_bars_one(api: Api, rosa: Person, ada: Person, address: str) -> None:
    assert [api.get(address, api.login(each)["access_token"]).status_code for each in (rosa, ada)] == [403, 200]


@pytest.mark.parametrize(("address", "answer"), [("/async/", {}), ("/ninja/asking/", ["barred"])])
def test_an_async_view_asks_without_holding_up_the_event_loop(
    api: Api, rosa: Person, ada: Person, address: str, answer: Any
) -> None:
    barred, other = (api.login(each)["access_token"] for each in (rosa, ada))

    def get(token: str) -> Any:
        return async_to_sync(AsyncClient().get)(address, headers={"authorization": f"Bearer {token}"})

    assert get(barred).json() == answer
    assert get(barred).status_code == (403 if address == "/async/" else 200)
    assert get(other).status_code == 200


def test_it_is_one_statement_where_the_token_does_not_say_and_none_where_it_does(
    api: Api, rosa: Person, ada: Person, queries: Callable[[], CaptureQueriesContext]
) -> None:
    ada.user.groups.add(Group.objects.get(name="barred"))
    for person, groups, statements in ((rosa, ("barred", *NAMES), 1), (ada, ("barred",), 0)):
        request = request_by(api.login(person)["access_token"])
        with queries() as seen:
            assert auth.groups(request) == groups
        assert len(seen) == statements
        with queries() as seen:
            assert async_to_sync(auth.agroups)(request) == groups
        assert len(seen) == statements


def test_without_an_access_token_they_are_those_of_djangos_own_user(rosa: Person) -> None:
    request: Any = RequestFactory().get("/")
    for request.user, expected in ((rosa.user, ("barred", *NAMES)), (AnonymousUser(), ())):
        assert auth.groups(request) == async_to_sync(auth.agroups)(request) == expected
        for request.auth in (None, "somebody else's token"):
            assert auth.groups(request) == expected
        del request.auth


def test_whose_session_has_ended_is_in_no_group_but_nobody(api: Api, rosa: Person) -> None:
    tokens = api.login(rosa)
    request = request_by(tokens["access_token"])
    api.logout(tokens["refresh_token"])

    with pytest.raises(InvalidToken):
        auth.groups(request)


def test_the_strict_check_knows_them_all(api: Api, rosa: Person, queries: Callable[[], CaptureQueriesContext]) -> None:
    token = api.login(rosa)["access_token"]

    with queries() as seen:
        request = request_by(token, strict=True)
        assert request.auth.groups == auth.groups(request) == ("barred", *NAMES)
    assert len(seen) == 1
    assert "groups_left_out" not in request.auth.claims
    rosa.user.groups.clear()
    assert auth.authenticate(token, strict=True)[1].groups == ()


def test_such_a_token_is_copied_pickled_compared_and_shown_as_any_other(api: Api, rosa: Person, ada: Person) -> None:
    few, many = (auth.verify(api.login(each)["access_token"]) for each in (ada, rosa))

    for access in (few, many):
        assert access.claims
        for again in (copy.copy(access), copy.deepcopy(access), pickle.loads(pickle.dumps(access))):
            assert again == access
            assert hash(again) == hash(access)
            assert again.groups_left_out is access.groups_left_out
            assert again.claims == access.claims
        assert access.sid in repr(access)
    assert few != many


@pytest.mark.parametrize("said", ["yes", 1, None, [], "true"])
def test_whether_they_are_left_out_is_yes_or_no(api: Api, ada: Person, said: object) -> None:
    claims = dict(auth.verify(api.login(ada)["access_token"]).claims)
    claims["amr"] = []

    with pytest.raises(ValueError, match="groups_left_out"):
        AccessToken.of({**claims, "groups": [], "groups_left_out": said})


def test_who_says_both_leaves_them_out(api: Api, ada: Person) -> None:
    claims = {**auth.verify(api.login(ada)["access_token"]).claims, "amr": [], "groups": ["registrar"]}

    with pytest.raises(GroupsLeftOut):
        _ = AccessToken.of({**claims, "groups_left_out": True}).groups
    assert AccessToken.of({**claims, "groups_left_out": False}).groups == ("registrar",)


@pytest.mark.parametrize("many", [True, False])
def test_a_project_may_leave_them_out_and_the_row_is_asked(api: Api, rosa: Person, many: bool) -> None:
    if not many:
        Group.objects.exclude(name="barred").delete()
    with override_settings(IRONCLAD={"CLAIMS": lambda user, groups: {"groups": None}}):
        token = api.login(rosa)["access_token"]
        assert auth.verify(token).groups_left_out
        assert "barred" in auth.groups(request_by(token))
        assert "barred" in request_by(token, strict=True).auth.groups


def test_who_has_left_the_group_leaves_the_connection_with_a_token_that_says_no_groups(api: Api, rosa: Person) -> None:
    connection = Connection()
    first = api.login(rosa)
    same = api.refresh(first["refresh_token"]).json()

    async def scenario() -> None:
        await connection.admit(first["access_token"])
        await connection.require(Requirement(group="barred"))
        await connection.renew(same["access_token"])
        await sync_to_async(rosa.user.groups.remove)(await Group.objects.aget(name="barred"))
        with pytest.raises(AccessDenied):
            await connection.renew(same["access_token"])

    async_to_sync(scenario)()


@pytest.mark.django_db(transaction=True)
def test_a_websocket_asks_off_the_event_loop(api: Api, rosa: Person, ada: Person) -> None:
    async def says_which(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        names = await channels.get_groups(scope)
        await send({"type": "websocket.send", "text": json.dumps(names)})

    async def hear(token: str) -> Any:
        socket = Websocket(channels.BearerMiddleware(says_which), token)
        await socket.connect()
        said = await socket.receive_output(SOON)
        await socket.wait(SOON)
        return json.loads(said["text"])

    assert asyncio.run(hear(api.login(rosa)["access_token"])) == ["barred", *NAMES]
    assert asyncio.run(hear(api.login(ada)["access_token"])) == []
    assert Session.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_thread_that_asked_for_a_websocket_keeps_no_connection(api: Api, rosa: Person) -> None:
    token = api.login(rosa)["access_token"]

    async def scenario() -> Any:
        connection = Connection()
        await connection.admit(token)
        await connection.require(Requirement(group="barred"))
        # In the same thread as the questions before.
        return await sync_to_async(lambda: connections["default"].connection)()

    assert asyncio.run(scenario()) is None
