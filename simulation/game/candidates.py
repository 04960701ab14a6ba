"""Rules as the game asks them: what a token is worth to a row of which only what matters is left.

Of all tokens of a session two are worth something, whatever their numbers are: "C", the current one, and "P", its
parent. So the states are few, and the answers those of the very function that the package runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

from django_ironclad.tokens import reuse
from django_ironclad.tokens.refresh import RefreshToken
from django_ironclad.tokens.reuse import Line, Refuse, Repeat, Rotate, Withhold

from . import former

NOW = datetime(2030, 1, 1, tzinfo=UTC)
GRACE = timedelta(seconds=10)
#: Seconds in which a client refreshes once.
TURN = 300
#: An age at which a rule that knows days has forgotten.
DAY = 86401
#: More doubts than any rule here lets anybody have.
ENOUGH = 40
#: Any generation but the first.
GENERATION = 1000

State = tuple[Any, ...]
#: same, repeat, withhold: the row stays. rotate, late: it moves. refuse: the session ends.
Reply = str


class Candidate(Protocol):
    name: str
    #: Seconds of age after which nothing changes any more, but for a `DAY`.
    cap: int
    #: In which states a theft may find the row, and which tokens there are.
    starts: Sequence[tuple[State, str]]

    def ask(self, state: State, token: str, age: int) -> tuple[Reply, State]: ...

    def elapse(self, state: State, turns: int) -> State: ...


class Ours:
    """`rotation.decide` itself, or another function in its place. A state: doubts, repeated, whether the row is new."""

    starts: Sequence[tuple[State, str]] = (((0, False, False), "CP"), ((0, True, False), "CP"), ((0, False, True), "C"))

    def __init__(self, decide: Any = reuse.decide, name: str = "django-ironclad") -> None:
        self.name, self._decide = name, decide
        self.cap = reuse.PAUSE * int(GRACE.total_seconds())
        self.ask = cache(self._ask)

    def _ask(self, state: State, token: str, age: int) -> tuple[Reply, State]:
        doubts, repeated, is_new = state
        generation = 0 if is_new else GENERATION
        line = Line(generation, 5, 0, NOW - timedelta(seconds=age), repeated, doubts)
        asked = RefreshToken("", generation, 5) if _is_current(token) else RefreshToken("", generation - 1, 0)
        match self._decide(line, asked, now=NOW, grace=GRACE):
            case Refuse():
                return "refuse", state
            case Withhold():
                return "withhold", state
            case Repeat(held=held, doubts=told):
                return ("same" if held else "repeat"), (state if told is None else (min(told, ENOUGH), True, is_new))
            case Rotate(how=how, doubts=doubts):
                # Without a limit of their own the states would be without end.
                return ("late" if how == "late" else "rotate"), (min(doubts, ENOUGH), False, False)
        raise AssertionError

    def elapse(self, state: State, turns: int) -> State:
        """There is no clock in it."""
        return state


class Former:
    """A state: branch, how much of the budget is used in twelfths (one comes back a turn), whether it has paid."""

    name = "a budget that refills"
    cap = 20
    starts: Sequence[tuple[State, str]] = (((0, 0, False), "CP"),)

    def __init__(self) -> None:
        self.ask = cache(self._ask)

    def _ask(self, state: State, token: str, age: int) -> tuple[Reply, State]:
        branch, used, paid = state
        until = NOW + timedelta(seconds=used * TURN)
        row = former.Line(
            GENERATION, branch, 0, NOW - timedelta(seconds=age), until, GENERATION if paid else GENERATION - 1
        )
        asked = RefreshToken("", GENERATION, branch) if _is_current(token) else RefreshToken("", GENERATION - 1, 0)
        reply, row = former.decide(row, asked, now=NOW, grace=GRACE, refill=timedelta(seconds=12 * TURN))
        if reply == "rotate":
            return reply, (0, used, False)
        return reply, (row.branch, round((row.budget_until - NOW).total_seconds() / TURN), row.paid == GENERATION)

    def elapse(self, state: State, turns: int) -> State:
        branch, used, paid = state
        return branch, max(0, used - turns), paid


def moved(tokens: Sequence[str], reply: Reply) -> list[str]:
    """What tokens are once the row has moved: "C" the current one, "P" its parent, "D" dead or older, "" none."""
    if reply == "rotate":
        return [{"C": "P", "P": "D"}.get(token, token) for token in tokens]
    if reply == "late":
        return ["D" if _is_current(token) else token for token in tokens]
    return list(tokens)


def _is_current(token: str) -> bool:
    return token == "C"  # noqa: S105 - the name of a token
