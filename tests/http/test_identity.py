"""Who the middlewares of others see, before the view and after it, wherever they and ours stand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_logged_out
from django.db import connection, connections
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient, Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from ninja import NinjaAPI
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ironclad import auth
from django_ironclad.decorators import public, requires, strict
from django_ironclad.drf import BearerAuthentication
from django_ironclad.models import Session
from django_ironclad.ninja import Bearer

from ..conftest import Person

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

Who = tuple[str, bool]
seen: dict[str, Any] = {}


def who(user: Any) -> Who:
    return user.get_username(), user.is_authenticated


class Audit:
    """It looks before the view and after it, at what it has kept and at what the request has then."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        kept = request.user
        seen["before"] = who(kept)
        response = self.get_response(request)
        seen["after"], seen["kept"] = who(request.user), who(kept)
        return response


class Curious:
    """It asks for more than who this is."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        kept = request.user
        seen["active"] = kept.is_active
        response = self.get_response(request)
        seen["active after"] = request.user.is_active, kept.is_active
        return response


class Fallback:
    """It serves what has no view, as Django's FlatpageFallbackMiddleware does: `process_view` never hears of it."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        return (
            login_required(lambda _: HttpResponse("for members"))(request) if response.status_code == 404 else response
        )


class AsyncAudit:
    async_capable, sync_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        assert iscoroutinefunction(get_response)
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> Any:
        seen["before"] = who(await request.auser()), who(request.user)
        return await self.get_response(request)


def view(request: HttpRequest) -> HttpResponse:
    # On what is read, and in which order, it must not depend who this is.
    user = request.user
    name = getattr(user, get_user_model().USERNAME_FIELD, "")
    return JsonResponse({"user": [name, str(user), user.get_username(), who(user)[0]]})


async def async_view(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"user": (await request.auser()).get_username()})


def missing(request: HttpRequest) -> HttpResponse:
    raise Http404


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return JsonResponse({"user": request.user.get_username()}, status=404)


class RestView(APIView):
    authentication_classes = [BearerAuthentication]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username()})


api = NinjaAPI(urls_namespace="identity", auth=Bearer())


@api.get("/who")
def ninja_who(request):  # type: ignore[no-untyped-def]
    return {"user": request.user.get_username()}


handler404 = not_found
urlpatterns = [
    path("view/", view),
    path("async/", async_view),
    path("public/", public(partial(view))),
    path("strict/", strict(partial(view))),
    path("required/", requires()(partial(view))),
    path("login-required/", login_required(view)),
    path("missing/", missing),
    path("rest/", RestView.as_view()),
    path("api/", api.urls),
]
SESSION, CSRF, USER = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)
BEARER, AUDIT = "django_ironclad.middleware.BearerMiddleware", f"{__name__}.Audit"
ORDERS = {
    "first": [BEARER, SESSION, CSRF, USER, AUDIT],
    "after the session": [SESSION, BEARER, CSRF, USER, AUDIT],
    "after the user": [SESSION, USER, BEARER, CSRF, AUDIT],
    "after the user, who was looked at": [SESSION, USER, f"{__name__}.Curious", BEARER, CSRF, AUDIT],
}
NOBODY = ("", False)


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


@pytest.fixture(params=ORDERS)
def order(request: pytest.FixtureRequest) -> Iterator[None]:
    with override_settings(MIDDLEWARE=ORDERS[request.param]):
        yield


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def token(ada: Person) -> str:
    return auth.login(ada.user).access_token


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize("address", ["/view/", "/strict/", "/required/", "/rest/", "/api/who"])
def test_an_audit_log_sees_who_the_token_says(client: Client, ada: Person, token: str, address: str) -> None:
    assert client.get(address, headers=bearer(token)).status_code == 200

    assert seen == {**seen, "before": (ada.name, True), "kept": (ada.name, True), "after": (ada.name, True)}


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize("address", ["/view/", "/strict/", "/rest/", "/api/who"])
def test_a_bad_token_reads_as_anonymous_there_and_is_refused(client: Client, ada: Person, address: str) -> None:
    client.force_login(ada.user)

    assert client.get(address, headers=bearer("garbage")).status_code == 401
    assert seen["before"] == NOBODY


