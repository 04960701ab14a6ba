"""`login(user).on(client)`, for every kind of client that a project's tests may have, and their `logout()`."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import json
import sys
import types
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.models import Session as DjangoSession
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient, AsyncRequestFactory, Client, RequestFactory, modify_settings, override_settings
from django.urls import include, path
from ninja import NinjaAPI
from ninja.testing import TestAsyncClient, TestClient
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory, RequestsClient
from rest_framework.views import APIView

from django_ironclad import auth, channels, ninja
from django_ironclad.decorators import requires
from django_ironclad.errors import InvalidToken
from django_ironclad.models import Session
from django_ironclad.testing import alogin, for_user, login

from .conftest import Person

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@requires()
def who(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"user": request.user.get_username()})


class Who(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username()})


def by_session(request: HttpRequest) -> HttpResponse:
    """What Django's own session says, whatever token is there."""
    return JsonResponse({"id": request.session.get("_auth_user_id")})


api = NinjaAPI(auth=ninja.Bearer(), urls_namespace="kinds")
ninja.install(api)


@api.get("/who/")
def who_in_ninja(request: HttpRequest) -> dict[str, str]:
    return {"user": request.user.get_username()}


async_api = NinjaAPI(auth=ninja.Bearer(), urls_namespace="async kinds")
ninja.install(async_api)


@async_api.get("/who/")
async def who_in_async_ninja(request: HttpRequest) -> dict[str, str]:
    return {"user": request.user.get_username()}


urlpatterns = [
    path("auth/", include("django_ironclad.urls")),
    path("who/", who),
    path("drf/", Who.as_view()),
    path("session/", by_session),
]


@channels.BearerMiddleware
async def socket(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps({"user": scope["user"].get_username()})})


def websocket_communicator() -> type[ApplicationCommunicator]:
    """That of Channels; its package also imports a server, Daphne, which nobody needs for this."""
    (folder,) = importlib.import_module("channels").__path__
    if importlib.util.find_spec("daphne") is None and "channels.testing" not in sys.modules:
        package = sys.modules["channels.testing"] = types.ModuleType("channels.testing")
        package.__path__ = [str(Path(folder) / "testing")]
    return importlib.import_module("channels.testing.websocket").WebsocketCommunicator  # type: ignore[no-any-return]


def said(answer: Any) -> str:
    """The user whom an answer names, or its status."""
    return str(json.loads(answer.content)["user"] if answer.status_code == 200 else answer.status_code)


async def by_async_client(client: AsyncClient | TestAsyncClient) -> str:
    return said(await client.get("/who/"))


async def by_websocket(communicator: Any) -> str:
    connected, code = await communicator.connect(timeout=5)
    if not connected:
        return str(code)
    heard = await communicator.receive_json_from(timeout=5)
    await communicator.disconnect()
    return str(heard["user"])


#: For each kind of client: how it is made, and whom a view that wants a token takes it for.
KINDS: dict[str, tuple[Callable[[], Any], Callable[[Any], str]]] = {
    "Client": (Client, lambda client: said(client.get("/who/"))),
    "AsyncClient": (AsyncClient, async_to_sync(by_async_client)),
    "RequestFactory": (RequestFactory, lambda factory: said(Who.as_view()(factory.get("/drf/")).render())),
    "AsyncRequestFactory": (AsyncRequestFactory, lambda factory: said(Who.as_view()(factory.get("/drf/")).render())),
    "APIClient": (APIClient, lambda client: said(client.get("/drf/"))),
    "APIRequestFactory": (APIRequestFactory, lambda factory: said(Who.as_view()(factory.get("/drf/")).render())),
    "RequestsClient": (RequestsClient, lambda client: said(client.get("http://testserver/drf/"))),
    "Ninja's TestClient": (lambda: TestClient(api), lambda client: said(client.get("/who/"))),
    "Ninja's TestAsyncClient": (lambda: TestAsyncClient(async_api), async_to_sync(by_async_client)),
    "Channels' WebsocketCommunicator": (
        lambda: websocket_communicator()(socket, "/", headers=[(b"host", b"testserver")]),
        async_to_sync(by_websocket),
    ),
}
every_kind = pytest.mark.parametrize(("make", "whom"), KINDS.values(), ids=KINDS)


@every_kind
def test_every_kind_of_client_is_logged_in(ada: Person, make: Any, whom: Any) -> None:
    assert whom(login(ada.user).on(make())) == ada.name
    assert whom(make()) in ("401", "1008", "4401")


@every_kind
def test_whoever_comes_last_is_who_the_client_is(ada: Person, person: Any, make: Any, whom: Any) -> None:
    rosa, client = person("rosa"), make()
    login(ada.user).on(client)

    assert whom(login(rosa.user).on(client)) == rosa.name


@every_kind
def test_an_expired_token_is_refused_on_every_kind(ada: Person, make: Any, whom: Any) -> None:
    assert whom(login(ada.user).expired().on(make())) in ("401", "1008", "4401")


def test_what_is_no_client_is_said_so(ada: Person) -> None:
    with pytest.raises(TypeError, match="str is no test client"):
        login(ada.user).on("client")


def test_two_clients_with_the_same_headers_are_two(ada: Person) -> None:
    headers = {"X-Tenant": "acme"}
    hers, nobodys = TestClient(api, headers=headers), TestClient(api, headers=headers)
    login(ada.user).on(hers)

    assert (said(hers.get("/who/")), said(nobodys.get("/who/"))) == (ada.name, "401")


