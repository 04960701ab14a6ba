"""A rule that forgives more as time passes, as ours was once: how each such rule keeps some thief for ever.

A budget of repeated answers refills by the hour, and a lost answer is mended for a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django_ironclad.tokens.refresh import RefreshToken

#: How long a lost answer is mended, how often in a row, and how many repeated answers there are at most.
LATE_RETRY: Final = timedelta(hours=24)
MAX_BRANCH: Final = 20
BUDGET: Final = 12


@dataclass(frozen=True, slots=True)
class Line:
    generation: int
    branch: int
    parent_branch: int
    rotated_at: datetime
    #: It runs ahead of the clock by one refill for each generation whose answer was repeated (a generic cell rate).
    budget_until: datetime
    #: The last generation that has paid.
    paid: int


def decide(line: Line, token: RefreshToken, *, now: datetime, grace: timedelta, refill: timedelta) -> tuple[str, Line]:
    """What is answered, and the line afterwards."""
    age = now - line.rotated_at
    if (token.generation, token.branch) == (line.generation, line.branch):
        if line.generation > 0 and age < 2 * grace:
            return "same", line
        return "rotate", Line(line.generation + 1, 0, line.branch, now, line.budget_until, line.paid)
    if (token.generation, token.branch) != (line.generation - 1, line.parent_branch):
        return "refuse", line
    if age <= grace:
        return _repeat(line, now, refill)
    if age < 2 * grace:
        return "withhold", line
    if age <= LATE_RETRY and line.branch < MAX_BRANCH:
        return "late", Line(line.generation, line.branch + 1, line.parent_branch, now, line.budget_until, line.paid)
    return "refuse", line


def _repeat(line: Line, now: datetime, refill: timedelta) -> tuple[str, Line]:
    if line.paid == line.generation:
        return "repeat", line
    until = max(line.budget_until, now) + refill
    if until > now + BUDGET * refill:
        return "withhold", line
    return "repeat", Line(line.generation, line.branch, line.parent_branch, line.rotated_at, until, line.generation)
