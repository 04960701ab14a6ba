"""The set of ended sessions against a model of what is promised of it, whatever happens in between, in any order."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.test.utils import setup_test_environment, teardown_test_environment
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from django_ironclad import sessions
from django_ironclad.database.clocks import Now
from django_ironclad.errors import TemporarilyUnavailable
from django_ironclad.models import Session
from django_ironclad.sessions import revoked
from django_ironclad.sessions.revoked import revoked_sessions

from ..properties import patient, tried

#: What docs/security.md promises, in seconds.
INTERVAL = 1
MAX_STALENESS = 30
#: How long a token may be used after its session ended: its life and the leeway.
USABLE = 310
#: How long a transaction that ends a session may stay open; what is left of the minute is for a slow machine.
OPEN = 57
#: No sum of these is within a tenth of a second of a limit.
PASSES = st.sampled_from([0, 0.31, 0.87, 1.37, 4.43, 12.59, 24.61, 33.67, 113.71])


@dataclass(eq=False)
class Ended:
    """A session that somebody ended."""

    #: When, as the row says; and when that was committed.
    at: float
    committed: float
    #: Whether here, by the process that is asked; and after how many others.
    here: bool
    number: int


class Revocations(RuleBasedStateMachine):
    """One process with its set; others that end sessions without telling it; a database that cannot always be read."""

    clock = 0.0

    def __init__(self) -> None:
        super().__init__()
        tried["test_the_set_keeps_its_promises_in_any_story"] += 1
        self.sids: list[str] = []
        self.ended: dict[str, Ended] = {}
        self.read_at = -float("inf")
        #: How many had ended when the set was last read.
        self.known = 0
        self.world = ExitStack()
        self.readable = True

    @property
    def now(self) -> float:
        return type(self).clock

    @initialize()
    def a_process_starts(self) -> None:
        type(self).clock = 1000.0
        Session.objects.all().delete()
        revoked_sessions._forget()
        self.somebody_logs_in()

    def teardown(self) -> None:
        self.world.close()

    @rule()
    def somebody_logs_in(self) -> None:
        times = dict.fromkeys(("rotated_at", "created_at", "auth_time"), Now())
        session = Session.objects.create(pk=uuid4(), client_id="c", expires_at=Now() + timedelta(days=90), **times)
        self.sids.append(str(session.pk))

    @rule(seconds=PASSES)
    def time_passes(self, seconds: float) -> None:
        """For this process and for the database alike."""
        type(self).clock += seconds
        Session.objects.exclude(revoked_at=None).update(revoked_at=F("revoked_at") - timedelta(seconds=seconds))

    def _living(self, pick: int) -> str:
        return (living := [sid for sid in self.sids if sid not in self.ended])[pick % len(living)]

    def _somebody_is_in(self) -> bool:
        return len(self.ended) < len(self.sids)

    @precondition(_somebody_is_in)
    @rule(pick=st.integers(0, 99))
    def one_ends_here(self, pick: int) -> None:
        sid = self._living(pick)
        assert sessions.revoke(sid, reason="here")
        self.ended[sid] = Ended(self.now, self.now, here=True, number=len(self.ended))

    @precondition(_somebody_is_in)
    @rule(pick=st.integers(0, 99), ask=st.booleans())
    def one_ends_here_in_a_transaction_that_rolls_back(self, pick: int, ask: bool) -> None:
        with transaction.atomic():
            sessions.revoke(self._living(pick), reason="never mind")
            # A connection of its own is used there, and is not cut off here.
            if ask and self.readable:
                self._ask()
            transaction.set_rollback(True)

    @precondition(_somebody_is_in)
    @rule(pick=st.integers(0, 99), open_for=st.sampled_from([0.0, 0.71, 20.93, OPEN - 6.5, OPEN]))
    def one_ends_elsewhere_in_a_transaction_that_commits_late(self, pick: int, open_for: float) -> None:
        sid = self._living(pick)
        ended = Now() - timedelta(seconds=open_for)
        Session.objects.filter(pk=sid).update(revoked_at=ended, revoked_reason="elsewhere")
        self.ended[sid] = Ended(self.now - open_for, self.now, here=False, number=len(self.ended))

    @rule()
    def the_database_goes_away_or_comes_back(self) -> None:
        self.readable = not self.readable
        self.world.close()
        if not self.readable:
            self.world.enter_context(connection.execute_wrapper(_unless_it_writes))

    @invariant()
    def the_promises_hold_whoever_asks(self) -> None:
        if self.sids:
            self._ask()

    def _ask(self) -> None:
        before = revoked_sessions._read.sent_at
        try:
            if revoked_sessions.is_due():
                revoked_sessions.freshen()
        except TemporarilyUnavailable:
            assert self.now - self.read_at > MAX_STALENESS, "refused to answer, although what is known is young enough"
            return
        if revoked_sessions._read.sent_at != before:
            assert self.readable
            self.read_at, self.known = self.now, len(self.ended)
        assert self.now - self.read_at <= MAX_STALENESS, "answered, although for too long nobody could read"
        for sid in self.sids:
            self._judge(sid, sid in revoked_sessions)

    def _judge(self, sid: str, refused: bool) -> None:
        ended = self.ended.get(sid)
        if ended is None:
            assert not refused, "nobody ended this session"
            return
        usable = self.now - ended.at < USABLE
        if usable and ended.number < self.known:
            assert refused, "a session that ended was forgotten, or its end was overlooked"
        if usable and self.readable and not self._just_failed():
            assert refused or (not ended.here and self.now - ended.committed < INTERVAL), "the end is not heard of"

    def _just_failed(self) -> bool:
        return self.now - revoked_sessions._failed_at < INTERVAL


def _unless_it_writes(execute: Any, sql: str, *rest: Any) -> Any:
    if sql.startswith("SELECT") and "revoked_at" in sql and ">" in sql:
        raise OperationalError("the database is gone")
    return execute(sql, *rest)


@pytest.fixture
def polled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in production; but time passes when the story says so."""
    monkeypatch.setattr(revoked, "clock", lambda: Revocations.clock)
    teardown_test_environment()
    yield
    setup_test_environment()
    revoked_sessions._forget()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("polled")
def test_the_set_keeps_its_promises_in_any_story(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "django_ironclad")
    run_state_machine_as_test(Revocations, settings=settings(patient(40), stateful_step_count=25))
