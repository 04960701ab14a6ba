"""The demo with a websocket at `/ws/echo/`, in a uvicorn of its own on a free port."""

from __future__ import annotations

import asyncio
import socket

import django
import uvicorn
from django.core.asgi import get_asgi_application
from django.core.management import call_command

django.setup()

from campus.first_start import populate  # noqa: E402
from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler  # noqa: E402
from django.urls import path  # noqa: E402

from django_ironclad.channels import BearerMiddleware, get_user  # noqa: E402


class Echo(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: object, **_: object) -> None:
        user, token = await get_user(self.scope), self.scope["auth"]
        await self.send_json({"user": user.get_username(), "exp": token.exp, "said": content})


application = ProtocolTypeRouter(
    {
        "http": ASGIStaticFilesHandler(get_asgi_application()),
        "websocket": BearerMiddleware(URLRouter([path("ws/echo/", Echo.as_asgi())])),
    }
)


def main() -> None:
    call_command("migrate", verbosity=0)
    populate()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"Ready at http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201
        # Its own logging, access log included, goes to the same output.
        server = uvicorn.Server(uvicorn.Config(application, lifespan="off", ws="auto"))
        asyncio.run(server.serve(sockets=[listener]))


if __name__ == "__main__":
    main()
