"""Where an access token sits in a request (RFC 6750 §2.1)."""

from __future__ import annotations

from django.http import HttpRequest

from ..errors import InvalidToken, MissingToken
from ..realms import enter


def bearer_token(request: HttpRequest) -> str:
    """The token after `Authorization: Bearer` (RFC 6750 §2.1), "" without one. Raises InvalidToken."""
    enter(request)
    return parse_bearer(request.META.get("HTTP_AUTHORIZATION", ""))


def required_token(request: HttpRequest) -> str:
    """The token after `Authorization: Bearer`. Raises MissingToken, InvalidToken."""
    enter(request)
    token = parse_bearer(request.headers.get("Authorization", ""))
    if not token:
        raise MissingToken
    return token


def parse_bearer(header: str) -> str:
    """The token in an `Authorization` header, "" where there is none. Raises InvalidToken."""
    scheme, _, token = header.strip(" ").partition(" ")
    if scheme.lower() != "bearer":
        return ""
    token = token.strip(" ")
    if not token or not token.isascii() or " " in token:
        raise InvalidToken("not exactly one token after Bearer", reason="malformed")
    return token
