"""Which views a Bearer token opens: none of Django's admin, under whatever name, and none that only a session may."""

from __future__ import annotations

import asyncio
import functools
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import markcoroutinefunction, sync_to_async
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import get_user_model
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import URLPattern, URLResolver, include, path
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.views import View
from django.views.decorators.cache import never_cache
from ninja import NinjaAPI
from ninja.security import django_auth
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ironclad import auth
from django_ironclad.http.ownership import is_ours, may_ask_us

from ..campus.models import Note
from ..conftest import Person

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def who(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"user": request.user.get_username()})


class Backoffice(admin.AdminSite):
    """A site of the project's own, that says so, and has a view which nothing else protects."""

    @property
    def urls(self) -> Any:
        return self.get_urls(), "backoffice", self.name

    def get_urls(self) -> list[Any]:
        return [path("bare/", who), path("report/", self.admin_view(who)), *super().get_urls()]


class NoteAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[Any]:
        return [path("export/", self.admin_site.admin_view(who)), *super().get_urls()]


backoffice = Backoffice("backoffice")
backoffice.register(Note, NoteAdmin)


def unnamed(view: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator whose author forgot `wraps`."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return wrapper


def renamed(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return wrapper


class Held:
    """A view that is an object, and holds another."""

    def __init__(self, view: Callable[..., Any]) -> None:
        self.view = view

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.view(*args, **kwargs)


@method_decorator(staff_member_required, name="dispatch")
class StaffView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return who(request)


class StaffGetView(View):
    @method_decorator([never_cache, staff_member_required])
    def get(self, request: HttpRequest) -> HttpResponse:
        return who(request)


class SessionView(APIView):
    authentication_classes = [SessionAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username()})

    post = get


session_view = SessionView.as_view()
THIS = sys.modules[__name__]
TABLE = {"GET": session_view, "POST": [session_view]}


def calls(request: HttpRequest) -> Any:
    return session_view(request)


def calls_who_calls(request: HttpRequest) -> Any:
    return calls(request)


def makes(request: HttpRequest) -> Any:
    return SessionView.as_view()(request)


def looks_up(request: HttpRequest) -> Any:
    return {"GET": session_view, "POST": session_view}[request.method or ""](request)


def looks_up_in_a_table(request: HttpRequest) -> Any:
    return TABLE["GET"](request)  # type: ignore[operator]


def calls_later(request: HttpRequest) -> Any:
    def later() -> Any:
        return session_view(request)

    return later()


def by_default(request: HttpRequest, view: Any = session_view) -> Any:
    return view(request)


def by_module(request: HttpRequest) -> Any:
    return THIS.session_view(request)


class Dispatches(View):
    views = staticmethod(session_view)

    def get(self, request: HttpRequest) -> Any:
        return self.views(request)

    def post(self, request: HttpRequest) -> Any:
        return self.answer(request)

    def answer(self, request: HttpRequest) -> Any:
        return session_view(request)


class Called:
    def __call__(self, request: HttpRequest) -> Any:
        return session_view(request)


def of_the_admin(request: HttpRequest) -> HttpResponse:
    admin.site.each_context(request)
    return who(request)


def of_a_site(request: HttpRequest) -> HttpResponse:
    backoffice.each_context(request)
    return who(request)


api = NinjaAPI(urls_namespace="ownership", auth=django_auth)


@api.get("/who")
def ninja_who(request):  # type: ignore[no-untyped-def]
    return {"user": request.user.get_username()}


@api.post("/who")
async def ninja_async_who(request):  # type: ignore[no-untyped-def]
    return {"user": request.user.get_username()}


index = admin.site.admin_view(admin.site.index)
ADMINS = {
    "admin_view": admin.site.admin_view(who),
    "admin_view, cacheable": admin.site.admin_view(who, cacheable=True),
    "its login": admin.site.login,
    "wrapped": renamed(index),
    "wrapped without wraps": unnamed(index),
    "wrapped twice": never_cache(unnamed(renamed(admin.site.admin_view(who)))),
    "partial": functools.partial(index, extra_context={}),
    "an object": Held(index),
    "staff_member_required": staff_member_required(who),
    "a class": StaffView.as_view(),
    "a method": StaffGetView.as_view(),
}
SESSIONS = {
    "DRF": SessionView.as_view(),
    "DRF, wrapped": renamed(SessionView.as_view()),
    "DRF, wrapped without wraps": unnamed(SessionView.as_view()),
    "called": calls,
    "called by who is called": calls_who_calls,
    "made": makes,
    "looked up": looks_up,
    "looked up in a table": looks_up_in_a_table,
    "called later": calls_later,
    "a default": by_default,
    "of a module": by_module,
    "of a class": Dispatches.as_view(),
    "of an object": Called(),
}
own = ([path("who/", who), path("staff/", staff_member_required(who), name="index")], "admin")
urlpatterns = [
    path("admin/", admin.site.urls),
    path("again/", admin.site.urls),
    path("renamed/", include(admin.site.urls[:2], namespace="boss")),
    path("backoffice/", backoffice.urls),
    path("nested/", include(([path("deep/", backoffice.urls)], "outer"))),
    path("plain/", who),
    path("named/admin/", of_the_admin),
    path("named/site/", of_a_site),
    path("own/", include(own, namespace="own-admin")),
    path("api/", api.urls),
    *(path(f"admins/{number}/", view) for number, view in enumerate(ADMINS.values())),
    *(path(f"sessions/{number}/", view) for number, view in enumerate(SESSIONS.values())),
]
MOUNTS = ["admin", "again", "renamed", "backoffice", "nested/deep"]


class Watchman:
    """Somebody's audit log: it looks at `request.user` before the view is known."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        request.audited = request.user.get_username(), request.user.is_authenticated  # type: ignore[attr-defined]
        return self.get_response(request)


class Loader:
    """It puts the row in the place of the user, with what every page needs, wherever somebody is logged in."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        if request.user.is_authenticated:
            request.user = get_user_model()._default_manager.get(pk=request.user.pk)
            request._cached_user = request.user  # type: ignore[attr-defined]
        return self.get_response(request)


class AsyncLoader:
    """The same on the event loop, by `auser`."""

    async_capable, sync_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: Any) -> Any:
        user = await request.auser()
        if user.is_authenticated:
            row = await get_user_model()._default_manager.aget(pk=user.pk)

            async def auser() -> Any:
                return row

            request.user, request.auser = row, auser
        return await self.get_response(request)


