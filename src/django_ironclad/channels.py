"""Django Channels: a websocket is opened by an access token, and stays open while that one or a newer holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .requirements import Requirement
from .sockets import Application, Connection, Message, Receive, Send, Socket


class BearerMiddleware:
    """`scope["user"]` and `scope["auth"]`, an AccessToken: the handshake's, then that of the last renewal.

    Around a `URLRouter`, or a single consumer. Who comes without a good token is refused; `strict` asks the database,
    at the handshake and at each renewal.
    """

    def __init__(self, application: Application, *, strict: bool = False) -> None:
        self.application = application
        self.strict = strict

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            raise ValueError(f"this BearerMiddleware is for websockets, not for {scope['type']!r}")
        await Socket(scope, receive, send, strict=self.strict).run(self.application)


def requires(
    *, scope: str | None = None, group: str | None = None, permission: str | None = None
) -> Callable[[Application], Application]:
    """Only who has all of this may connect, and go on by a new token; see `django_ironclad.decorators.requires`.

    It wraps what a route leads to: `requires(scope="read")(Grades.as_asgi())`.
    """
    return _requires(Requirement(scope=scope, group=group, permission=permission))


def requires_recent_login(*, max_age: timedelta) -> Callable[[Application], Application]:
    """Only who has logged in or proved who they are within `max_age` (RFC 9470). Used as `requires` is."""
    return _requires(Requirement(max_age=max_age))


async def get_user(scope: Message) -> Any:
    """The real user, loaded off the event loop. Raises InvalidToken, which closes, when they are gone or inactive."""
    return await _connection(scope).load_user()


async def get_groups(scope: Message) -> tuple[str, ...]:
    """The names of the user's groups, also where the token leaves them out: they are then read off the event loop.

    Raises InvalidToken, TemporarilyUnavailable.
    """
    return await _connection(scope).load_groups()


def _requires(requirement: Requirement) -> Callable[[Application], Application]:
    def decorate(application: Application) -> Application:
        @wraps(application)
        async def guarded(scope: Message, receive: Receive, send: Send) -> None:
            await _connection(scope).require(requirement)
            await application(scope, receive, send)

        return guarded

    return decorate


def _connection(scope: Message) -> Connection:
    try:
        connection: Connection = scope["ironclad"]
    except KeyError:
        raise ImproperlyConfigured("django_ironclad.channels.BearerMiddleware has to be around this route.") from None
    return connection
