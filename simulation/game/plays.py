"""The thieves whom a rule that forgives with time never finds, step by step.

`refresh(token, second)` is a server's: the refresh token of the answer, "" where there is none, None where it is
refused. Each play returns the victim's turn at which somebody was refused, None when nobody ever was.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django_ironclad.tokens.refresh import RefreshToken

from ..rules import TURN, Ended, Rule
from . import former

Refresh = Callable[[Any, float], Any]
Play = Callable[..., int | None]


def before(refresh: Refresh, token: Any, *, turns: int, in_step: int) -> int | None:
    """15 s before each turn of the victim with the old token; each `in_step` turns 5 s before, to be in step again."""
    victim, now = _lives(refresh, token, 12, TURN)
    stolen, late = victim, 0
    for turn in range(1, turns + 1):
        now += TURN
        ours = refresh(stolen, now - (5 if late == in_step else 15))
        told = refresh(victim, now) if ours is not None else None
        if told is None:
            return turn
        late = 0 if told else late + 1
        if told:
            victim = stolen = told
    return None


def prepaid(refresh: Refresh, token: Any, *, turns: int) -> int | None:
    """The same, but at the second turn he has the answer repeated to himself, before it costs more."""
    victim, now = _lives(refresh, token, 12, TURN)
    stolen, late = victim, 0
    for turn in range(1, turns + 1):
        now += TURN
        ours = refresh(stolen, now - (5 if late == 20 else 15))
        if late == 1 and ours is not None:
            ours = refresh(stolen, now - 14)
        told = refresh(victim, now) if ours is not None else None
        if told is None:
            return turn
        late = 0 if told else late + 1
        if told:
            victim = stolen = told
    return None


def hourly(refresh: Refresh, token: Any, *, turns: int) -> int | None:
    """The victim comes once in a little more than an hour; the thief, who sees it in the list of devices, 5 s later."""
    every = 3900.0
    victim, now = _lives(refresh, token, 3, every)
    stolen = victim
    for turn in range(1, turns + 1):
        now += every
        told = refresh(victim, now)
        ours = refresh(stolen, now + 5) if told is not None else None
        if ours is None:
            return turn
        victim, stolen = told or victim, ours or stolen
    return None


PLAYS: dict[str, Play] = {
    **{f"15 s before the victim, in step again after {n}": partial(before, in_step=n) for n in (1, 2, 3, 6, 12, 20)},
    "15 s before the victim, never in step again": partial(before, in_step=10**9),
    "the same, paid in advance": prepaid,
    "5 s after a victim who comes once an hour": hourly,
}


def _lives(refresh: Refresh, token: Any, turns: int, every: float) -> tuple[Any, float]:
    """The victim's token, and the time, after so many turns without any thief."""
    now = 0.0
    for _ in range(turns):
        now += every
        token = refresh(token, now)
    return token, now


class Server:
    """A rule as the plays ask it; whoever gets an answer calls the API with its access token, too."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self.first = rule.first

    def refresh(self, token: Any, now: float) -> Any:
        try:
            told = self._rule.refresh(token, now)
            if told is not None:
                self._rule.call(told)
            return "" if told is None else told
        except Ended:
            return None


class Refilling(Rule):
    """`former.decide`, with a session of its own."""

    name = "a budget that refills"

    def __init__(self) -> None:
        self.first = RefreshToken("", 0, 0)
        self._line = former.Line(0, 0, 0, _at(0), _at(0), 0)

    def refresh(self, token: RefreshToken, now: float) -> RefreshToken | None:
        grace, refill = timedelta(seconds=10), timedelta(seconds=12 * TURN)
        reply, self._line = former.decide(self._line, token, now=_at(now), grace=grace, refill=refill)
        if reply == "refuse":
            raise Ended
        return None if reply == "withhold" else RefreshToken("", self._line.generation, self._line.branch)


def _at(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)
