"""What an answer says of the process that gave it: its pid, and which sessions it ended and when that was committed."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from django_ironclad.models import Session
from django_ironclad.signals import session_revoked

#: Of this request: session → the monotonic clock, which all processes of a machine share, just after the commit.
_ended: ContextVar[dict[str, float]] = ContextVar("ended")
#: What `sync_to_async` was asked to run in a thread, in an ASGI server: see `asgi`.
hops: Counter[str] = Counter()


@receiver(session_revoked, dispatch_uid="tests.processes.note_commit")
def _note_commit(session: Session, **_: object) -> None:
    ended = _ended.get({})
    transaction.on_commit(lambda: ended.update({str(session.pk): time.monotonic()}))


@sync_and_async_middleware
def middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    if iscoroutinefunction(get_response):

        async def around(request: HttpRequest) -> HttpResponse:
            ended: dict[str, float] = {}
            _ended.set(ended)
            return _report(await get_response(request), ended)

        return around

    def around_sync(request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        ended: dict[str, float] = {}
        _ended.set(ended)
        return _report(get_response(request), ended)

    return around_sync


def _report(response: HttpResponse, ended: dict[str, float]) -> HttpResponse:
    response["X-Pid"] = os.getpid()
    if ended:
        response["X-Ended"] = json.dumps(ended)
    if response.status_code != 204:  # Which has none (RFC 9110 §8.6).
        response["Content-Length"] = len(response.content)
    return response
