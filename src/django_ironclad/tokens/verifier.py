"""Access tokens are verified, and one that was verified is remembered, so that its signature is not checked again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from ..errors import InvalidToken
from .access import AccessToken
from .ring import KeyRing
from .signed import verify

#: So many tokens are remembered at least while they are in use, and twice as many at most: about 8 MB.
REMEMBERED: Final = 4096


@dataclass(slots=True)
class Verifier:
    """What `tokens.verify` says of a token, by these keys and for this audience. Times are seconds.

    Keys, issuer and audience cannot change: with another ring comes another verifier, which remembers nothing. Its time
    is looked at whenever a token is; whether its session has ended is not known here.
    """

    ring: KeyRing
    issuer: str
    audience: str
    max_lifetime: int
    leeway: int
    #: Whether each token has to name a realm, or none may. Which one is right now is not known here.
    realms: bool = False
    _recent: dict[bytes, AccessToken] = field(default_factory=dict, repr=False)
    _older: dict[bytes, AccessToken] = field(default_factory=dict, repr=False)

    def verify(self, token: str, *, now: float) -> AccessToken:
        """The access token that `token` is at the time `now`. Raises InvalidToken, as `tokens.verify` does."""
        # By its digest: what is in memory is no token that somebody could use, and the whole text is compared.
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        access = self._recent.get(digest)
        if access is None:
            access = self._older.get(digest) or self._first_sight(token, now)
            self._remember(digest, access)
        if access.not_before - self.leeway <= now < access.exp + self.leeway:
            return access
        # Over, or the clock was set back: the whole of it, for the reason.
        return self._first_sight(token, now)

    def recheck(self, access: AccessToken, *, now: float) -> None:
        """Return if what was a good token is not over at the time `now`. Raises InvalidToken."""
        if access.exp <= now - self.leeway:
            raise InvalidToken("expired", reason="expired")

    def _first_sight(self, token: str, now: float) -> AccessToken:
        access = verify(
            token,
            ring=self.ring,
            issuer=self.issuer,
            audience=self.audience,
            max_lifetime=self.max_lifetime,
            leeway=self.leeway,
            now=now,
        )
        if bool(access.realm) != self.realms:
            raise InvalidToken("of a realm, where there are none" if access.realm else "of no realm", reason="realm")
        return access

    def _remember(self, digest: bytes, access: AccessToken) -> None:
        """Two halves, of which the older is dropped when the other is full. Threads need no lock: at worst they drop
        one too many, and its tokens are verified once more."""
        if len(self._recent) >= REMEMBERED:
            self._older, self._recent = self._recent, {}
        self._recent[digest] = access
