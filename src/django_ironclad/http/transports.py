"""By which way a refresh token comes and goes: in a body, or in the cookie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from django.http import HttpRequest

from ..conf import Transport, get_settings
from ..errors import InvalidRequest
from .body import text
from .cookie import has_refresh_cookie, refresh_cookie


def login_transport(body: Mapping[str, Any]) -> Transport:
    """How the refresh token of this login shall travel. Raises InvalidRequest."""
    allowed = get_settings().TRANSPORTS
    asked = body.get("transport", allowed[0])
    for transport in allowed:
        if transport == asked:
            return transport
    known = asked in get_args(Transport)
    raise InvalidRequest(
        "no such transport",
        reason="transport",
        description=f'"transport" must be one of {", ".join(allowed)}.',
        hint=f"IRONCLAD['TRANSPORTS'] has no {asked!r}." if known else "",
    )


def refresh_token(request: HttpRequest, body: Mapping[str, Any]) -> tuple[str, Transport]:
    """The refresh token, "" when there is none, and the way it came. One in the body wins: the cookie is then not read.

    Raises InvalidRequest, OriginNotAllowed.
    """
    allowed = get_settings().TRANSPORTS
    if "refresh_token" in body:
        if "body" not in allowed:
            raise InvalidRequest(
                reason="transport", hint="A refresh token came in the body, and IRONCLAD['TRANSPORTS'] has no 'body'."
            )
        return text(body, "refresh_token"), "body"
    if "cookie" in allowed and has_refresh_cookie(request):
        return refresh_cookie(request), "cookie"
    return "", "body"
