"""An access token: issued by a key, verified without asking anybody, and frozen (RFC 9068)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, cast

from .encoding import b64decode, b64encode, dump_json, load_json
from .errors import InvalidToken
from .keys import Key, KeyRing

MAX_LENGTH: Final = 8192
RESERVED: Final = frozenset(
    {"iss", "aud", "sub", "client_id", "sid", "iat", "exp", "nbf", "jti", "auth_time", "amr", "scope", "realm"}
)
_TEXTS = ("sub", "client_id", "sid", "jti")
_TIMES = ("iat", "exp", "auth_time")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A verified access token: who holds this object knows that its signature, issuer, audience and time held."""

    #: The claims as JSON, as they were signed.
    payload: bytes = field(repr=False)
    #: The user's primary key, as text.
    sub: str
    #: The session this token belongs to.
    sid: str
    #: The user name, "" where `CLAIMS` leaves it out.
    username: str
    #: The names of the user's Django groups when the token was issued (RFC 9068 §2.2.3.1).
    groups: tuple[str, ...]
    #: What the token may do (RFC 6749 §3.3).
    scope: frozenset[str]
    #: Whose user this is, where one process serves several sets of users; else "".
    realm: str
    #: When it began to hold, and when it is over. Times are seconds since the epoch.
    not_before: int
    exp: int
    _claims: Mapping[str, Any] | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> AccessToken:
        """The token that says just this. Raises ValueError or TypeError for what none can say."""
        payload = dump_json(claims)
        return _token(payload, load_json(payload))

    @property
    def claims(self) -> Mapping[str, Any]:
        """Every claim by its name in the RFC, read-only; decoded when it is first asked for."""
        if self._claims is None:
            object.__setattr__(self, "_claims", _frozen(load_json(self.payload)))
        return cast("Mapping[str, Any]", self._claims)

    @property
    def client_id(self) -> str:
        return str(self.claims["client_id"])

    @property
    def auth_time(self) -> int:
        """When the person last proved who they are."""
        return int(self.claims["auth_time"])

    @property
    def amr(self) -> tuple[str, ...]:
        """How they proved it, such as `("pwd",)` (RFC 8176); empty where that was not said."""
        return tuple(self.claims.get("amr", ()))

    def saying(self, said: Mapping[str, Any]) -> AccessToken:
        """This token, but with `said` in the place of its scope and of every claim that is not an RFC's own.

        Raises ValueError or TypeError for what no token can say.
        """
        claims = load_json(self.payload)
        kept = {name: value for name, value in claims.items() if name in RESERVED - {"scope"}}
        payload = dump_json({**kept, **said})
        # Mostly nothing has changed.
        return self if payload == self.payload else _token(payload, load_json(payload))


def issue(claims: Mapping[str, Any], *, key: Key) -> str:
    """The compact JWS of `claims` (RFC 7515 §7.1). Raises ValueError or TypeError for what `verify` would not read."""
    payload = AccessToken.of(claims).payload
    signed = f"{key.header}.{b64encode(payload)}"
    token = f"{signed}.{b64encode(key.sign(signed.encode()))}"
    if len(token) > MAX_LENGTH:
        raise ValueError(f"a token of {len(token)} characters, {MAX_LENGTH} are allowed: return less from CLAIMS")
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
        raise InvalidToken("longer than a token of ours can be")
    try:
        payload, signature = rest.split(".")
        key.verify(b64decode(signature), f"{header}.{payload}".encode("ascii"))
        signed = b64decode(payload)
        claims = load_json(signed)
        access = _token(signed, claims)
    except ValueError as error:
        raise InvalidToken(f"malformed: {error}") from None
    if claims["iss"] != issuer:
        raise InvalidToken("another issuer's")
    if not _is_meant_for(audience, claims["aud"]):
        raise InvalidToken("for another audience")
    if access.exp <= now - leeway:
        raise InvalidToken("expired")
    if access.not_before > now + leeway:
        raise InvalidToken("not valid yet")
    if not 0 < access.exp - claims["iat"] <= max_lifetime:
        raise InvalidToken("lives longer than this service allows")
    return access


def _token(payload: bytes, claims: dict[str, Any]) -> AccessToken:
    """The token, if every claim that we rely on is there and of the one right type (RFC 9068 §2.2).

    `True` is no number here. Raises ValueError.
    """
    for name in (*_TIMES, "nbf") if "nbf" in claims else _TIMES:
        if type(claims.get(name)) is not int:
            raise ValueError(f"{name} is missing or no integer")
    for name in _TEXTS:
        if type(claims.get(name)) is not str:
            raise ValueError(f"{name} is missing or no text")
    if "iss" not in claims or "aud" not in claims:
        raise ValueError("iss or aud is missing")
    for name in ("scope", "realm"):
        if type(claims.get(name, "")) is not str:
            raise ValueError(f"{name} is no text")
    for name in ("groups", "amr"):
        names = claims.get(name, [])
        if type(names) is not list or any(type(each) is not str for each in names):
            raise ValueError(f"{name} is no list of texts")
    username = claims.get("username")
    return AccessToken(
        payload=payload,
        sub=claims["sub"],
        sid=claims["sid"],
        username="" if username is None else str(username),
        groups=tuple(claims.get("groups", ())),
        scope=_scope(claims.get("scope", "")),
        realm=claims.get("realm", ""),
        not_before=max(claims["iat"], claims.get("nbf", claims["iat"])),
        exp=claims["exp"],
    )


@lru_cache(maxsize=256)
def _scope(text: str) -> frozenset[str]:
    # Many tokens share a few of these, and each is 200 bytes.
    return frozenset(text.split())


def _is_meant_for(audience: str, claimed: object) -> bool:
    """`aud` is one text or a list of texts (RFC 7519 §4.1.3); ours is in it exactly, never as a part of another."""
    names = [claimed] if type(claimed) is str else claimed
    return type(names) is list and all(type(name) is str for name in names) and audience in names


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({name: _frozen(member) for name, member in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(member) for member in value)
    return value
