"""The other end of a websocket, as tests see it, without a server in between."""

from __future__ import annotations

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator

#: Seconds: a look of the watch, and as much again for a busy machine.
SOON = 5.0


class Websocket(ApplicationCommunicator):
    """The other end, on the page of `origin`. (What Channels has for this needs Daphne.)"""

    def __init__(
        self,
        app: Any,
        token: str = "",
        to: str = "/",
        *,
        subprotocols: list[str] | None = None,
        origin: str = "http://testserver",
        host: str = "testserver",
        authorization: str = "",
        scheme: str = "ws",
        **headers: str,
    ) -> None:
        headers |= {"origin": origin, "host": host, "authorization": authorization}
        encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items() if value]
        offered = subprotocols if subprotocols is not None else ["ironclad.bearer", token] if token else []
        scope = {
            "type": "websocket",
            "scheme": scheme,
            "path": to.partition("?")[0],
            "query_string": to.partition("?")[2].encode(),
            "headers": encoded,
            "subprotocols": offered,
            "extensions": {"websocket.http.response": {}},
        }
        super().__init__(app, scope)

    async def connect(self) -> dict[str, Any]:
        """What comes first: it is accepted, or closed."""
        await self.send_input({"type": "websocket.connect"})
        return dict(await self.receive_output(SOON))

    async def is_accepted(self) -> bool:
        """Whether it is; then it is closed again."""
        first = await self.connect()
        await self.disconnect()
        return bool(first["type"] == "websocket.accept")

    async def disconnect(self, code: int = 1000) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": code})
        await self.wait(SOON)

    async def say(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def hear(self) -> str:
        message = await self.receive_output(SOON)
        assert message["type"] == "websocket.send", message
        return str(message["text"])

    async def refusal(self) -> tuple[int, str]:
        """The status and the error of an HTTP answer, which comes instead of a websocket."""
        start = await self.connect()
        assert start["type"] == "websocket.http.response.start", start
        body = await self.receive_output(SOON)
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        await self.wait()
        return start["status"], json.loads(body["body"])["error"]

    async def closed(self) -> tuple[int, str]:
        """The code and the reason, once the server closes; a server then says so to the application."""
        message = await self.receive_output(SOON)
        assert message["type"] == "websocket.close", message
        await self.disconnect(message["code"])
        return message["code"], message["reason"]

    async def ask(self, text: str) -> Any:
        await self.say(text)
        return json.loads(await self.hear())

    async def renew(self, token: object) -> None:
        await self.say(json.dumps({"type": "ironclad.renew", "access_token": token}))
