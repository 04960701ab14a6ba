"""Where a websocket carries tokens: in its handshake, by a page that may, and later in a message that renews them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

from django.core.handlers.asgi import ASGIRequest

from .. import http
from ..errors import InvalidToken
from ..http import check_origin
from ..tokens import load_json

#: The subprotocol that says: the next one is an access token. A browser can send no other header of ours.
BEARER: Final = "ironclad.bearer"
RENEW: Final = "ironclad.renew"
RENEWED: Final = "ironclad.renewed"


@dataclass(frozen=True, slots=True)
class Handshake:
    #: "" when there is none.
    token: str = field(repr=False)
    #: What else the client offers, for the application to choose from.
    subprotocols: list[str]
    #: What is accepted where the application chooses nothing; never the token, which no answer repeats.
    accepted: str | None


def read(scope: Mapping[str, Any]) -> Handshake:
    """What the handshake in this ASGI scope says. Raises OriginNotAllowed, InvalidToken, InvalidRequest.

    A page of another origin is refused. Where no page is, there is no Origin either, and nothing ambient to misuse.
    """
    # What a proxy said of its own side, some servers hand on as it said it.
    scheme = "https" if scope.get("scheme") in ("wss", "https") else "http"
    request = ASGIRequest({**scope, "method": "GET", "scheme": scheme}, BytesIO())
    if "Origin" in request.headers:
        check_origin(request)
    token, offered = http.parse_bearer(request.headers.get("Authorization", "")), list(scope.get("subprotocols", ()))
    if BEARER not in offered:
        return Handshake(token, offered, None)
    at = offered.index(BEARER)
    named, others = offered[at + 1 : at + 2], offered[:at] + offered[at + 2 :]
    if token or not any(named) or BEARER in others:
        raise InvalidToken(f"not exactly one token, after {BEARER}", reason="malformed")
    return Handshake(named[0], others, BEARER)


def renewal(message: str) -> str:
    """The access token in `{"type": "ironclad.renew", "access_token": …}`, "" in a message of the application's own.

    Raises InvalidRequest.
    """
    if RENEW not in message:
        return ""
    try:
        members = load_json(message.encode())
    except ValueError:
        return ""
    return http.text(members, "access_token") if members.get("type") == RENEW else ""
