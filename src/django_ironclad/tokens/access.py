"""A verified access token, frozen: what its claims say, each of the one right type (RFC 9068 §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, cast

from ..errors import GroupsLeftOut
from .encoding import dump_json, load_json
from .scope import words

#: Claims of the RFCs and of ours, which nobody else sets.
RESERVED: Final = frozenset(
    {"iss", "aud", "sub", "client_id", "sid", "iat", "exp", "nbf", "jti", "auth_time", "amr", "acr", "idp", "scope"}
    | {"realm", "cutoff", "cnf", "act", "groups_left_out"}
)
#: Of these, what is said anew of the user each time.
_SAID_ANEW: Final = frozenset({"scope", "groups_left_out"})
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
    #: The names of the user's Django groups when the token was issued (RFC 9068 §2.2.3.1). GroupsLeftOut where the
    #: token does not say them.
    groups: tuple[str, ...] = field(repr=False, compare=False)
    #: The user may be in groups that the token does not name: there are too many, or `CLAIMS` leaves them out.
    groups_left_out: bool
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
        return _read(dump_json(claims))

    def __getattr__(self, name: str) -> Any:
        # No AttributeError: `getattr(token, "groups", ())` would let in whoever must not be in a group.
        if name == "groups":
            raise GroupsLeftOut
        raise AttributeError(name)

    def __reduce__(self) -> tuple[Any, ...]:
        return _read, (self.payload,)

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
        kept = {name: value for name, value in claims.items() if name in RESERVED - _SAID_ANEW}
        payload = dump_json({**kept, **said})
        # Mostly nothing has changed.
        return self if payload == self.payload else _read(payload)


def _read(payload: bytes) -> AccessToken:
    return parse(payload, load_json(payload))


def parse(payload: bytes, claims: dict[str, Any]) -> AccessToken:
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
    left_out = claims.get("groups_left_out", False)
    if type(left_out) is not bool:
        raise ValueError("groups_left_out is neither true nor false")
    username = claims.get("username")
    access = AccessToken(
        payload=payload,
        sub=claims["sub"],
        sid=claims["sid"],
        username="" if username is None else str(username),
        groups=tuple(claims.get("groups", ())),
        groups_left_out=left_out,
        scope=words(claims.get("scope", "")),
        realm=claims.get("realm", ""),
        not_before=max(claims["iat"], claims.get("nbf", claims["iat"])),
        exp=claims["exp"],
    )
    if left_out:
        object.__delattr__(access, "groups")
    return access


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({name: _frozen(member) for name, member in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(member) for member in value)
    return value
