"""The one project that all of them protect: a view that answers a small JSON object, and what Django needs for that."""

from __future__ import annotations

from typing import Any

import dj_database_url
import django
from django.conf import settings
from django.urls import path
from django.utils.module_loading import import_string

from .candidates import CANDIDATES, SECRET_KEY, Candidate
from .entrances import ENTRANCES

urlpatterns: list[Any] = []


def configure(name: str, database: str, *, pool: bool = False) -> Candidate:
    """Set Django up for this candidate, on the database of this URL, with connections that stay.

    `pool` is for ASGI, where each request has a thread, and so a connection, of its own.
    """
    candidate = CANDIDATES[name]
    connection = dj_database_url.parse(database, conn_max_age=0 if pool else None)
    if connection["ENGINE"].endswith("sqlite3"):
        connection["OPTIONS"] = {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
        }
    elif pool:
        connection["OPTIONS"] = {"pool": {"min_size": 2, "max_size": 8}}
    drf_authentication = [candidate.authentication] if candidate.framework == "drf" and candidate.authentication else []
    settings.configure(
        SECRET_KEY=SECRET_KEY,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="benchmarks.project",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "rest_framework",
            *candidate.apps,
        ],
        MIDDLEWARE=list(candidate.middleware),
        DATABASES={"default": connection},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        # Whatever a password costs, it costs everybody.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": drf_authentication,
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "UNAUTHENTICATED_USER": None,
        },
        USE_TZ=True,
        LOGGING_CONFIG=None,
        **candidate.settings,
    )
    django.setup()
    urlpatterns[:] = {"drf": _drf, "ninja": _ninja, "plain": _plain}[candidate.framework](candidate)
    if name in ENTRANCES:
        urlpatterns.append(path("login/", ENTRANCES[name]()))
    return candidate


def _drf(candidate: Candidate) -> list[Any]:
    from rest_framework.permissions import AllowAny, IsAuthenticated
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class View(APIView):
        permission_classes = [IsAuthenticated if candidate.authentication else AllowAny]

        def get(self, request: Any) -> Response:
            return Response({"answer": 42})

    return [path("", View.as_view())]


def _ninja(candidate: Candidate) -> list[Any]:
    from ninja import NinjaAPI

    guard = {"auth": import_string(candidate.authentication)()} if candidate.authentication else {}
    api = NinjaAPI(docs_url=None, **guard)

    @api.get("/")
    def view(request: Any) -> dict[str, int]:
        return {"answer": 42}

    return [path("", api.urls)]


def _plain(candidate: Candidate) -> list[Any]:
    from django.http import HttpRequest, HttpResponse, JsonResponse

    def view(request: HttpRequest) -> HttpResponse:
        if candidate.middleware and not request.user.is_authenticated:
            return HttpResponse(status=401)
        return JsonResponse({"answer": 42})

    async def asynchronous(request: HttpRequest) -> HttpResponse:
        return view(request)

    return [path("", view), path("async/", asynchronous)]