LOGOUTS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "Client": (Client, lambda client: client.logout()),
    "Client, alogout": (Client, lambda client: async_to_sync(client.alogout)()),
    "AsyncClient": (AsyncClient, lambda client: async_to_sync(client.alogout)()),
    "AsyncClient, logout": (AsyncClient, lambda client: client.logout()),
    "APIClient": (APIClient, lambda client: client.logout()),
    "APIClient, force_authenticate": (APIClient, lambda client: client.force_authenticate()),
    "a copy": (
        lambda: copy.deepcopy(login(get_user_model()._default_manager.get()).on(Client())),
        lambda c: c.logout(),
    ),
}
every_logout = pytest.mark.parametrize(("make", "log_out"), LOGOUTS.values(), ids=LOGOUTS)


def whom(client: Any) -> str:
    return KINDS[type(client).__name__][1](client)


@every_logout
def test_a_logout_takes_the_token_off_and_ends_the_session(ada: Person, make: Any, log_out: Any) -> None:
    person = login(ada.user)
    client = person.on(make())
    client.cookies["seen"] = "1"
    assert whom(client) == ada.name

    log_out(client)

    assert (whom(client), list(client.cookies)) == ("401", [])
    with pytest.raises(InvalidToken):
        auth.authenticate(person.access_token)
    assert Session.objects.get(pk=person.sid).revoked_reason == "logout"
    log_out(client)
    assert whom(login(ada.user).on(client)) == ada.name


@pytest.mark.parametrize("make", [Client, APIClient])
def test_a_logout_ends_the_session_of_whoever_came_last_and_no_other(ada: Person, person: Any, make: Any) -> None:
    first, second = login(ada.user), login(person("rosa").user)
    client = second.on(first.on(make()))

    client.logout()

    assert whom(client) == "401"
    assert whom(first.on(client)) == ada.name


@pytest.mark.parametrize("make", [Client, APIClient])
def test_djangos_own_session_lives_beside_the_token_until_both_log_out(ada: Person, person: Any, make: Any) -> None:
    """As in a browser that has both. Django's own is for Django's own views, and the token for ours."""
    rosa, client = person("rosa"), make()
    client.force_login(rosa.user)
    login(ada.user).on(client)
    assert client.get("/session/").json() == {"id": str(rosa.user.pk)}
    assert whom(client) == ada.name
    client.force_login(rosa.user)
    assert whom(client) == ada.name

    client.logout()

    assert client.get("/session/").json() == {"id": None}
    assert (whom(client), DjangoSession.objects.count()) == ("401", 0)


def test_who_was_forced_upon_a_client_of_drf_is_so_no_longer(ada: Person, person: Any) -> None:
    client = APIClient()
    client.force_authenticate(person("rosa").user)

    assert whom(login(ada.user).on(client)) == ada.name


def test_the_credentials_of_drfs_client_stay_and_go_as_it_says(ada: Person) -> None:
    client = APIClient()
    client.credentials(HTTP_X_TENANT="acme")
    login(ada.user).on(client)
    assert client._credentials.keys() == {"HTTP_X_TENANT", "HTTP_AUTHORIZATION"}

    client.credentials()

    assert whom(client) == "401"


@pytest.mark.parametrize("make", [Client, APIClient])
def test_a_project_without_djangos_sessions_can_log_out_too(ada: Person, make: Any) -> None:
    with modify_settings(INSTALLED_APPS={"remove": ["django.contrib.sessions", "django.contrib.admin"]}):
        client = login(ada.user).on(make())

        client.logout()

    assert whom(client) == "401"


@pytest.mark.parametrize("make", [Client, APIClient])
def test_a_session_by_cookie_refreshes_and_logs_out_as_in_a_browser(ada: Person, person: Any, make: Any) -> None:
    client = login(ada.user, transport="cookie").on(make())
    given = client.cookies["ironclad_refresh_token"].value

    def refresh() -> Any:
        return client.post(
            "/auth/refresh/", "{}", content_type="application/json", headers={"Origin": "http://testserver"}
        )

    answer = refresh()
    assert (answer.status_code, "refresh_token" in answer.json()) == (200, False)
    assert client.cookies["ironclad_refresh_token"].value != given
    login(person("rosa").user).on(client)
    assert refresh().json()["error"] == "invalid_grant"
    client.logout()
    assert list(client.cookies) == []


def test_where_cookies_only_are_allowed_a_login_is_by_cookie(ada: Person) -> None:
    with override_settings(IRONCLAD={"TRANSPORTS": ["cookie"]}):
        client = login(ada.user).on(Client())

    assert (list(client.cookies), whom(client)) == (["ironclad_refresh_token"], ada.name)


def test_a_token_for_headers_of_ones_own_is_a_real_sessions(ada: Person) -> None:
    headers = {"Authorization": f"Bearer {for_user(ada.user, amr=['pwd', 'otp'])}"}

    assert Client().get("/who/", headers=headers).json() == {"user": ada.name}
    assert Session.objects.get().amr == "pwd otp"


def test_an_async_test_logs_in_by_its_own_twin(ada: Person) -> None:
    async def test() -> str:
        person = await alogin(ada.user, ago=timedelta(minutes=1))
        return await by_async_client(person.on(AsyncClient()))

    assert async_to_sync(test)() == ada.name


def test_receivers_hear_of_a_login_and_a_logout_of_the_kit_as_of_djangos_own(ada: Person) -> None:
    heard: list[Any] = []

    def hear(request: Any, user: Any, **_: Any) -> None:
        request.session["heard"] = True
        heard.append(user)

    for signal in (user_logged_in, user_logged_out):
        signal.connect(hear)
    try:
        login(ada.user).on(Client()).logout()
        login(ada.user).on(APIClient()).logout()
    finally:
        for signal in (user_logged_in, user_logged_out):
            signal.disconnect(hear)

    assert heard == [ada.user] * 4
