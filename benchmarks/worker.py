"""A process for one candidate: it does what a line of JSON on its standard input says, and answers with a line.

`python -m benchmarks.worker CANDIDATE DATABASE_URL`. A task that is measured gives processor seconds for each act.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

from .candidates import Candidate
from .project import configure


class Worker:
    def __init__(self, name: str, database: str) -> None:
        self.candidate: Candidate = configure(name, database)
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        self.users: list[Any] = []
        self.held: list[tuple[dict[str, str], str]] = []

    # What is prepared.

    def people(self, count: int) -> int:
        """So many users, each logged in once."""
        from django.contrib.auth.models import Group, User

        name = self.candidate.title
        made = User.objects.bulk_create([User(username=f"{name}-{number}", password="!") for number in range(count)])
        group = Group.objects.get_or_create(name="registrar")[0]
        group.user_set.add(*made)
        self.users = list(User.objects.filter(username__startswith=f"{name}-"))
        self.held = [self.candidate.login(user) for user in self.users]
        return len(self.held)

    # What is measured.

    def authenticate(self, count: int, *, fresh: bool = False) -> float:
        """The DRF authentication class alone, on a request that is ready; `fresh`: with tokens not seen before."""
        from rest_framework.test import APIRequestFactory
        from rest_framework.views import APIView

        if fresh:
            self.held = [self.candidate.login(user) for user in self.users]
        factory, view = APIRequestFactory(), APIView()
        several = self.held if fresh else self.held[:1] * count
        requests = [view.initialize_request(factory.get("/", **headers)) for headers, _ in several]
        self._tick()

        def act(request: Any) -> None:
            for authenticator in request.authenticators:
                if authenticator.authenticate(request) is not None:
                    return
            raise AssertionError("not authenticated")

        return _timed(act, requests)

    def call(self, count: int, *, fresh: bool = False, path: str = "/") -> float:
        """The whole call through WSGI: middleware, routing, view, answer."""
        if fresh:
            self.held = [self.candidate.login(user) for user in self.users]
        from django.core.wsgi import get_wsgi_application

        self.application = getattr(self, "application", None) or get_wsgi_application()
        several = self.held if fresh else (self.held or [({}, "")])[:1] * count
        environs = [{**_ENVIRON, "PATH_INFO": path, **headers, "wsgi.input": BytesIO()} for headers, _ in several]
        self._tick()

        def act(environ: dict[str, Any]) -> None:
            statuses: list[str] = []
            response = self.application(environ, lambda status, headers: statuses.append(status))
            b"".join(response)
            response.close()
            assert statuses[0].startswith("200"), statuses

        return _timed(act, environs)

    def acall(self, count: int, *, path: str = "/async/") -> float:
        """The whole call through ASGI, one after the other on one loop."""
        from django.core.asgi import get_asgi_application

        self.asgi = getattr(self, "asgi", None) or get_asgi_application()
        headers = (self.held or [({}, "")])[0][0]
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

    def login(self, count: int) -> float:
        """A login beyond its password: what the package does once it knows who this is."""
        return _timed(self.candidate.login, [self.users[number % len(self.users)] for number in range(count)])

    def rotate(self, count: int) -> float:
        """A refresh of so many sessions, each its first."""
        rotate = self.candidate.rotate
        assert rotate is not None
        tokens = [self.candidate.login(self.users[number % len(self.users)])[1] for number in range(count)]
        return _timed(rotate, tokens)

    def statements(self, what: str) -> int:
        """SQL statements of one act."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        getattr(self, what)(1)
        prepared = [self.candidate.login(self.users[0])] if what == "rotate" else []
        with CaptureQueriesContext(connection) as context:
            if prepared:
                assert self.candidate.rotate is not None
                self.candidate.rotate(prepared[0][1])
            else:
                getattr(self, what)(1)
        return sum(1 for query in context.captured_queries if not query["sql"].startswith("PRAGMA"))

    def memory(self) -> int:
        """Kilobytes that this process has held at most."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def _tick(self) -> None:
        """The set of ended sessions is read before, and not within what is measured: it is read once a second."""
        if "django_ironclad" in self.candidate.apps:
            from django_ironclad.revocation import revoked_sessions

            revoked_sessions.freshen()


_ENVIRON = {
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


def _timed(act: Callable[[Any], object], arguments: list[Any]) -> float:
    """Processor seconds for each, the median of ten slices, with the garbage collector at rest."""
    size = max(1, len(arguments) // 10)
    slices = [arguments[start : start + size] for start in range(0, len(arguments), size)]
    took: list[float] = []
    gc.collect()
    gc.disable()
    for each in slices:
        began = time.process_time()
        for argument in each:
            act(argument)
        took.append((time.process_time() - began) / len(each))
    gc.enable()
    return sorted(took)[len(took) // 2]


def main(name: str, database: str) -> None:
    worker = Worker(name, database)
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        answer = getattr(worker, task.pop("do"))(**task)
        print(json.dumps({"answer": answer}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
