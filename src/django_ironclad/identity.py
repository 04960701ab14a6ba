"""Whose a request is: by its token once that was judged; before, for the middlewares of others, for reading only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib.auth.middleware import get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.functional import SimpleLazyObject, empty

from . import auth, http
from .errors import IroncladError
from .tokens import AccessToken
from .users import load, request_at_hand, share_row

#: `_cached_user` and `_acached_user`: where AuthenticationMiddleware looks before it asks the session.
_PLACES: Final = ("user", "auser", "_cached_user", "_acached_user")


def foresee(request: HttpRequest) -> None:
    """Until it is admitted, forgotten or taken back, the user of this request is who its token says, if it brings one.

    It is so wherever AuthenticationMiddleware stands, and nothing is verified before somebody asks. A bad token reads
    as anonymous, and so does one whose user turns out to be gone. Where there is no view, it is Django's own user.
    """
    if request.META.get("HTTP_AUTHORIZATION", "").lstrip(" ")[:6].lower() == "bearer":
        vars(request)["ironclad_early"] = _Early(request)


def admit(request: Any, user: Any, token: AccessToken) -> AccessToken:
    """From here on this request is `user`'s, by `token`, in sync and async code. Nothing is loaded yet.

    Raises InvalidToken if a middleware has already found out that this user is gone or inactive.
    """

    async def auser() -> Any:
        return await sync_to_async(load)(user)

    # Without a call where nobody has looked before: this is each request's way.
    if "ironclad_early" in vars(request):
        settle(request, user)
    request.user, request.auser, request.auth = user, auser, token
    request_at_hand.set(request)
    return token


def forget(request: Any) -> None:
    """From here on this request is nobody's, for whoever looks when its answer is on the way, too."""
    user = AnonymousUser()
    # Without a call before there was anybody: this, too, is each request's way.
    if "ironclad_early" in vars(request):
        settle(request, user)
    request.user, request.auser = user, partial(_at_once, user)


async def _at_once(user: Any) -> Any:
    return user


def settle(request: HttpRequest, user: Any) -> None:
    """Whoever has looked at the user of this request before looks at `user` from here on. Raises as `admit` does."""
    early = vars(request).get("ironclad_early")
    if early:
        if early.seen is not None:
            share_row(early.seen, user)
        early.point_at(lambda: user)


def take_back(request: HttpRequest) -> None:
    """Nobody of ours judges the token: this request is of Django's own user, as if none had come."""
    early = vars(request).get("ironclad_early")
    if early:
        early.point_at(early.own())
        early.withdraw()


def note_dependence(request: HttpRequest) -> None:
    """What is answered depends on the `Authorization` header: the middleware tells the caches."""
    vars(request)["ironclad_depends"] = True


class _Early:
    """The one object that stands for the user meanwhile, whoever holds it, and what was in its places before."""

    #: Who the token said, once somebody has asked.
    seen: Any = None

    def __init__(self, request: HttpRequest) -> None:
        places = vars(request)
        self._request, self._before = request, places.copy()
        self._user = places["user"] = places["_cached_user"] = places["_acached_user"] = SimpleLazyObject(self._who)
        self._auser = places["auser"] = partial(_at_once, self._user)

    def _who(self) -> Any:
        # Whatever a middleware makes of it, it makes of the header.
        note_dependence(self._request)
        if not _leads_to_a_view(self._request):
            take_back(self._request)
            return self._user._setupfunc()
        try:
            token = http.bearer_token(self._request)
            self.seen, _ = _read_only()(token, refusal=lambda _: AnonymousUser())
        except IroncladError:
            return AnonymousUser()
        return self.seen

    def point_at(self, who: Callable[[], Any]) -> None:
        self._user.__dict__.update(_setupfunc=who, _wrapped=empty)

    def own(self) -> Callable[[], Any]:
        """Django's own user: who was there before, or whom AuthenticationMiddleware finds if it came after us."""
        before, places = self._before["user"], vars(self._request)
        if type(before) is AnonymousUser and places["user"] is not self._user and "session" in places:
            return partial(get_user, self._request)
        return lambda: before

    def withdraw(self) -> None:
        """Each of the places has again what was there, unless a middleware has put something of its own there."""
        places = vars(self._request)
        for name in _PLACES:
            if places.get(name) is (self._auser if name == "auser" else self._user):
                del places[name]
                if name in self._before:
                    places[name] = self._before[name]


def _leads_to_a_view(request: HttpRequest) -> bool:
    try:
        return bool(request.resolver_match or resolve(request.path_info, getattr(request, "urlconf", None)))
    except Resolver404:
        return False


def _read_only() -> Callable[..., tuple[Any, Any]]:
    """On the event loop nobody may wait for the database: there it is as far as this process knows."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return auth.authenticate
    return auth.glance
