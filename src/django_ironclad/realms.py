"""Which set of users this is about, where one process serves several: tenants by host, by schema, by database."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_finished, request_started
from django.http import HttpRequest

from .conf import get_settings

logger = logging.getLogger("django_ironclad")

_NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,255}")


class _Source:
    """Where the realm is known from: a `with`, or a request or a websocket, asked when somebody needs to know."""

    def __init__(self, outer: _Source | None, *, name: str = "", asked: Any = None) -> None:
        self.outer, self.asked, self._name = outer, asked, name

    @property
    def name(self) -> str:
        if not self._name:
            find = get_settings().realm
            self._name = _checked(find(self.asked) if find else None)
        return self._name

    def knows(self, asked: object) -> bool:
        return self.asked is asked or (self.outer is not None and self.outer.knows(asked))


_source: Final[ContextVar[_Source | None]] = ContextVar("ironclad_realm", default=None)


@contextmanager
def realm(name: str) -> Iterator[None]:
    """Within this block everything is about the users of the realm `name`: for commands, jobs and tests.

    Raises ImproperlyConfigured for what is no name: 1 to 255 characters, none of them a control character.
    """
    before = _source.set(_Source(_source.get(), name=_checked(name)))
    try:
        yield
    finally:
        _source.reset(before)


def enter(asked: HttpRequest | MutableMapping[str, Any]) -> None:
    """From here on, in this request or on the websocket of this scope, everything is about the users of its realm."""
    if get_settings().REALM is not None:
        source = _source.get()
        # Of DRF's request, the one it is around.
        asked = asked if isinstance(asked, MutableMapping) else vars(asked).get("_request", asked)
        if source is None or not source.knows(asked):
            _source.set(_Source(source, asked=asked))


def current_realm() -> str:
    """The realm that this is about, "" in a project that has none. Raises ImproperlyConfigured where none is known."""
    if get_settings().REALM is None:
        return ""
    source = _source.get()
    if source is None:
        raise ImproperlyConfigured(
            "IRONCLAD['REALM'] is set, and here is no request to ask for its realm. In a command, a job or a test "
            "write `with realm(name):`, from django_ironclad.realms."
        )
    return source.name


def known_realm() -> str:
    """The realm that this is about, "" where there is none or none is known: for whom all realms will do."""
    source = _source.get()
    if source is None or get_settings().REALM is None:
        return ""
    try:
        return source.name
    except Exception:
        # Sessions end on a host of no tenant's too, be it one of which the project's REALM knows nothing.
        logger.warning("realm_unknown", exc_info=True, extra={"event": "realm_unknown"})
        return ""


def _checked(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ImproperlyConfigured(
            f"IRONCLAD['REALM'] returned {name!r:.80}; return 1 to 255 characters, none of them a control character."
        )
    return name


def _leave(**_: object) -> None:
    """A thread that serves the next request knows nothing of the last; a `with` around a test's request stays."""
    source = _source.get()
    while source is not None and source.asked is not None:
        source = source.outer
    _source.set(source)


request_started.connect(_leave, dispatch_uid="ironclad.leave_realm_before")
request_finished.connect(_leave, dispatch_uid="ironclad.leave_realm")
