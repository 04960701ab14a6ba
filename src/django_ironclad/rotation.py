"""A refresh token is a signed counter; what an authentic one is worth is decided here and nowhere else."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from .encoding import b64encode
from .errors import InvalidGrant

#: A parent whose successor was never used may still be followed this long after.
LATE_RETRY: Final = timedelta(hours=24)
#: ... and this many times: each answer that was lost costs one branch.
MAX_BRANCH: Final = 20
#: How many generations a token may be ahead of a database that lost its last writes.
MAX_AHEAD: Final = 3
#: The grace budget: so many repeated answers at once, and one more for each refill period that passes.
GRACE_BUDGET: Final = 12

_FORM = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,2})\.([A-Za-z0-9_-]{43})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """Which answer of which session this token came with; worth something only together with its MAC."""

    sid: str
    generation: int
    branch: int

    @classmethod
    def parse(cls, text: str) -> tuple[RefreshToken, str]:
        """The token and its MAC, which is not checked yet. Raises InvalidGrant for any other form."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise InvalidGrant("not the form of a refresh token")
        sid, generation, branch, mac = match.groups()
        return cls(sid, int(generation), int(branch)), mac

    def mac(self, *, secret: bytes, seed: bytes) -> str:
        """HMAC-SHA256 under the server's secret and the row's seed together: neither alone can make one."""
        text = f"{self.sid}.{self.generation}.{self.branch}".encode()
        return b64encode(hmac.digest(secret + seed, text, "sha256"))

    def encode(self, *, secret: bytes, seed: bytes) -> str:
        """`sid.generation.branch.mac`: the same text whenever it is asked for."""
        return f"{self.sid}.{self.generation}.{self.branch}.{self.mac(secret=secret, seed=seed)}"


@dataclass(frozen=True, slots=True)
class Line:
    """What a session's row says of its line of refresh tokens: the last one given out, and from which it came."""

    generation: int
    branch: int
    parent_branch: int
    rotated_at: datetime
    grace_until: datetime
    grace_generation: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """Answer with a token that was given out before: nothing moves."""

    generation: int
    branch: int
    #: The client already holds this very token: it need not be told again.
    held: bool
    #: Where the grace budget moves to, when this answer is the first of its generation that costs.
    grace_until: datetime | None = None
    how: ClassVar = "repeated"


@dataclass(frozen=True, slots=True)
class Withhold:
    """A new access token, but no refresh token: which one is good is not said to whoever asks now."""

    how: ClassVar = "withheld"


@dataclass(frozen=True, slots=True)
class Rotate:
    """Move the row, answer with the new token."""

    generation: int
    branch: int
    parent_branch: int
    #: "late": the parent came back, and what it was answered before is dead now. "behind": the token was newer than the
    #: row, so the database lost its last writes.
    how: Literal["rotated", "late", "behind"] = "rotated"


@dataclass(frozen=True, slots=True)
class Refuse:
    """`invalid_grant`. On reuse the session ends, too."""

    reuse: bool


Decision = Repeat | Withhold | Rotate | Refuse


def decide(line: Line, token: RefreshToken, *, now: datetime, grace: timedelta, refill: timedelta) -> Decision:
    """What to do with an authentic token of a living session. `now` is of the same clock as the times in `line`.

    `refill` is the time in which the grace budget grows by one.

    A token used by two parties ends its session (RFC 9700 §4.14.2). A lost answer, a second tab or a retry does not:
    they bring the current token, or its parent, and get the same answer again.
    """
    age = now - line.rotated_at
    if (token.generation, token.branch) == (line.generation, line.branch):
        if line.generation > 0 and age < 2 * grace:
            return Repeat(line.generation, line.branch, held=True)
        return Rotate(line.generation + 1, 0, parent_branch=line.branch)
    if (token.generation, token.branch) == (line.generation - 1, line.parent_branch):
        if age <= grace:
            return _repeat_to_parent(line, now, refill)
        if age < 2 * grace:
            # Not a new branch yet: its answer could be overtaken by one of the grace's, and a dead token be kept.
            return Withhold()
        if age <= LATE_RETRY and line.branch < MAX_BRANCH:
            return Rotate(line.generation, line.branch + 1, parent_branch=line.parent_branch, how="late")
        return Refuse(reuse=True)
    if (token.generation, token.branch) > (line.generation, line.branch):
        if token.generation - line.generation > MAX_AHEAD:
            return Refuse(reuse=False)
        return Rotate(token.generation + 1, 0, parent_branch=token.branch, how="behind")
    return Refuse(reuse=True)


def _repeat_to_parent(line: Line, now: datetime, refill: timedelta) -> Decision:
    """A generic cell rate: `grace_until` runs ahead of the clock by one refill for each generation that repeats."""
    if line.grace_generation == line.generation:
        return Repeat(line.generation, line.branch, held=False)
    grace_until = max(line.grace_until, now) + refill
    if grace_until > now + GRACE_BUDGET * refill:
        return Withhold()
    return Repeat(line.generation, line.branch, held=False, grace_until=grace_until)
