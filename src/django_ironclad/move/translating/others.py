"""`REST_KNOX`, `REST_AUTH` and `DJOSER`: what of them is about tokens. They stay, and so do their packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from .translation import Translation

Translate = Callable[[Mapping[str, Any]], Iterator[Translation]]

_COOKIES: Final = "no cookie carries an access token; take the cookie transport of our own endpoints"
_SAYS: Final = {
    "REST_AUTH": {
        **dict.fromkeys(
            ("JWT_AUTH_COOKIE", "JWT_AUTH_REFRESH_COOKIE", "JWT_AUTH_HTTPONLY", "JWT_AUTH_SAMESITE"), _COOKIES
        ),
        **dict.fromkeys(("JWT_AUTH_SECURE", "JWT_AUTH_RETURN_EXPIRATION", "JWT_AUTH_COOKIE_DOMAIN"), _COOKIES),
        "JWT_TOKEN_CLAIMS_SERIALIZER": "let IRONCLAD['CLAIMS'] say what a token says beyond the user and the groups",
        "JWT_SERIALIZER": "write a view that calls auth.login and answers what you like",
        "TOKEN_MODEL": "a session is the row of a login",
    },
    "DJOSER": {
        "TOKEN_MODEL": "a session is the row of a login",
        "LOGOUT_ON_PASSWORD_CHANGE": "a changed password ends every other session in any case",
    },
}


def translate(setting: str) -> Translate:
    """What becomes of this setting's members."""

    def of(given: Mapping[str, Any]) -> Iterator[Translation]:
        for name in given:
            if says := _SAYS.get(setting, {}).get(name):
                yield Translation(name=name, code="M032", says=says)
            else:
                yield Translation(name=name, code="M031", says="stays, with the package")

    return of