class Elsewhere:
    """It lets a request go by other URLs, once somebody has looked at its user."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        request.urlconf = __name__  # type: ignore[attr-defined]
        return self.get_response(request)


DJANGO = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
BEARER, WATCHMAN = "django_ironclad.middleware.BearerMiddleware", f"{__name__}.Watchman"
LOADER = f"{__name__}.Loader"
ORDERS = {
    "first": [BEARER, *DJANGO],
    "first, watched": [BEARER, *DJANGO, WATCHMAN],
    "after the session": [DJANGO[0], BEARER, *DJANGO[1:], WATCHMAN],
    "after the user": [DJANGO[0], DJANGO[2], BEARER, DJANGO[1], DJANGO[3], WATCHMAN],
    "first, loaded": [BEARER, *DJANGO, LOADER],
    "after the user, loaded": [DJANGO[0], DJANGO[2], BEARER, DJANGO[1], DJANGO[3], LOADER],
    "after the watchman": [DJANGO[0], DJANGO[2], WATCHMAN, BEARER, DJANGO[1], DJANGO[3]],
}


@pytest.fixture(params=ORDERS)
def order(request: pytest.FixtureRequest) -> Iterator[None]:
    with override_settings(MIDDLEWARE=ORDERS[request.param]):
        yield


@pytest.fixture
def boss(person: Callable[..., Person], has_groups: bool) -> Person:
    return person("boss", is_staff=True, **({"is_superuser": True} if has_groups else {}))


@pytest.fixture(params=["", "read"], ids=["whole", "narrowed"])
def token(request: pytest.FixtureRequest, boss: Person) -> Iterator[str]:
    with override_settings(IRONCLAD={"SCOPES": lambda user, groups: ["read", "write"]}):
        yield auth.login(boss.user, scope=request.param).access_token


def routes(patterns: list[Any], pk: Any, prefix: str) -> Iterator[str]:
    """An address for each of these patterns, of the object `pk` where one is named."""
    for pattern in patterns:
        route = re.sub(r"<[^>]+>", str(pk), str(pattern.pattern)) if "(?P" not in str(pattern.pattern) else "ironclad/"
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, pk, prefix + route)
        else:
            assert isinstance(pattern, URLPattern)
            yield prefix + route


def answer(client: Client, verb: str, address: str, token: str = "") -> tuple[int, str]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    given = getattr(client, verb)(address, headers=headers)
    return given.status_code, given.get("Location", "")


@pytest.mark.parametrize("order", ["first, watched", "after the user", "first, loaded"], indirect=True)
@pytest.mark.usefixtures("order")
def test_no_url_of_any_admin_is_opened_by_a_token(token: str, boss: Person) -> None:
    """A superuser's too: each is answered as for somebody who brings nothing."""
    note = Note.objects.create(owner=boss.user, text="mine")
    client, tried = Client(enforce_csrf_checks=True), 0
    for mount in MOUNTS:
        site = backoffice if mount in ("backoffice", "nested/deep") else admin.site
        for address in routes(site.get_urls(), note.pk, f"/{mount}/"):
            for verb in ("get", "post"):
                nobodys = answer(client, verb, address)
                assert answer(client, verb, address, token) == nobodys, address
                if "bare" in address:
                    assert client.get(address, headers={"authorization": f"Bearer {token}"}).json() == {"user": ""}
                elif verb == "get" and not address.endswith("/login/"):
                    assert nobodys[0] in (301, 302), address
                tried += 1
    assert tried >= 2 * 5 * 25
    assert not LogEntry.objects.exists()