@pytest.mark.usefixtures("order")
def test_a_public_view_is_of_djangos_own_user_whoever_looked_before(
    client: Client, ada: Person, token: str, person: Callable[..., Person]
) -> None:
    assert client.get("/public/", headers=bearer(token)).json() == {"user": ["", "AnonymousUser", "", ""]}
    assert (seen["before"], seen["after"], seen["kept"]) == ((ada.name, True), NOBODY, NOBODY)

    rosa = person("rosa")
    client.force_login(rosa.user)
    assert client.get("/public/", headers=bearer(token)).json()["user"][2] == rosa.name
    assert (seen["before"], seen["after"], seen["kept"]) == ((ada.name, True), (rosa.name, True), (rosa.name, True))
    assert client.post("/public/", headers=bearer(token)).status_code == 403, "the session needs its CSRF token"


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize("address", ["/no/such/view/", "/missing/"])
def test_where_there_is_no_view_nobody_judges_the_token(
    client: Client, ada: Person, token: str, person: Callable[..., Person], address: str
) -> None:
    """A view that says 404 itself was judged; an address without one never is."""
    rosa = person("rosa")
    client.force_login(rosa.user)

    answer = client.get(address, headers=bearer(token))

    assert (answer.status_code, answer.json()["user"]) == (404, ada.name if "missing" in address else rosa.name)


def test_a_page_for_members_that_a_fallback_serves_is_opened_by_no_token(
    client: Client, ada: Person, token: str
) -> None:
    for fallback in ([AUDIT, f"{__name__}.Fallback"], [f"{__name__}.Fallback", AUDIT]):
        with override_settings(MIDDLEWARE=[BEARER, SESSION, CSRF, USER, *fallback]):
            assert Client().get("/flat/", headers=bearer(token)).status_code == 302
            assert seen["before"] == NOBODY
            client.force_login(ada.user)
            assert client.get("/flat/", headers=bearer(token)).content == b"for members"


@pytest.mark.usefixtures("order")
def test_csrf_is_skipped_for_who_was_judged_only(client: Client, ada: Person, token: str) -> None:
    client.force_login(ada.user)
    for address in ("/view/", "/public/"):
        judged = client.post(address, headers=bearer(token)).status_code
        assert (judged, client.post(address).status_code) == (403 if "public" in address else 200, 403)


