"""What servers with websockets serve: the project, and beside it an echo behind a token."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

django = get_asgi_application()

from django_ironclad.channels import BearerMiddleware  # noqa: E402


class Echo(AsyncWebsocketConsumer):
    async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
        await self.send(f"{self.scope['user'].get_username()}: {text_data}")


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """For servers that take an error in it for the end."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


application = ProtocolTypeRouter(
    {
        "http": django,
        "websocket": BearerMiddleware(URLRouter([path("echo/", Echo.as_asgi())])),
        "lifespan": lifespan,
    }
)
