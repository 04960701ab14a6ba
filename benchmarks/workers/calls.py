"""A worker's tasks: requests are authenticated and answered, in process."""

from __future__ import annotations

import asyncio
import sys
import time
from functools import cached_property
from io import BytesIO
from typing import Any

from .base import Base, timed


class Calls(Base):
    @cached_property
    def asgi(self) -> Any:
        from django.core.asgi import get_asgi_application

        return get_asgi_application()

    @cached_property
    def wsgi(self) -> Any:
        from django.core.wsgi import get_wsgi_application

        return get_wsgi_application()

    def authenticate(self, count: int, *, fresh: bool = False) -> float:
        """The DRF authentication class alone, on a request that is ready; `fresh`: with tokens not seen before."""
        from rest_framework.test import APIRequestFactory
        from rest_framework.views import APIView

        several = self.log_everybody_in() if fresh else self.everybody()[:1] * count
        factory, view = APIRequestFactory(), APIView()
        requests = [view.initialize_request(factory.get("/", **headers)) for headers, _ in several]
        self.tick()
        return timed(_authenticate, requests)

    def queries(self) -> int:
        """SQL statements of authenticating a request whose token has been seen before."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext
        from rest_framework.test import APIRequestFactory
        from rest_framework.views import APIView

        self.authenticate(1)
        request = APIView().initialize_request(APIRequestFactory().get("/", **self.everybody()[0][0]))
        self.tick()
        with CaptureQueriesContext(connection) as context:
            _authenticate(request)
        return len(context)

    def call(self, count: int, *, fresh: bool = False, path: str = "/") -> float:
        """The whole call through WSGI: middleware, routing, view, answer."""
        several = self.log_everybody_in() if fresh else (self.everybody() or [({}, "")])[:1] * count
        environs = [{**ENVIRON, "PATH_INFO": path, **headers, "wsgi.input": BytesIO()} for headers, _ in several]
        self.tick()

        def act(environ: dict[str, Any]) -> None:
            statuses: list[str] = []
            response = self.wsgi(environ, lambda status, headers: statuses.append(status))
            b"".join(response)
            response.close()
            assert statuses[0].startswith("200"), statuses

        return timed(act, environs)

    def acall(self, count: int, *, path: str = "/async/") -> float:
        """The whole call through ASGI, one after the other on one loop."""
        headers = (self.everybody() or [({}, "")])[0][0]
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "http_version": "1.1"}
        scope["headers"] = [
            (name[5:].lower().replace("_", "-").encode(), text.encode()) for name, text in headers.items()
        ]

        async def act(_: object) -> None:
            statuses: list[int] = []
            waiting = asyncio.Event()

            async def receive() -> dict[str, Any]:
                if statuses:
                    await waiting.wait()
                statuses.append(0)
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    assert message["status"] == 200, message

            await self.asgi(dict(scope), receive, send)

        async def all_of_them() -> float:
            await act(None)
            began = time.process_time()
            for number in range(count):
                await act(number)
            return (time.process_time() - began) / count

        return asyncio.run(all_of_them())


def _authenticate(request: Any) -> None:
    for authenticator in request.authenticators:
        if authenticator.authenticate(request) is not None:
            return
    raise AssertionError("not authenticated")


ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": False,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
