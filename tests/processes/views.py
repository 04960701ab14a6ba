"""Views that need a token and no database, and those by which a test has a server begin and end sessions."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ironclad import auth, sessions
from django_ironclad.decorators import public

from . import reports


def _who(request: HttpRequest) -> JsonResponse:
    if not request.user.is_authenticated:
        return JsonResponse({}, status=401)
    return JsonResponse({"user": request.user.get_username()})


@transaction.non_atomic_requests
def plain(request: HttpRequest) -> HttpResponse:
    return _who(request)


class RestView(APIView):
    """Authenticates inside the transaction, where a project has ATOMIC_REQUESTS."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username()})


@transaction.non_atomic_requests
async def asynchronous(request: HttpRequest) -> HttpResponse:
    return _who(request)


@public
@transaction.non_atomic_requests
async def public_asynchronous(request: HttpRequest) -> HttpResponse:
    return JsonResponse({})


@public
@transaction.non_atomic_requests
async def blocking(request: HttpRequest) -> HttpResponse:
    """What no async view may do: asyncio's debug mode has to say so."""
    time.sleep(1)  # noqa: ASYNC251
    return JsonResponse({})


@public
@transaction.non_atomic_requests
async def hops(request: HttpRequest) -> HttpResponse:
    return JsonResponse(dict(reports.hops))


@public
def begin(request: HttpRequest) -> HttpResponse:
    """`people` users with `sessions` sessions each."""
    order = json.loads(request.body)
    people = [_begin(order["sessions"]) for _ in range(order["people"])]
    return JsonResponse({"people": people})


def _begin(count: int) -> dict[str, Any]:
    name = f"{uuid.uuid4().hex}@example.org"
    manager = get_user_model()._default_manager
    first = (name,) if get_user_model().USERNAME_FIELD == "email" else (name, name)
    user = manager.create_user(*first, "a password")
    tokens = [auth.login(user) for _ in range(count)]
    return {
        "user": str(user.pk),
        "sessions": [
            {
                "sid": auth.verify(each.access_token).sid,
                "access_token": each.access_token,
                "refresh_token": each.refresh_token,
            }
            for each in tokens
        ],
    }


@public
def mail(request: HttpRequest) -> HttpResponse:
    """One mail that stays in this process, as a staging system's."""
    with get_connection("django.core.mail.backends.locmem.EmailBackend") as backend:
        sent = backend.send_messages([EmailMessage("a subject", "a text", to=["ada@example.org"])])
    return JsonResponse({"sent": sent})


@public
def end(request: HttpRequest) -> HttpResponse:
    """End what `user` has, as `how` says; commit `seconds` later, or roll back then."""
    order = json.loads(request.body)
    seconds, roll_back = order.get("seconds", 0), order.get("roll_back", False)
    if not seconds and not roll_back:
        _end(**order)
        return JsonResponse({})
    with transaction.atomic():
        _end(**order)
        time.sleep(seconds)
        transaction.set_rollback(roll_back)
    return JsonResponse({})


def _end(*, user: str, how: str, **_: object) -> None:
    person = get_user_model()._default_manager.get(pk=user)
    match how:
        case "password":
            person.set_password("another password")
            person.save()
        case "deactivation":
            person.is_active = False
            person.save()
        case "deletion":
            person.delete()
        case "revoke_all":
            sessions.revoke_all(person, reason="a test")
        case _:
            raise ValueError(how)
