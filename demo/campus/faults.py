"""BROWSER TESTS ONLY: what goes wrong between a client and a server, on request. Only `settings_faults` names this.

`POST /faults/` sets the switches, `GET /faults/` tells what was asked since. `/faults/page/` is an empty page,
`/faults/echo/` answers what it was sent, and `/faults/refused/` is always 401.
"""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from django_ironclad import auth
from django_ironclad.auth import judging
from django_ironclad.errors import InvalidToken, IroncladError, RateLimited, TemporarilyUnavailable
from django_ironclad.http import bearer_token
from django_ironclad.http.answers import error_answer
from django_ironclad.sessions import issuing

FRESH = settings.IRONCLAD
#: Among them what a proxy, a captive portal or a debug page says in our place.
ANSWERS: dict[str, Callable[[], HttpResponse]] = {
    "502": lambda: HttpResponse("<h1>Bad gateway</h1>", status=502),
    "503": lambda: error_answer(TemporarilyUnavailable(retry_after=1)),
    "429": lambda: error_answer(RateLimited(retry_after=2)),
    "429 for long": lambda: error_answer(RateLimited(retry_after=7)),
    "html": lambda: HttpResponse("<h1>Welcome to the train's network</h1>"),
}


class Faults:
    """Stands before everything else. Its state is of one process, which is all that the demo has."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.given_out: set[str] = set()
        self.set({})

    def set(self, switches: dict[str, Any]) -> None:
        #: What happens to the next calls of `refresh/`, one each: a name in `ANSWERS`; "drop", no answer; "lost", done,
        #: but the answer does not arrive; "" nothing.
        self.refresh: list[str] = switches.get("refresh", [])
        #: Calls whose path begins so get no answer.
        self.cut: str = switches.get("cut", "")
        #: Seconds before a path is answered.
        self.delay: dict[str, float] = switches.get("delay", {})
        #: Access tokens that are refused from now on although they are good: all that were given out so far.
        self.spoiled = set(self.given_out) if switches.get("spoil") else set()
        #: Seconds that the clock of the tokens is ahead of everybody else's.
        shift = switches.get("clock", 0)
        vars(judging)["time"] = vars(issuing)["time"] = SimpleNamespace(time=lambda: time.time() + shift)
        #: Lifetimes in seconds; `{"REUSE_GRACE": 1}` is as good as no grace.
        lifetimes = {name: timedelta(seconds=seconds) for name, seconds in switches.get("lifetimes", {}).items()}
        settings.IRONCLAD = {**FRESH, **lifetimes}
        setting_changed.send(type(self), setting="IRONCLAD", value=settings.IRONCLAD, enter=True)
        self.calls: list[dict[str, Any]] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/faults/":
            if request.method == "POST":
                self.set(json.loads(request.body))
            return JsonResponse({"calls": self.calls})
        if request.path == "/faults/page/":
            return HttpResponse(
                '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Empty</title></html>'
            )
        if request.path.startswith("/static/"):
            return self.get_response(request)
        call = {"call": f"{request.method} {request.path}", "status": 0, "host": request.get_host()}
        call["authorized"] = "Authorization" in request.headers
        call["body"] = base64.b64encode(request.body).decode()
        self.calls.append(call)
        time.sleep(self.delay.get(request.path, 0))
        response = self.answer(request)
        call["status"] = response.status_code
        return response

    def answer(self, request: HttpRequest) -> HttpResponse:
        fault = self.refresh.pop(0) if request.path == "/auth/refresh/" and self.refresh else ""
        if fault in ANSWERS:
            return ANSWERS[fault]()
        if fault == "drop" or (self.cut and request.path.startswith(self.cut)):
            return hang_up(request)
        try:
            if bearer_token(request) in self.spoiled:
                raise InvalidToken("spoiled by a test")
            response = self.view(request)
        except IroncladError as error:
            return error_answer(error)
        if fault == "lost":
            return hang_up(request)
        if request.path in ("/auth/login/", "/auth/refresh/") and response.status_code == 200:
            self.given_out.add(json.loads(response.content)["access_token"])
        return response

    def view(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/faults/refused/":
            raise InvalidToken("this view refuses everybody")
        if request.path == "/faults/redirect/":
            return HttpResponseRedirect(quote(request.GET["to"], safe=":/"))
        if request.path == "/faults/echo/":
            user, _ = auth.authenticate(bearer_token(request))
            return JsonResponse({"user": user.get_username(), "type": request.content_type})
        return self.get_response(request)


def hang_up(request: HttpRequest) -> HttpResponse:
    """Close the connection without a word, cookies included. The answer is for the server's own books."""
    # WSGI has no way to do that: through Django's development server, down to the socket that it reads from.
    request.META["wsgi.input"]._read.__self__.raw._sock.shutdown(socket.SHUT_RDWR)
    return HttpResponse()
