"""`request.user` for plain Django views: whoever a Bearer token says; without one, whoever Django's session says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from . import auth, http
from .errors import InvalidToken, IroncladError
from .http import answers, identity, is_ours, may_ask_us
from .keyring import get_key_ring
from .realms import enter
from .tokens import AccessToken
from .users import at_hand

#: In the place of True: UpdateCacheMiddleware stores nothing before the answer says on what it depends.
_HELD: Final[list[None]] = []


class BearerMiddleware:
    """Stands before `CsrfViewMiddleware`: a request that a Bearer token authenticates needs no CSRF token.

    A bad token is 401 on every view but a `public` one. Three kinds of views are left alone: DRF's and Ninja's have
    authentication of their own, and Django's admin is for Django's session.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]) -> None:
        # A process that is to serve starts with its keys, or not at all.
        get_key_ring()
        self.get_response: Any = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
            self.process_view = self._aprocess_view  # type: ignore[method-assign, assignment]

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        request.auth, request.ironclad_has_an_end = None, True  # type: ignore[attr-defined]
        identity.foresee(request)
        if self._is_async:
            return self._acall(request)
        try:
            return _varied(request, self.get_response(request))
        finally:
            if at_hand.is_waiting(request):
                at_hand.finish(request)

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        try:
            return _varied(request, await self.get_response(request))
        finally:
            if at_hand.is_waiting(request):
                # Also when its client has gone away.
                await asyncio.shield(sync_to_async(at_hand.finish)(request))

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        enter(request)
        try:
            token = _token_for(request, view)
            if token:
                _admit(request, *auth.authenticate(token, strict=_is_strict(view)))
        except IroncladError as error:
            return self.process_exception(request, error)
        return None

    async def _aprocess_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        enter(request)
        try:
            token = _token_for(request, view)
            if token:
                _admit(request, *await auth.aauthenticate(token, strict=_is_strict(view)))
        except IroncladError as error:
            return self.process_exception(request, error)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Ours becomes its answer, also when it was raised in the view: a lazy user whose row is gone."""
        if not isinstance(error, IroncladError):
            return None
        if isinstance(error, InvalidToken):
            identity.forget(request)
        return answers.refuse(error)


def _token_for(request: HttpRequest, view: Any) -> str:
    """The Bearer token that is ours to judge, "" when there is none."""
    ours = is_ours(request, view)
    if ours or may_ask_us(view):
        state = vars(request)
        state["ironclad_depends"] = True
        if state.get("_cache_update_cache"):
            state["_cache_update_cache"] = _HELD
    if ours:
        # Not `http.bearer_token`: the realm is entered.
        return http.parse_bearer(request.META.get("HTTP_AUTHORIZATION", ""))
    identity.take_back(request)
    return ""


def _is_strict(view: Any) -> bool:
    return getattr(view, "ironclad_strict", False)


def _admit(request: Any, user: Any, token: AccessToken) -> None:
    identity.admit(request, user, token)
    # What CsrfViewMiddleware itself sets once it is content: nothing ambient authenticates this request.
    request.csrf_processing_done = True


def _varied(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """What depends on the header says so, to caches outside of us and, now that it does, to Django's."""
    state = vars(request)
    if state.get("ironclad_depends"):
        # Django's own check and assignment of a header take three times as long as all else here.
        headers = response.headers._store
        if "vary" in headers:
            patch_vary_headers(response, ("Authorization",))
        else:
            headers["vary"] = ("Vary", "Authorization")
        if state.get("_cache_update_cache") is _HELD:
            state["_cache_update_cache"] = True
    return response
