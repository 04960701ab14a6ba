"""A refresh token: a signed counter."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ..errors import InvalidGrant
from .encoding import b64encode

#: What kind of credential a MAC is for, so that none can be taken for another.
_LABEL: Final = "refresh"

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
            raise InvalidGrant("not the form of a refresh token", reason="malformed")
        sid, generation, branch, mac = match.groups()
        return cls(sid, int(generation), int(branch)), mac

    def verify(self, mac: str, *, secrets: Iterable[bytes], seed: bytes, realm: str) -> None:
        """Return if one of the server's secrets makes this MAC. Raises InvalidGrant."""
        if not any(hmac.compare_digest(mac, self._mac(secret, seed, realm)) for secret in secrets):
            raise InvalidGrant("forged: the MAC does not fit", reason="forged")

    def encode(self, *, secret: bytes, seed: bytes, realm: str) -> str:
        """`sid.generation.branch.mac`: the same text whenever it is asked for."""
        return f"{self}.{self._mac(secret, seed, realm)}"

    def _mac(self, secret: bytes, seed: bytes, realm: str) -> str:
        """HMAC-SHA256 under the server's secret and the row's seed together: neither alone can make one."""
        return b64encode(hmac.digest(secret + seed, f"{_LABEL}\0{realm}\0{self}".encode(), "sha256"))

    def __str__(self) -> str:
        return f"{self.sid}.{self.generation}.{self.branch}"
