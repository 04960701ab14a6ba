"""A websocket between its server and an application, in ASGI's messages: refused, renewed, and closed in time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import suppress
from typing import Any, Final

from django.utils.functional import SimpleLazyObject

from ..errors import IroncladError
from ..http import answers
from ..realms import enter
from . import handshake
from .connection import Connection

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

#: Seconds in which an application may go on sending to a closed websocket, so that it comes to hear of it and clean up.
PATIENCE: Final = 10.0


class Socket:
    """One websocket. Whoever was refused hears nothing more, and nothing more is heard of them."""

    def __init__(self, scope: Message, receive: Receive, send: Send, *, strict: bool) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._connection = Connection(strict=strict)
        # The application's scope is a copy of a copy: what changes with a renewal is behind these.
        self._user = SimpleLazyObject(lambda: self._connection.user)
        self._auth = SimpleLazyObject(lambda: self._connection.access)
        self._subprotocol: str | None = None
        self._accepted = False
        self._over_since = 0.0
        self._ending: asyncio.Task[None] | None = None

    async def run(self, application: Application) -> None:
        """Return when the application does. An error of ours, also one that it lets through, is told the client."""
        enter(self._scope)
        try:
            asked = handshake.read(self._scope)
            await self._connection.admit(asked.token)
            self._subprotocol = asked.accepted
            scope = {
                **self._scope,
                "subprotocols": asked.subprotocols,
                "user": self._user,
                "auth": self._auth,
                "ironclad": self._connection,
            }
            with self._connection.watched(self._end):
                await application(scope, self._hear, self._tell)
        except IroncladError as error:
            await self._refuse(error)
        except OSError:
            if not self._over_since:
                raise
        finally:
            if self._ending:
                await self._ending

    async def _hear(self) -> Message:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            if not self._over_since and not await self._renews(message.get("text") or ""):
                return message

    async def _renews(self, text: str) -> bool:
        """Whether this message was for us: a new token, good or not."""
        try:
            token = handshake.renewal(text)
            if not token:
                return False
            await self._connection.renew(token)
        except IroncladError as error:
            await self._refuse(error)
            return True
        self._user._wrapped, self._auth._wrapped = self._connection.user, self._connection.access
        answer = {"type": handshake.RENEWED, "expires_in": self._connection.expires_in}
        await self._tell({"type": "websocket.send", "text": json.dumps(answer)})
        return True

    async def _tell(self, message: Message) -> None:
        if self._over_since:
            if time.monotonic() - self._over_since > PATIENCE:
                raise OSError("the websocket is closed")
            return
        if message["type"] == "websocket.accept":
            self._accepted = True
            message = {**message, "subprotocol": message.get("subprotocol") or self._subprotocol}
        elif message["type"] == "websocket.close":
            self._over_since = time.monotonic()
        await self._send(message)

    def _end(self, error: IroncladError) -> None:
        self._ending = asyncio.get_running_loop().create_task(self._refuse(error))

    async def _refuse(self, error: IroncladError) -> None:
        if self._over_since:
            return
        self._over_since = time.monotonic()
        answers.log(error)
        with suppress(OSError):  # The client was faster.
            for message in self._refusal(error):
                await self._send(message)

    def _refusal(self, error: IroncladError) -> Iterator[Message]:
        """An HTTP answer, where there is still one to give and the server can (ASGI's websocket.http.response)."""
        if self._accepted or "websocket.http.response" not in (self._scope.get("extensions") or {}):
            yield {"type": "websocket.close", "code": 4000 + error.status, "reason": error.code}
            return
        answer = answers.error_answer(error)
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.items()]
        yield {"type": "websocket.http.response.start", "status": answer.status_code, "headers": headers}
        yield {"type": "websocket.http.response.body", "body": answer.content}
