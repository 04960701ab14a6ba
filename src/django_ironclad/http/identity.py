"""Whose a request is: by its token once that was judged; before, for the middlewares of others, for reading only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib.auth.middleware import auser, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.functional import SimpleLazyObject, empty

from .. import auth
from ..errors import IroncladError
from ..tokens import AccessToken
from ..users import at_once, load, request_at_hand, share_row, state_of
from .bearer import bearer_token
from .ownership import is_for_sessions

#: `_cached_user` and `_acached_user`: where AuthenticationMiddleware looks before it asks the session.
_PLACES: Final = ("user", "auser", "_cached_user", "_acached_user")


def foresee(request: HttpRequest) -> None:
    """Until it is admitted, forgotten or taken back, the user of this request is who its token says, if it brings one.

    It is so wherever AuthenticationMiddleware stands, and nothing is verified before somebody asks. A bad token reads
    as anonymous, and so does one whose user turns out to be gone. Where there is no view, it is Django's own user.
    """
    places = vars(request)
    if request.META.get("HTTP_AUTHORIZATION", "").lstrip(" ")[:6].lower() == "bearer":
        early = _Early(request, places.copy() if "user" in places else {})
        places["ironclad_early"] = places["user"] = places["_cached_user"] = places["_acached_user"] = early
        places["auser"] = partial(at_once, early)
    elif "user" not in places:
        # AuthenticationMiddleware comes after us, or never.
        places.update(_nobody())


def admit(request: Any, user: Any, token: AccessToken) -> AccessToken:
    """From here on this request is `user`'s, by `token`, in sync and async code. Nothing is loaded yet.

    Raises InvalidToken if a middleware has already found out that this user is gone or inactive.
    """
    settle(request, user)
    request.user, request.auser, request.auth = user, partial(_loaded, user), token
    request_at_hand.set(request)
    return token


def forget(request: Any) -> None:
    """From here on this request is nobody's, for whoever looks when its answer is on the way, too."""
    nobody = _nobody()
    settle(request, nobody["user"])
    request.user, request.auser = nobody["user"], nobody["auser"]


def _nobody() -> dict[str, Any]:
    user = AnonymousUser()
    return {"user": user, "auser": partial(at_once, user)}


async def _loaded(user: Any) -> Any:
    return await sync_to_async(load)(user)


def settle(request: HttpRequest, user: Any) -> None:
    """Whoever has looked at the user of this request before looks at `user` from here on. Raises as `admit` does."""
    early = vars(request).get("ironclad_early")
    if early is not None:
        state = state_of(early)
        if "_seen" in state:
            share_row(state["_seen"], user)
        # Without the function and what it holds, the request is no cycle that waits for the garbage collector.
        state["_wrapped"], state["_setupfunc"], state["_before"] = user, None, None


def take_back(request: HttpRequest) -> None:
    """Nobody of ours judges the token: this request is of Django's own user, as if none had come."""
    early = vars(request).get("ironclad_early")
    if early is not None and state_of(early)["_before"] is not None:
        _withdraw(request, early)


def note_dependence(request: HttpRequest) -> None:
    """What is answered depends on the `Authorization` header: the middleware tells the caches."""
    vars(request)["ironclad_depends"] = True


class _Early(SimpleLazyObject):  # type: ignore[type-arg]
    """The one object that stands for the user meanwhile, whoever holds it.

    It knows what was in its places before it, and, once somebody has asked, who the token said: as `_seen`.
    """

    def __init__(self, request: HttpRequest, before: dict[str, Any]) -> None:
        # As SimpleLazyObject's own __init__ leaves it, in a quarter of its time: each request makes one of these.
        state = state_of(self)
        state["_wrapped"], state["_setupfunc"], state["_before"] = empty, partial(_who, request, self), before


def _who(request: HttpRequest, early: _Early) -> Any:
    # Whatever a middleware makes of it, it makes of the header.
    note_dependence(request)
    state = state_of(early)
    if not _may_be_told(request):
        _withdraw(request, early)
        return state["_setupfunc"]()
    try:
        token = bearer_token(request)
        state["_seen"], _ = _read_only()(token, refusal=lambda _: AnonymousUser())
    except IroncladError:
        return AnonymousUser()
    return state["_seen"]


def _withdraw(request: HttpRequest, early: _Early) -> None:
    """Each of the places has again what was there, or what a middleware to which no token was told has put there."""
    state, places = state_of(early), vars(request)
    before = state["_before"]
    if not before:
        before.update(_nobody())
    state["_wrapped"], state["_setupfunc"] = empty, (own := _own(request, early, before["user"]))
    # A middleware that was told may have put there what it made of that, such as the row.
    told = "_seen" in state
    for name in _PLACES:
        if told or _stands_for(early, places.get(name)):
            places.pop(name, None)
            if name in before:
                places[name] = before[name]
    if told and type(own) is partial:
        places["user"], places["auser"] = early, partial(auser, request)


def _own(request: HttpRequest, early: _Early, before: Any) -> Callable[[], Any]:
    """Django's own user: who was there before, or whom AuthenticationMiddleware finds if it came after us."""
    places = vars(request)
    if type(before) is AnonymousUser and places["user"] is not early and "session" in places:
        return partial(get_user, request)
    return lambda: before


def _stands_for(early: _Early, found: Any) -> bool:
    return found is early or (type(found) is partial and found.func is at_once and found.args[0] is early)


def _may_be_told(request: HttpRequest) -> bool:
    """Not where nothing but a session may: what a middleware then does, it would do for somebody who is not let in."""
    try:
        match = request.resolver_match or resolve(request.path_info, getattr(request, "urlconf", None))
    except Resolver404:
        return False
    # There nobody could ask for Django's own user instead.
    return _is_on_the_event_loop() or not is_for_sessions(request, match)


def _read_only() -> Callable[..., tuple[Any, Any]]:
    """On the event loop nobody may wait for the database: there it is as far as this process knows."""
    return auth.glance if _is_on_the_event_loop() else auth.authenticate


def _is_on_the_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
