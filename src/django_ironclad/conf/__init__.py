"""The project's `IRONCLAD` settings, each checked and with a safe default."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from .accepted import WANTED

#: How a refresh token travels.
Transport = Literal["body", "cookie"]
Claims = Callable[[Any, list[str]], Mapping[str, Any]]
Scopes = Callable[[Any, list[str]], Iterable[str]]
Realm = Callable[[Any], str]


def no_claims(user: Any, groups: list[str]) -> Mapping[str, Any]:
    """Nothing but who this is: a token has the user name and the names of the groups in any case."""
    return {}


def no_scopes(user: Any, groups: list[str]) -> Iterable[str]:
    """A project without scopes: what a user may do, groups and permissions say."""
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The members of `IRONCLAD`. Times are `timedelta`s."""

    #: `iss`: who issues the tokens. Once others verify them by your `jwks.json`, the URL of this service.
    ISSUER: str = "django-ironclad"
    #: `aud`: for whom the tokens are; "" stands for `ISSUER`.
    AUDIENCE: str = ""
    #: `(request) -> name`, or its dotted path: whose users a request is about, where one process serves several
    #: tenants. It gets an `HttpRequest`, or the scope of a websocket.
    REALM: Realm | str | None = None
    #: PEM keys, or paths of files that hold one: the first signs, all verify. Empty: HS256, derived from `SECRET_KEY`.
    KEYS: Sequence[str | bytes | Path] = field(default=(), repr=False)
    #: How long an access token lives.
    ACCESS_TOKEN_LIFETIME: timedelta = timedelta(minutes=5)
    #: How long a session may rest: a refresh token unused for longer is over.
    REFRESH_TOKEN_LIFETIME: timedelta = timedelta(days=14)
    #: How long after the login a session ends, however often it is refreshed.
    SESSION_LIFETIME: timedelta = timedelta(days=90)
    #: How long the previous refresh token is answered with the same successor again.
    REUSE_GRACE: timedelta = timedelta(seconds=10)
    #: How far the clocks of those who issue and those who verify may differ; at most a minute.
    LEEWAY: timedelta = timedelta(seconds=10)
    #: How often a process reads which sessions ended: a session that ended is refused everywhere two of these later.
    REVOCATION_INTERVAL: timedelta = timedelta(seconds=1)
    #: How long requests are served when nobody can read that; then they are answered 503.
    REVOCATION_MAX_STALENESS: timedelta = timedelta(seconds=30)
    #: How many sessions a user may have; one more, and the least recently refreshed ends.
    SESSIONS_PER_USER: int = 50
    #: How many proxies of yours add to `X-Forwarded-For`; with 0, the header is anybody's word and is not read.
    TRUSTED_PROXIES: int = 0
    #: How a refresh token may travel: in the "body", in the "cookie".
    TRANSPORTS: Sequence[Transport] = ("body", "cookie")
    #: The refresh cookie's name; with `SESSION_COOKIE_SECURE` it gets the prefix `__Host-`. Whatever has "token" in its
    #: name, Django's reports of errors leave out.
    COOKIE_NAME: str = "ironclad_refresh_token"
    #: The refresh cookie's `SameSite`: "Strict", "Lax", or "None" for a front end on another site.
    COOKIE_SAMESITE: Literal["Strict", "Lax", "None"] = "Strict"
    #: `(user, group_names) -> dict`, or its dotted path: what an access token says beyond `username` and `groups`, or
    #: in their place, None for nothing.
    CLAIMS: Claims | str = no_claims
    #: `(user, group_names) -> scopes`, or its dotted path: what is granted; a login may ask for less.
    SCOPES: Scopes | str = no_scopes
    #: Whether a login is noted in the user's `last_login`, as a login by Django's session is.
    UPDATE_LAST_LOGIN: bool = True
    #: How long the tokens of `contrib.drf_jwt` live, whose clients know no refresh token.
    DRF_JWT_TOKEN_LIFETIME: timedelta = timedelta(minutes=5)

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            wanted = WANTED[each.name]
            if not wanted.accepts(value):
                # What is not shown by `repr` is a secret, and an error ends up in logs.
                found = (
                    f"IRONCLAD[{each.name!r}] is {value!r}" if each.repr else f"IRONCLAD[{each.name!r}] is not right"
                )
                raise ImproperlyConfigured(f"{found}; write {wanted.sentence}.")

    @property
    def audience(self) -> str:
        return self.AUDIENCE or self.ISSUER

    @property
    def claims(self) -> Claims:
        return cast("Claims", self._callable("CLAIMS"))

    @property
    def scopes(self) -> Scopes:
        return cast("Scopes", self._callable("SCOPES"))

    @property
    def realm(self) -> Realm | None:
        return None if self.REALM is None else cast("Realm", self._callable("REALM"))

    def _callable(self, name: str) -> object:
        value = getattr(self, name)
        try:
            found = import_string(value) if isinstance(value, str) else value
        except ImportError as error:
            raise ImproperlyConfigured(f"IRONCLAD[{name!r}]: {error}.") from None
        if not callable(found):
            raise ImproperlyConfigured(f"IRONCLAD[{name!r}]: {value!r} is there, but cannot be called.")
        return found

    @property
    def longest_access_lifetime(self) -> timedelta:
        """The longest that any access token of ours may live."""
        return max(self.ACCESS_TOKEN_LIFETIME, self.DRF_JWT_TOKEN_LIFETIME)


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings in force. Raises ImproperlyConfigured, which says what to write instead."""
    given = getattr(django_settings, "IRONCLAD", {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(
            "IRONCLAD must be a dictionary, such as IRONCLAD = {'ISSUER': 'https://api.example.org'}."
        )
    names = [each.name for each in fields(Settings)]
    for name in given:
        if name not in names:
            # Not so near that every short word is: CLIENTS is no CLAIMS.
            near = difflib.get_close_matches(str(name).upper(), names, n=1, cutoff=0.7)
            instead = f"write {near[0]!r}" if near else "docs/guide.md lists them under Settings"
            raise ImproperlyConfigured(f"IRONCLAD[{name!r}] is no setting; {instead}.")
    return Settings(**given)


def _forget(*, setting: str, **_: object) -> None:
    if setting == "IRONCLAD":
        get_settings.cache_clear()


setting_changed.connect(_forget)
