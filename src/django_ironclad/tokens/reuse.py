"""What an authentic refresh token is worth is decided here and nowhere else: a successor, the same again, or reuse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from .refresh import RefreshToken

#: How many generations a token may be ahead of a database that lost its last writes.
MAX_AHEAD: Final = 3
#: For so many times the grace after a rotation, nothing new is made: whatever is still on its way arrives before it.
PAUSE: Final = 6
#: So many successors in a row may be given out twice ...
MAX_REPEATED: Final = 2
#: ... and so many in a row given out twice or lost, before they are taken for two parties who take turns.
MAX_DOUBTS: Final = 12
#: From so many doubts on, the log says so.
SUSPICIOUS: Final = 6


@dataclass(frozen=True, slots=True)
class Line:
    """What a session's row says of its line of refresh tokens: the last one given out, and from which it came."""

    generation: int
    branch: int
    parent_branch: int
    rotated_at: datetime
    #: Whether the last one was given out a second time, so that two may hold it.
    repeated: bool
    #: How many in a row were given out twice, or came to nothing: since one that was given out once was used.
    doubts: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """Answer with a token that was given out before: the line stays where it is."""

    generation: int
    branch: int
    #: The client already holds this very token: it need not be told again.
    held: bool
    #: What `doubts` becomes, and `repeated` with it, when this is the first repeat of this token.
    doubts: int | None = None
    how: ClassVar = "repeated"


@dataclass(frozen=True, slots=True)
class Withhold:
    """A new access token, but no refresh token: which one is good is not said to whoever asks now."""

    how: ClassVar = "withheld"


@dataclass(frozen=True, slots=True)
class Rotate:
    """Move the row, where `repeated` becomes False, and answer with the new token."""

    generation: int
    branch: int
    parent_branch: int
    doubts: int
    #: "late": the parent came back, and what it was answered before is dead now. "behind": the token was newer than the
    #: row, so the database lost its last writes.
    how: Literal["rotated", "late", "behind"] = "rotated"


@dataclass(frozen=True, slots=True)
class Refuse:
    """`invalid_grant`. On reuse the session ends, too."""

    reuse: bool


Decision = Repeat | Withhold | Rotate | Refuse


def decide(line: Line, token: RefreshToken, *, now: datetime, grace: timedelta) -> Decision:
    """What to do with an authentic token of a living session. `now` is of the same clock as the times in `line`.

    Two parties who both go on must each be told every token that gets used, so the server counts how often that
    happens. A token told to a second party, by a repeat, or overtaken unused, by a late branch, is a doubt. One that
    was given out once and then used is known to one party only, and whoever else has an older one is out: that clears
    all doubts (RFC 9700 §4.14.2). There is no clock in it: a rule that forgives more as time passes keeps some thief
    for ever. `simulation/game/` solves this function against every thief.
    """
    age = now - line.rotated_at
    if (token.generation, token.branch) == (line.generation, line.branch):
        if line.generation > 0 and age < PAUSE * grace:
            return Repeat(line.generation, line.branch, held=True)
        return Rotate(line.generation + 1, 0, line.branch, doubts=line.doubts if line.repeated else 0)
    if (token.generation, token.branch) == (line.generation - 1, line.parent_branch):
        return _decide_for_parent(line, age, grace)
    if (token.generation, token.branch) > (line.generation, line.branch):
        if token.generation - line.generation > MAX_AHEAD:
            return Refuse(reuse=False)
        return Rotate(token.generation + 1, 0, token.branch, doubts=line.doubts, how="behind")
    return Refuse(reuse=True)


def _decide_for_parent(line: Line, age: timedelta, grace: timedelta) -> Decision:
    if age <= grace and line.repeated:
        return Repeat(line.generation, line.branch, held=False)
    if age <= grace and line.doubts < MAX_REPEATED:
        return Repeat(line.generation, line.branch, held=False, doubts=line.doubts + 1)
    if age < PAUSE * grace:
        # Not a new branch yet: its answer could be overtaken by one of the grace's, and a dead token be kept.
        return Withhold()
    if line.doubts < MAX_DOUBTS:
        return Rotate(line.generation, line.branch + 1, line.parent_branch, doubts=line.doubts + 1, how="late")
    return Refuse(reuse=True)