@pytest.mark.usefixtures("order")
def test_nor_are_its_views_when_others_have_wrapped_them(token: str) -> None:
    client = Client(enforce_csrf_checks=True)
    for number, kind in enumerate(ADMINS):
        address = f"/admins/{number}/"
        assert answer(client, "get", address, token) == answer(client, "get", address), kind
        assert answer(client, "get", address, token)[0] == (200 if kind == "its login" else 302), kind
        assert answer(client, "post", address, token) == answer(client, "post", address), kind


@pytest.mark.usefixtures("order")
def test_djangos_own_session_opens_it_whatever_token_comes_beside_it(
    token: str, boss: Person, person: Callable[..., Person]
) -> None:
    rosa = person("rosa", is_staff=True)
    client = Client(enforce_csrf_checks=True)
    client.force_login(rosa.user)

    for bearer in (token, "garbage", ""):
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        for address in ("/admin/", "/backoffice/", "/renamed/", "/admins/0/", "/backoffice/report/"):
            given = client.get(address, headers=headers)
            assert given.status_code == 200
            assert str(rosa.user) in given.content.decode()
        # A form of the admin still needs its CSRF token.
        assert client.post("/admin/password_change/", headers=headers).status_code == 403


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize("kind", [*SESSIONS, "Ninja", "async Ninja"])
def test_a_view_that_only_a_session_may_open_is_opened_by_no_token(
    token: str, boss: Person, person: Callable[..., Person], kind: str
) -> None:
    address = "/api/who" if "Ninja" in kind else f"/sessions/{list(SESSIONS).index(kind)}/"
    verb = "post" if kind == "async Ninja" else "get"
    client = Client(enforce_csrf_checks=True)
    assert answer(client, verb, address, token)[0] in (401, 403)
    assert answer(client, "post", address, token)[0] in (401, 403)

    rosa = person("rosa")
    client.force_login(rosa.user)

    headers = {"authorization": f"Bearer {token}"}
    assert client.get(address, headers=headers).json() == {"user": rosa.name}
    assert client.post(address, headers=headers).status_code == 403, "the session needs its CSRF token"


