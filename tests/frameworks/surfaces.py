"""Every surface that a project may use: its views, each asking what the table says, and how one calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import Any, Protocol

from asgiref.sync import async_to_sync
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient, Client, modify_settings
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, path
from django.views import View
from ninja import NinjaAPI
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ironclad import decorators, drf, ninja

from .table import ASKS, Ask, Case, Outcome, read
from .websockets import CHANNELS
from .world import World

Build = Callable[[Ask], Callable[..., Any]]


class Surface(Protocol):
    """Where a view can live: it builds all of `ASKS`, and calls the one that a case names."""

    @property
    def name(self) -> str: ...

    #: Whether it has methods, cookies, and other schemes than Bearer.
    @property
    def http(self) -> bool: ...

    def call(self, case: Case, world: World) -> Outcome:
        """What comes back of it. The statements of what `send` prepares do not count."""


# Plain Django.


def _who(user: Any, ask: Ask) -> dict[str, str]:
    if ask.touches:
        assert user.is_active
    return {"user": user.get_username()}


async def _awho(request: Any, ask: Ask) -> dict[str, str]:
    return _who(await request.auser() if ask.touches else request.user, ask)


def _guarded(view: Any, ask: Ask) -> Any:
    for need in reversed(ask.needs(decorators)):
        view = need(view)
    if ask.strict:
        view = decorators.strict(view)
    return decorators.public(view) if ask.public else view


def plain_function(ask: Ask) -> Any:
    def view(request: HttpRequest) -> HttpResponse:
        return JsonResponse(_who(request.user, ask))

    return _guarded(view, ask)


def plain_class(ask: Ask) -> Any:
    class Page(View):
        def get(self, request: HttpRequest) -> HttpResponse:
            return JsonResponse(_who(request.user, ask))

        post = get

    return _guarded(Page.as_view(), ask)


def async_function(ask: Ask) -> Any:
    async def view(request: HttpRequest) -> HttpResponse:
        return JsonResponse(await _awho(request, ask))

    return _guarded(view, ask)


def async_class(ask: Ask) -> Any:
    class Page(View):
        async def get(self, request: HttpRequest) -> HttpResponse:
            return JsonResponse(await _awho(request, ask))

        post = get

    return _guarded(Page.as_view(), ask)


# Django REST framework.


def _authentication(ask: Ask) -> list[Any]:
    if ask.public:
        return []
    return [drf.StrictBearerAuthentication if ask.strict else drf.BearerAuthentication]


def rest_class(ask: Ask) -> Any:
    class Page(APIView):
        authentication_classes = _authentication(ask)
        permission_classes = list(ask.needs(drf))

        def get(self, request: Request) -> Response:
            return Response(_who(request.user, ask))

        post = get

    return Page.as_view()


def rest_function(ask: Ask) -> Any:
    @api_view(["GET", "POST"])
    @authentication_classes(_authentication(ask))
    @permission_classes(list(ask.needs(drf)))
    def view(request: Request) -> Response:
        return Response(_who(request.user, ask))

    return view


# Django Ninja.


def _ninja_auth(ask: Ask) -> Any:
    return None if ask.public else reduce(and_, ask.needs(ninja), ninja.Bearer(strict=ask.strict))


def _ninja_api(name: str, operation: Callable[[Ask], Any]) -> NinjaAPI:
    api = NinjaAPI(urls_namespace=name, docs_url=None, openapi_url=None, auth=ninja.Bearer())
    ninja.install(api)
    for view, ask in ASKS.items():
        api.api_operation(["GET", "POST"], f"/{view}/", auth=_ninja_auth(ask), url_name=view)(operation(ask))
    return api


def ninja_operation(ask: Ask) -> Any:
    def operation(request):  # type: ignore[no-untyped-def]
        return _who(request.user, ask)

    return operation


def ninja_async_operation(ask: Ask) -> Any:
    async def operation(request):  # type: ignore[no-untyped-def]
        return await _awho(request, ask)

    return operation


# Calling them.


def _views(build: Build) -> list[URLPattern | URLResolver]:
    return [path(f"{name}/", build(ask)) for name, ask in ASKS.items()]


@dataclass(frozen=True)
class Http:
    """Views under `/<name>/`, called through all of the middleware, which checks CSRF tokens."""

    name: str
    urls: Any
    is_async: bool = False
    #: Whether `BearerMiddleware` is there.
    middleware: bool = True
    http = True

    @property
    def route(self) -> str:
        return self.name.replace(" ", "-") + "/"

    def call(self, case: Case, world: World) -> Outcome:
        authorization = case.send(world)
        client: Any = (AsyncClient if self.is_async else Client)(enforce_csrf_checks=True)
        if case.logged_in:
            client.force_login(world.ada, "django.contrib.auth.backends.ModelBackend")
        call = getattr(client, case.method.lower())
        if self.is_async:
            call = async_to_sync(call)
        headers = {"authorization": authorization} if authorization else {}
        with ExitStack() as stack:
            if not self.middleware:
                stack.enter_context(
                    modify_settings(MIDDLEWARE={"remove": "django_ironclad.middleware.BearerMiddleware"})
                )
            stack.enter_context(case.during())
            queries = stack.enter_context(CaptureQueriesContext(connection))
            response = call(f"/{self.route}{case.ask}/", headers=headers)
        return replace(read(response.status_code, response.headers, response.json()), statements=len(queries))


def _surfaces() -> Iterator[Http]:
    yield Http("a function", _views(plain_function))
    yield Http("a class", _views(plain_class))
    yield Http("an async function", _views(async_function), is_async=True)
    yield Http("an async class", _views(async_class), is_async=True)
    yield Http("APIView", _views(rest_class))
    yield Http("api_view", _views(rest_function))
    yield Http("Ninja", _ninja_api("sync", ninja_operation).urls)
    yield Http("async Ninja", _ninja_api("async", ninja_async_operation).urls, is_async=True)


HTTP = list(_surfaces())
#: REST framework and Ninja need no middleware.
ALONE = [replace(surface, middleware=False) for surface in HTTP if surface.name in {"APIView", "Ninja", "async Ninja"}]
urlpatterns = [
    path(surface.route, surface.urls if isinstance(surface.urls, tuple) else (surface.urls, "", None))
    for surface in HTTP
]
SURFACES: list[Surface] = [*HTTP, *ALONE, *CHANNELS]
