"""What each server does with a refresh token: ours by the function that it runs, the others by what they document.

A rule is one session of such a server. It knows no clock and no chance; `now` is in seconds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django_ironclad.tokens.refresh import RefreshToken
from django_ironclad.tokens.reuse import Line, Refuse, Repeat, Rotate, decide

#: As long as an access token lives here, and so as often as a client refreshes.
TURN = 300.0


class Ended(Exception):
    """The server takes it for a theft: the session is over, for whoever has a token of it."""


class Rule(ABC):
    name: ClassVar[str]
    #: Where its rules are documented; and what is read into them where they are silent.
    source: ClassVar[str]
    reading: ClassVar[str]
    #: The refresh token of the login.
    first: Any = 0

    @abstractmethod
    def refresh(self, token: Any, now: float) -> Any:
        """The refresh token that the answer carries; None when there is an access token only. Raises Ended."""

    def call(self, token: Any) -> None:  # noqa: B027 - most servers do not care
        """The API is called with the access token that came with this refresh token."""


class Ironclad(Rule):
    name = "django-ironclad"
    source = "guide.md#refresh-tokens"
    reading = "The very function that the package runs, with its defaults: a grace of 10 s and 12 doubts."

    def __init__(self) -> None:
        self.first = RefreshToken("", 0, 0)
        self._line = Line(0, 0, 0, rotated_at=_at(0), repeated=False, doubts=0)

    def refresh(self, token: RefreshToken, now: float) -> RefreshToken | None:
        decision = decide(self._line, token, now=_at(now), grace=timedelta(seconds=10))
        match decision:
            case Refuse():
                raise Ended
            case Rotate(generation, branch, parent_branch, doubts):
                self._line = Line(generation, branch, parent_branch, _at(now), repeated=False, doubts=doubts)
            case Repeat(doubts=int(doubts)):
                self._line = replace(self._line, repeated=True, doubts=doubts)
        if isinstance(decision, Rotate | Repeat):
            return RefreshToken("", decision.generation, decision.branch)
        return None


class Strict(Rule):
    name = "strict rotation"
    source = "https://www.rfc-editor.org/rfc/rfc9700.html#section-4.14.2"
    reading = "Each token is good for one exchange. One that comes again ends the session."

    def __init__(self) -> None:
        self._active: int = self.first

    def refresh(self, token: int, now: float) -> int:
        if token != self._active:
            raise Ended
        self._active += 1
        return self._active


class _Forking(Rule):
    """Each exchange makes another token, and a token is good for several exchanges within a period."""

    period: ClassVar[float]

    def __init__(self) -> None:
        self._parents = {self.first: -1}
        #: When a token was exchanged for the first time.
        self._exchanged: dict[int, float] = {}
        #: Those of which a successor was exchanged, too.
        self._followed: set[int] = set()

    def refresh(self, token: int, now: float) -> int:
        exchanged = self._exchanged.setdefault(token, now)
        if now - exchanged > self.period or self._is_too_old(token):
            raise Ended
        self._followed.add(self._parents[token])
        child = len(self._parents)
        self._parents[child] = token
        return child

    def _is_too_old(self, token: int) -> bool:
        return False


class Auth0(_Forking):
    name = "Auth0"
    source = "https://auth0.com/docs/secure/tokens/refresh-tokens/configure-refresh-token-rotation"
    reading = (
        "With a rotation overlap period (leeway) of 10 s; by default there is none, and it is a strict rotation. "
        "Within it the previous token is exchanged again, for another new token each time; one before the previous "
        "ends the session. Nothing is said of the other new tokens: read as good."
    )
    period = 10.0

    def _is_too_old(self, token: int) -> bool:
        return token in self._followed


class Hydra(_Forking):
    name = "Ory Hydra"
    source = "https://www.ory.com/docs/hydra/guides/graceful-token-refresh"
    reading = (
        "With a grace period of 60 s, the guide's own; by default there is none. Within it a token is exchanged for "
        "another new one each time, all of one chain; after it, it ends the chain."
    )
    period = 60.0


class Supabase(Rule):
    name = "Supabase"
    source = "https://supabase.com/docs/guides/auth/sessions"
    reading = (
        "A token may come again within 10 s of its exchange, and the parent of the active token at any time: both are "
        "answered with the active token. Any other ends the session."
    )

    def __init__(self) -> None:
        self._active: int = self.first
        self._exchanged: dict[int, float] = {}

    def refresh(self, token: int, now: float) -> int:
        if token == self._active:
            self._exchanged[token] = now
            self._active += 1
        elif token != self._active - 1 and now - self._exchanged[token] > 10:
            raise Ended
        return self._active


class SuperTokens(Rule):
    name = "SuperTokens"
    source = "https://github.com/supertokens/supertokens-core/wiki/Session-pseudo-code"
    reading = (
        "The server keeps one token, the parent, which is exchanged for another new one each time. A child takes its "
        "place once it is exchanged itself, or once its access token is used. Any other token ends the session. So up "
        "to CDI 5.4; with 5.5 comes [another scheme](https://github.com/supertokens/supertokens-core/issues/1301). Its "
        "own front end keeps tabs apart with a lock, as ours does; here nobody has one."
    )

    def __init__(self) -> None:
        self._parent = self.first
        self._parents = {self.first: -1}

    def refresh(self, token: int, now: float) -> int:
        self.call(token)
        if token != self._parent:
            raise Ended
        child = len(self._parents)
        self._parents[child] = token
        return child

    def call(self, token: int) -> None:
        if self._parents[token] == self._parent:
            self._parent = token


RULES: list[type[Rule]] = [Ironclad, Strict, Auth0, Hydra, Supabase, SuperTokens]


def _at(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)