def test_nothing_is_verified_before_somebody_asks(client: Client, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(MIDDLEWARE=[BEARER, SESSION, CSRF, USER]), CaptureQueriesContext(connection) as queries:
        assert client.get("/public/", headers=bearer("a" * 20)).status_code == 200
    assert len(queries) == 0


@pytest.mark.parametrize("gone", ["deleted", "inactive"])
@pytest.mark.parametrize("address", ["/view/", "/rest/", "/api/who"])
def test_a_middleware_that_asks_for_the_row_of_who_is_gone_breaks_nothing(
    client: Client, ada: Person, token: str, gone: str, address: str
) -> None:
    with override_settings(MIDDLEWARE=[BEARER, SESSION, CSRF, USER, f"{__name__}.Curious"]):
        assert client.get(address, headers=bearer(token)).status_code == 200
        assert seen == {"active": True, "active after": (True, True)}
        rows = get_user_model()._default_manager.filter(pk=ada.user.pk)
        if gone == "inactive":
            rows.update(is_active=False)
        else:
            Session.objects.update(user=None)
            LogEntry.objects.all().delete()
            rows._raw_delete(rows.db)

        client.raise_request_exception = False
        assert client.get("/public/", headers=bearer(token)).status_code == 200
        assert client.get(address, headers=bearer(token)).status_code == 401
        assert seen == {"active": False, "active after": (False, False)}


def test_what_a_middleware_has_loaded_is_not_loaded_again(client: Client, ada: Person, token: str) -> None:
    field = get_user_model().USERNAME_FIELD
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(**{field: "renamed@example.org"})
    curious = override_settings(MIDDLEWARE=[BEARER, SESSION, CSRF, USER, f"{__name__}.Curious"])
    with curious, CaptureQueriesContext(connection) as queries:
        answer = client.get("/view/", headers=bearer(token))

    assert set(answer.json()["user"]) == {"renamed@example.org"}
    assert len(queries) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("order", ORDERS)
def test_on_the_event_loop_too(ada: Person, token: str, order: str) -> None:
    names = [f"{__name__}.AsyncAudit" if name == AUDIT else name for name in ORDERS[order]]
    names = [name for name in names if "Curious" not in name]

    async def calls() -> list[tuple[str, Any]]:
        client, answers = AsyncClient(), []
        for address, sent in (("/async/", token), ("/async/", "garbage"), ("/public/", token), ("/api/who", token)):
            answer = await client.get(address, headers=bearer(sent))
            answers.append((answer.json().get("user", answer.status_code), seen["before"]))
        await sync_to_async(connections.close_all)()
        return answers

    with override_settings(MIDDLEWARE=names):
        hers = ((ada.name, True), (ada.name, True))
        assert asyncio.run(calls()) == [
            (ada.name, hers),
            (401, (NOBODY, NOBODY)),
            (["", "AnonymousUser", "", ""], hers),
            (ada.name, hers),
        ]


REMOTE = "django.contrib.auth.middleware.RemoteUserMiddleware"


def test_remote_user_middleware_stands_before_ours_and_logs_nobody_out(client: Client, ada: Person, token: str) -> None:
    out: list[Any] = []

    def hear(user: Any, **_: Any) -> None:
        out.append(user)

    user_logged_out.connect(hear)
    try:
        with override_settings(MIDDLEWARE=[SESSION, USER, REMOTE, BEARER, CSRF, AUDIT]):
            assert client.get("/view/", headers=bearer(token)).json()["user"][2] == ada.name
    finally:
        user_logged_out.disconnect(hear)

    assert (seen["before"], out) == ((ada.name, True), [])


# Without Django's own middlewares.


class Swap:
    """It reads the user, and then puts another token in the place of the first."""

    token = ""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        assert request.user.password  # type: ignore[union-attr]
        request.META["HTTP_AUTHORIZATION"] = f"Bearer {self.token}"
        return self.get_response(request)


def test_whoever_comes_by_a_token_put_in_later_has_a_row_of_their_own(
    ada: Person, person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    rosa = person("rosa")
    monkeypatch.setattr(Swap, "token", auth.login(rosa.user).access_token)
    with override_settings(MIDDLEWARE=["django_ironclad.middleware.BearerMiddleware", f"{__name__}.Swap"]):
        answer = Client().get("/view/", headers=bearer(auth.login(ada.user).access_token))

    assert set(answer.json()["user"]) == {rosa.name}


@pytest.mark.parametrize("middleware", [[BEARER], [BEARER, SESSION], [SESSION, BEARER, AUDIT]])
def test_without_authentication_middleware_everything_works(
    client: Client, ada: Person, token: str, middleware: list[str]
) -> None:
    with override_settings(MIDDLEWARE=middleware):
        for address in ("/required/", "/rest/", "/api/who"):
            assert client.get(address).status_code == (200 if "rest" in address else 401), address
            assert client.get(address, headers=bearer("garbage")).status_code == 401
            assert client.get(address, headers=bearer(token)).status_code == 200
        assert client.get("/view/").json()["user"] == ["", "AnonymousUser", "", ""]
        assert client.get("/login-required/").status_code == 302
        for address in ("/view/", "/strict/", "/login-required/"):
            assert client.get(address, headers=bearer(token)).json()["user"][2] == ada.name
        client.force_login(ada.user)
        assert client.get("/public/", headers=bearer(token)).json()["user"][2] == ""
        assert client.get("/nowhere/", headers=bearer(token)).json()["user"] == ""
