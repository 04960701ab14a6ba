"""What uvicorn serves: the project, and a websocket that says again what it is told."""

from __future__ import annotations

from typing import Any

from django.core.asgi import get_asgi_application

application_of_django = get_asgi_application()

from django_ironclad.channels import BearerMiddleware, get_user  # noqa: E402


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": (await get_user(scope)).email})


websocket = BearerMiddleware(echo)
strict_websocket = BearerMiddleware(echo, strict=True)


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await (strict_websocket if scope["path"] == "/strict/" else websocket)(scope, receive, send)
    else:
        await application_of_django(scope, receive, send)
