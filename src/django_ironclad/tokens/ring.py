"""The keys of access tokens: the first signs, and one is found by exactly the header that it writes."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import UnknownKey
from .keys import Key


class KeyRing:
    """Keys in order: the first signs, all verify. Symmetric and asymmetric keys never share a ring (ASVS 9.1.2)."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)
        if not self.keys:
            raise ValueError("a key ring needs at least one key")
        if len({key.kid for key in self.keys}) < len(self.keys):
            raise ValueError("a key is there twice")
        if len({key.algorithm == "HS256" for key in self.keys}) > 1:
            raise ValueError("symmetric and asymmetric keys cannot share a ring")
        self._by_header = {key.header: key for key in self.keys}

    @property
    def signing_key(self) -> Key:
        return self.keys[0]

    def find(self, header: str) -> Key:
        """The key that writes exactly this encoded header. Raises UnknownKey."""
        try:
            return self._by_header[header]
        except KeyError:
            raise UnknownKey("the header is none that our keys write") from None

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JWK Set (RFC 7517 §5); empty for HS256."""
        return {
            "keys": [{**key.jwk, "kid": key.kid, "use": "sig", "alg": key.algorithm} for key in self.keys if key.jwk]
        }
