"""How this project knows whose request it is: by the host; in threads, as many projects do it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from django_ironclad.realms import known_realm

_now = threading.local()


def tenant_of(host: str) -> str:
    return host.partition(".")[0]


def realm_of(asked: Any) -> str:
    if settings.SHAPE == "shared":
        return "public"
    if isinstance(asked, HttpRequest):
        return asked.tenant.schema_name if settings.SHAPE == "schemas" else tenant_of(asked.get_host())
    return tenant_of(dict(asked["headers"])[b"host"].decode())


def by_host(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        _now.database = tenant_of(request.get_host())
        try:
            return get_response(request)
        finally:
            del _now.database

    return middleware


class Router:
    """The request's database; on a websocket, where no middleware comes by, its realm's."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return getattr(_now, "database", "") or known_realm() or None

    db_for_write = db_for_read

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True
