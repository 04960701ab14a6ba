"""Whom a request shows to receivers and middlewares while somebody logs in or out, as with Django's own login."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest

#: `_user` is of Django REST framework's request.
_PLACES: Final = ("user", "auser", "_user")


def stand_in() -> HttpRequest:
    """For receivers and backends, which are promised a request, also where a job or a test has none."""
    request = HttpRequest()
    if apps.is_installed("django.contrib.sessions"):
        request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    return request


@contextmanager
def shown(request: Any, user: Any, *, stays: bool) -> Iterator[Any]:
    """The request, or what stands in for None: within this block it is `user`'s, in sync and async code.

    If it `stays`, it is so afterwards, too, unless the block fails.
    """
    request = stand_in() if request is None else request
    # Django REST framework's, and Django's within it.
    requests = [each for each in (request, getattr(request, "_request", None)) if each is not None]
    before = [{name: vars(each)[name] for name in _PLACES if name in vars(each)} for each in requests]
    for each in requests:
        each.user, each.auser = user, partial(at_once, user)
    done = False
    try:
        yield request
        done = True
    finally:
        if not (done and stays):
            for each, places in zip(requests, before, strict=True):
                for name in _PLACES:
                    vars(each).pop(name, None)
                vars(each).update(places)


async def at_once(user: Any) -> Any:
    return user
