"""Which sessions of a realm ended lately: a set for each realm, since each may have tables of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from ..database import place
from ..realms import known_realm
from .revoked import RevokedSessions, revoked_sessions

__all__ = ["ended_sessions", "invalidate", "revoked_sessions"]

#: So many sets are kept while they are in use, and twice as many at most. One that was dropped is read anew.
KEPT: Final = 1024

#: The sets in use, and those that were in use before.
_halves: Final[list[dict[str, RevokedSessions]]] = [{}, {}]


class _OfOneRealm(RevokedSessions):
    """Read from where this realm's sessions are, and from nowhere else: what another tenant's tables say is no news."""

    def __init__(self, realm: str) -> None:
        super().__init__(revoked_sessions.keys)
        self._realm = realm
        self._place: tuple[str, str] | None = None

    def freshen(self) -> None:
        self._place = self._place or place()
        if self._place != place():
            raise ImproperlyConfigured(
                f"The sessions of realm {self._realm!r} are in {self._place}, but this runs in {place()}: enter its "
                "database or schema too, as with django_tenants.utils.schema_context(name), beside `with realm(name):`."
            )
        super().freshen()


def ended_sessions(realm: str) -> RevokedSessions:
    """The set of this realm; that of a project without realms for ""."""
    if not realm:
        return revoked_sessions
    return _halves[0].get(realm) or _remember(realm)


def invalidate(ended: Iterable[str]) -> None:
    """These were ended here: whoever asks next reads first. Where no realm is known, whoever asks in any realm."""
    ended, realm = list(ended), known_realm()
    if realm:
        ended_sessions(realm).invalidate(ended)
    else:
        for each in (revoked_sessions, *(known for half in list(_halves) for known in list(half.values()))):
            each.invalidate(ended)


def _remember(realm: str) -> RevokedSessions:
    """Two halves, of which the older is dropped when the other is full: at worst a set is read once more."""
    recent, older = _halves
    if len(recent) >= KEPT:
        _halves[:] = recent, older = {}, recent
    return recent.setdefault(realm, older.get(realm) or _OfOneRealm(realm))


def _forget() -> None:
    _halves[:] = {}, {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
