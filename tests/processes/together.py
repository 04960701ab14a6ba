"""Async views, plain and Ninja's, that answer once so many callers are in them at the same time."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI

from django_ironclad.decorators import public
from django_ironclad.ninja import Bearer, install

_meetings: dict[str, asyncio.Barrier] = {}


async def _meet(request: Any) -> dict[str, str]:
    """Who is calling, asked after everybody else has come."""
    barrier = _meetings.setdefault(request.GET["meeting"], asyncio.Barrier(int(request.GET["of"])))
    async with asyncio.timeout(60):
        await barrier.wait()
    user = str(request.user.pk) if request.auth else ""
    return {"user": user, "thread": str(threading.get_ident())}


async def plain(request: HttpRequest) -> HttpResponse:
    return JsonResponse(await _meet(request))


@public
async def public_plain(request: HttpRequest) -> HttpResponse:
    return JsonResponse(await _meet(request))


api = NinjaAPI(auth=Bearer(), docs_url=None, openapi_url=None)
install(api)


@api.get("/who/")
async def who(request):  # type: ignore[no-untyped-def]
    return await _meet(request)


@api.get("/public/", auth=None)
async def public_who(request):  # type: ignore[no-untyped-def]
    return await _meet(request)