@pytest.mark.parametrize("order", ["first, loaded", "after the user, loaded"])
def test_nor_where_a_request_turns_out_to_go_there_after_somebody_has_looked(
    token: str, boss: Person, person: Callable[..., Person], order: str
) -> None:
    rosa = person("rosa", is_staff=True)
    headers = {"authorization": f"Bearer {token}"}
    middleware = [*ORDERS[order], f"{__name__}.Elsewhere"]
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF="tests.http.test_identity"):
        for address in ("/admin/", "/api/who", "/sessions/0/"):
            client = Client(enforce_csrf_checks=True)
            assert client.get(address, headers=headers).status_code in (302, 401, 403)
            client.force_login(rosa.user)
            answer = client.get(address, headers=headers)
            assert (answer.status_code, rosa.name in answer.content.decode()) == (200, True)
        assert Client().get("/plain/", headers=headers).json() == {"user": boss.name}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("order", ["first, loaded", "after the user, loaded"])
def test_nor_on_the_event_loop(token: str, boss: Person, person: Callable[..., Person], order: str) -> None:
    rosa = person("rosa", is_staff=True)
    headers = {"authorization": f"Bearer {token}"}

    async def opened(client: AsyncClient) -> list[tuple[int, bool]]:
        answers = [await client.get(address, headers=headers) for address in ("/admin/", "/api/who", "/sessions/0/")]
        own = await client.get("/plain/", headers=headers)
        assert own.json() == {"user": boss.name}
        await sync_to_async(connections.close_all)()
        return [(answer.status_code, rosa.name in answer.content.decode()) for answer in answers]

    with override_settings(MIDDLEWARE=[*ORDERS[order][:-1], f"{__name__}.AsyncLoader"]):
        client = AsyncClient(enforce_csrf_checks=True)
        assert asyncio.run(opened(client)) == [(302, False), (401, False), (403, False)]
        client.force_login(rosa.user)
        assert asyncio.run(opened(client)) == [(200, True)] * 3


@pytest.mark.usefixtures("order")
def test_a_view_that_names_an_admin_site_is_left_to_the_session(token: str, boss: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    headers = {"authorization": f"Bearer {token}"}
    for address in ("/named/admin/", "/named/site/"):
        assert client.get(address, headers=headers).json() == {"user": ""}
        assert client.post(address, headers=headers).status_code == 403
    client.force_login(boss.user)
    assert client.get("/named/admin/", headers=headers).json() == {"user": boss.name}


def test_what_djangos_admin_has_for_everybody_makes_no_view_the_admins() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(unquote(request.path) + str(LogEntry.objects.count()))

    assert is_ours(RequestFactory().get("/"), view)


def test_what_a_view_keeps_for_later_is_not_set_up() -> None:
    def fail() -> None:
        raise AssertionError

    later = SimpleLazyObject(fail)

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(later))

    assert is_ours(RequestFactory().get("/"), view)
    assert not may_ask_us(view)


def test_an_app_that_is_called_admin_as_well_is_the_projects_own(token: str, boss: Person) -> None:
    headers = {"authorization": f"Bearer {token}"}

    assert Client().get("/own/who/", headers=headers).json() == {"user": boss.name}
    assert Client().get("/own/staff/", headers=headers).status_code == 302


@pytest.mark.usefixtures("order")
def test_every_other_view_is_open_to_a_narrowed_token_too(token: str, boss: Person) -> None:
    """A scope narrows what asks for one. The guide says so."""
    assert get_user_model()._default_manager.filter(pk=boss.user.pk).exists()
    headers = {"authorization": f"Bearer {token}"}

    assert Client(enforce_csrf_checks=True).post("/plain/", headers=headers).json() == {"user": boss.name}
