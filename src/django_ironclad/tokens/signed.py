"""An access token: issued by a key, and verified without asking anybody (RFC 9068)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import InvalidToken
from .access import AccessToken, parse
from .encoding import b64decode, b64encode, dump_json, load_json
from .keys import Key
from .ring import KeyRing

MAX_LENGTH: Final = 8192


class TooLong(ValueError):
    """A token of more than `MAX_LENGTH` characters."""

    def __init__(self, length: int, claims: Mapping[str, Any]) -> None:
        sizes = {name: len(dump_json(value)) for name, value in claims.items()}
        #: The claim that takes the most of it.
        self.largest = max(sizes, key=sizes.__getitem__)
        super().__init__(
            f"{length} characters long: {MAX_LENGTH} are allowed, {self.largest!r} takes {sizes[self.largest]} bytes"
        )


def issue(claims: Mapping[str, Any], *, key: Key) -> str:
    """The compact JWS of `claims` (RFC 7515 §7.1). Raises ValueError or TypeError for what `verify` would not read.

    TooLong is one of them.
    """
    payload = AccessToken.of(claims).payload
    signed = f"{key.header}.{b64encode(payload)}"
    token = f"{signed}.{b64encode(key.sign(signed.encode()))}"
    if len(token) > MAX_LENGTH:
        raise TooLong(len(token), claims)
    return token


def verify(
    token: str, *, ring: KeyRing, issuer: str, audience: str, max_lifetime: int, leeway: int, now: float
) -> AccessToken:
    """The access token that `token` is at the time `now`. Lifetimes and leeway are seconds.

    Raises InvalidToken and nothing else; UnknownKey, which is one, when no key of ours writes such a header.
    Nothing of the payload is read before the signature holds (RFC 8725 §3, RFC 9068 §4).
    """
    header, _, rest = token.partition(".")
    key = ring.find(header)
    if len(token) > MAX_LENGTH:
        raise InvalidToken("longer than a token of ours can be", reason="malformed")
    try:
        payload, signature = rest.split(".")
        key.verify(b64decode(signature), f"{header}.{payload}".encode("ascii"))
        signed = b64decode(payload)
        claims = load_json(signed)
        access = parse(signed, claims)
    except ValueError as error:
        raise InvalidToken(f"malformed: {error}", reason="malformed") from None
    if claims["iss"] != issuer:
        raise InvalidToken("another issuer's", reason="issuer")
    if not _is_meant_for(audience, claims["aud"]):
        raise InvalidToken("for another audience", reason="audience")
    if access.exp <= now - leeway:
        raise InvalidToken("expired", reason="expired")
    if access.not_before > now + leeway:
        raise InvalidToken("not valid yet", reason="not_yet_valid")
    if not 0 < access.exp - claims["iat"] <= max_lifetime:
        raise InvalidToken("lives longer than this service allows", reason="lifetime")
    return access


def _is_meant_for(audience: str, claimed: object) -> bool:
    """`aud` is one text or a list of texts (RFC 7519 §4.1.3); ours is in it exactly, never as a part of another."""
    names = [claimed] if type(claimed) is str else claimed
    return type(names) is list and all(type(name) is str for name in names) and audience in names
