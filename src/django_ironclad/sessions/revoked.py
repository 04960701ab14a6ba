"""Which sessions ended lately: in memory, and read again at most once an interval by whoever finds it too old.

A request asks `is_due`, calls `freshen` if so, and then `in`: no query, but the one that somebody sends each interval.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple

from ..conf import get_settings
from ..database import PATIENCE, Rows, clock, take_committed
from ..errors import TemporarilyUnavailable
from .recent import BITS, RECENT, ended_within, key_of, keys_of, window

logger = logging.getLogger("django_ironclad")

#: Seconds after which a read asks for the whole window again, and forgets what has left it.
FULL_EVERY: Final = 30.0


class _Read(NamedTuple):
    """What one query found. Swapped whole, so that no thread ever sees a half of it."""

    sent_at: float
    full_at: float
    keys: frozenset[int]
    #: The invalidation that had happened before the query was sent.
    mark: object


class RevokedSessions:
    """The sessions that ended within the life of an access token, as of one or two intervals ago at the most."""

    def __init__(self, known: frozenset[int] = frozenset()) -> None:
        self._forget(known)

    @property
    def keys(self) -> frozenset[int]:
        """What is known so far; enough to begin with where nothing is read, in Django's test runner."""
        return self._read.keys

    def _forget(self, known: frozenset[int] = frozenset()) -> None:
        """As if nothing had ever been read: also in a forked process, where another thread's lock would never open."""
        self._lock = threading.Lock()
        self._mark = object()
        self._read = _Read(-math.inf, -math.inf, known, self._mark)
        self._claimed_at = -math.inf
        self._failed_at = -math.inf

    def __contains__(self, sid: str) -> bool:
        # `key_of` without its call, which took a sixth of this.
        return hash(sid) & BITS in self._read.keys

    def invalidate(self, ended: Iterable[str]) -> None:
        """These were ended here: whoever asks next reads first, however fresh the set is.

        They are not simply added: their transaction may yet roll back.
        """
        if _in_test_runner():
            self._read = self._read._replace(keys=self._read.keys | frozenset(map(key_of, ended)))
        else:
            self._mark = object()

    def is_due(self) -> bool:
        """Whether the caller has to `freshen` first: one of those who ask while the set is a little old, all later."""
        read = self._read
        if read.mark is not self._mark:
            return True
        age, interval = clock() - read.sent_at, _interval()
        if age < interval or _in_test_runner():
            return False
        if age < 2 * interval:
            if clock() - self._claimed_at < interval:
                return False
            self._claimed_at = clock()
        return True

    def freshen(self) -> None:
        """Return once the set may be believed. Raises TemporarilyUnavailable: no token is refused for our trouble."""
        if self._lock.acquire(timeout=PATIENCE):
            try:
                # Whoever waited for a read, or for its failure, does not try at once again: it waited enough.
                if self._is_old() and not self._failed_just_now():
                    self._update()
            finally:
                self._lock.release()
        if clock() - self._read.sent_at > get_settings().REVOCATION_MAX_STALENESS.total_seconds():
            raise TemporarilyUnavailable("for too long nobody could read which sessions ended", reason="stale")

    def _is_old(self) -> bool:
        """Whether nobody read while this caller waited for the lock."""
        return self._read.mark is not self._mark or clock() - self._read.sent_at >= _interval()

    def _failed_just_now(self) -> bool:
        return clock() - self._failed_at < _interval()

    def _update(self) -> None:
        mark, before = self._mark, self._read
        sent_at = clock()
        full = sent_at - before.full_at >= FULL_EVERY
        # A process that rests for 20 s reads back over them, too.
        period = window() if full else RECENT + timedelta(seconds=sent_at - before.sent_at)
        known = _Read(sent_at, sent_at, frozenset(), mark) if full else before._replace(sent_at=sent_at, mark=mark)
        # Until something is heard, nobody asks again.
        self._failed_at = sent_at
        take_committed(ended_within(period), partial(self._take, known), self._fail)

    def _take(self, known: _Read, rows: Rows) -> None:
        """An answer to what was asked when so much was known. Late ones tell nothing new."""
        keys = keys_of(rows)
        if known.sent_at >= self._read.sent_at:
            # A copy only when there is news: the set may be large.
            self._read = known if keys <= known.keys else known._replace(keys=known.keys | keys)
        self._failed_at = -math.inf

    def _fail(self, error: Exception) -> None:
        self._failed_at = clock()
        logger.warning("revocation_read_failed %s", type(error).__name__, extra={"event": "revocation_read_failed"})


def _interval() -> float:
    return get_settings().REVOCATION_INTERVAL.total_seconds()


def _in_test_runner() -> bool:
    """Django's test runner is at work: nothing is read, so that nobody's `assertNumQueries` flickers."""
    # What `setup_test_environment` notes for itself. Other traces of it, such as `mail.outbox`, others leave as well;
    # and a process that serves has no reason to import the module.
    noted = sys.modules.get("django.test.utils")
    return noted is not None and hasattr(noted._TestState, "saved_data")


revoked_sessions = RevokedSessions()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=revoked_sessions._forget)
