"""A websocket as one more surface: what it is refused by is an HTTP answer, and who it is accepted for, it says."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.datastructures import CaseInsensitiveMapping

from django_ironclad import channels

from ..websockets import SOON, Websocket
from .table import ASKS, Ask, Case, Outcome, read
from .world import World


def application(ask: Ask) -> Any:
    # No consumer of Channels: it would close the connection to the database under the test's transaction.
    async def says_who(scope: Any, receive: Any, send: Any) -> None:
        user = scope.get("user")
        if ask.touches:
            assert (await channels.get_user(scope)).is_active
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": user.get_username() if user else ""})

    for need in reversed(ask.needs(channels)):
        says_who = need(says_who)
    return says_who if ask.public else channels.BearerMiddleware(says_who, strict=ask.strict)


@dataclass(frozen=True)
class Channels:
    name: str
    #: As a browser sends the token, or in the header.
    by_subprotocol: bool
    http = False

    def call(self, case: Case, world: World) -> Outcome:
        authorization = case.send(world)
        sent = (
            {"token": authorization.removeprefix("Bearer ")}
            if self.by_subprotocol
            else {"authorization": authorization}
        )
        with case.during(), CaptureQueriesContext(connection) as queries:
            outcome = async_to_sync(converse)(case.ask, **sent)
        return replace(outcome, statements=len(queries))


async def converse(view: str, **sent: str) -> Outcome:
    socket = Websocket(APPLICATIONS[view], **sent)
    first = await socket.connect()
    then = await socket.receive_output(SOON)
    await socket.wait(SOON)
    if first["type"] == "websocket.accept":
        return read(200, {}, {"user": then["text"]})
    headers = CaseInsensitiveMapping({name.decode(): value.decode() for name, value in first["headers"]})
    return read(first["status"], headers, json.loads(then["body"]))


APPLICATIONS = {name: application(ask) for name, ask in ASKS.items()}
CHANNELS = [Channels("a websocket", by_subprotocol=True), Channels("a websocket by header", by_subprotocol=False)]
