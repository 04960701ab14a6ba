"""What each setting accepts, and the sentence that says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Wanted:
    accepts: Callable[[Any], bool]
    sentence: str


def _text(least: int) -> Callable[[Any], bool]:
    # What is not printable may have no UTF-8, and what is longer fits into no token.
    return lambda value: isinstance(value, str) and least <= len(value) <= 1000 and value.isprintable()


def _function(value: object) -> bool:
    return callable(value) or (isinstance(value, str) and all(map(str.isidentifier, value.split("."))))


def _several(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (list, tuple)) and all(map(accepts, value))


def _number(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _time(most: timedelta) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, timedelta) and timedelta(seconds=1) <= value <= most


LIFETIME = Wanted(_time(timedelta(days=36500)), "a timedelta of a second or more, such as timedelta(minutes=5)")

WANTED = {
    "ISSUER": Wanted(_text(1), 'a text, such as "https://api.example.org"'),
    "AUDIENCE": Wanted(_text(0), "a text of up to 1000 characters"),
    "REALM": Wanted(
        lambda value: value is None or _function(value), "a callable (request) -> name of a realm, or its dotted path"
    ),
    "KEYS": Wanted(
        _several(lambda value: isinstance(value, (str, bytes, Path))), "a list of PEM texts or of paths of PEM files"
    ),
    "ACCESS_TOKEN_LIFETIME": LIFETIME,
    "REFRESH_TOKEN_LIFETIME": LIFETIME,
    "SESSION_LIFETIME": LIFETIME,
    "REUSE_GRACE": Wanted(_time(timedelta(minutes=1)), "a timedelta between 1 and 60 seconds"),
    "LEEWAY": Wanted(
        lambda value: isinstance(value, timedelta) and timedelta(0) <= value <= timedelta(minutes=1),
        "a timedelta between 0 and 60 seconds",
    ),
    "REVOCATION_INTERVAL": Wanted(_time(timedelta(seconds=10)), "a timedelta between 1 and 10 seconds"),
    "REVOCATION_MAX_STALENESS": Wanted(_time(timedelta(minutes=5)), "a timedelta between 1 second and 5 minutes"),
    "SESSIONS_PER_USER": Wanted(_number(1, 10_000), "a number between 1 and 10000"),
    "TRUSTED_PROXIES": Wanted(_number(0, 10), "how many proxies there are, from 0 to 10"),
    "TRANSPORTS": Wanted(
        lambda value: _several(("body", "cookie").__contains__)(value) and bool(value),
        '["body"], ["cookie"] or ["body", "cookie"]',
    ),
    "COOKIE_NAME": Wanted(
        lambda value: isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][\w-]*", value, re.ASCII) is not None,
        "letters, digits, - and _, a letter or digit first; the prefix __Host- comes by itself",
    ),
    "COOKIE_SAMESITE": Wanted(("Strict", "Lax", "None").__contains__, '"Strict", "Lax" or "None"'),
    "CLAIMS": Wanted(_function, "a callable (user, group_names) -> dict, or its dotted path"),
    "SCOPES": Wanted(_function, "a callable (user, group_names) -> scopes, or its dotted path"),
    "UPDATE_LAST_LOGIN": Wanted(lambda value: type(value) is bool, "True or False"),
    "DRF_JWT_TOKEN_LIFETIME": LIFETIME,
}
