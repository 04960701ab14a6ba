"""The refresh cookie: its name, and how it is set, read and taken away."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final

from django.conf import settings as django_settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse

from ..conf import get_settings
from ..errors import InvalidGrant, InvalidRequest, OriginNotAllowed
from .origin import check_cookie_gates

#: What is no part of a cookie's name or value (RFC 6265bis §5.6). Django's parser takes every Unicode space away,
#: and what any host of the domain may set is then called `__Host-`, too.
_BLANK: Final = " \t"


def cookie_name() -> str:
    return ("__Host-" if django_settings.SESSION_COOKIE_SECURE else "") + get_settings().COOKIE_NAME


def refresh_cookie(request: HttpRequest) -> str:
    """The refresh token in the cookie, "" when there is none, for a page of ours only.

    Raises InvalidRequest where there are two, of which one may be another host's; OriginNotAllowed.
    """
    check_cookie_gates(request)
    values = _values(request)
    if len(values) > 1:
        raise InvalidRequest(
            reason="two_cookies",
            hint="The refresh cookie is there twice. With SESSION_COOKIE_SECURE no other host can set one of its name.",
        )
    return "".join(values)


def has_refresh_cookie(request: HttpRequest) -> bool:
    return bool(_values(request))


def no_refresh_token(request: HttpRequest) -> InvalidGrant | InvalidRequest:
    """What a refresh without a token is: to a page of ours the end of its session, as its cookie is gone."""
    if "cookie" in get_settings().TRANSPORTS:
        with suppress(OriginNotAllowed):
            check_cookie_gates(request)
            return InvalidGrant("no refresh cookie", reason="missing")
    description = '"refresh_token" is required, in the body or by cookie.'
    return InvalidRequest("no refresh token", reason="missing", description=description)


def _values(request: HttpRequest) -> list[str]:
    """What each cookie of exactly our name holds, as it was sent: the header itself, never Django's reading of it."""
    pairs = (pair.partition("=") for field in _fields(request) for pair in field.split(";"))
    ours = cookie_name()
    return [value.strip(_BLANK) for name, equals, value in pairs if equals and name.strip(_BLANK) == ours]


def _fields(request: HttpRequest) -> list[str]:
    """The header; over HTTP/2 a browser may send each cookie in one of its own (RFC 9113 §8.2.3).

    Django joins those by commas, which a cookie may hold itself.
    """
    if isinstance(request, ASGIRequest):
        return [value.decode("latin-1") for name, value in request.scope["headers"] if name.lower() == b"cookie"]
    return [request.META.get("HTTP_COOKIE", "")]


def set_cookie(response: HttpResponse, value: str, *, max_age: timedelta) -> None:
    """The refresh cookie, as strict as `COOKIE_SAMESITE` and `SESSION_COOKIE_SECURE` let it be (ASVS 3.3)."""
    response.set_cookie(
        cookie_name(),
        value,
        max_age=max_age,
        path="/",
        secure=django_settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=get_settings().COOKIE_SAMESITE,
    )


def delete_cookie(response: HttpResponse) -> None:
    """Expire the refresh cookie with the attributes it was set with, or the browser would keep it."""
    set_cookie(response, "", max_age=timedelta(0))
