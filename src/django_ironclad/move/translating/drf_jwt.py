"""`JWT_AUTH`: where each member goes, or why it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .translation import Translation, not_theirs, taken_over

_TAKEN_OVER: Final = {
    "JWT_EXPIRATION_DELTA": "DRF_JWT_TOKEN_LIFETIME",
    "JWT_ISSUER": "ISSUER",
    "JWT_AUDIENCE": "AUDIENCE",
}
_OLD_TOKENS: Final = (
    *("JWT_SECRET_KEY", "JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY", "JWT_GET_USER_SECRET_KEY", "JWT_ALGORITHM", "JWT_LEEWAY"),
    *("JWT_TOKEN_ID", "JWT_INSIST_ON_KID", "JWT_PAYLOAD_INCLUDE_USER_ID", "JWT_PAYLOAD_GET_USERNAME_HANDLER"),
)
_ANSWERS: Final = (
    *("JWT_ALLOW_REFRESH", "JWT_REFRESH_EXPIRATION_DELTA", "JWT_AUTH_HEADER_PREFIX", "JWT_RESPONSE_PAYLOAD_HANDLER"),
    *("JWT_AUTH_COOKIE", "JWT_AUTH_COOKIE_DOMAIN", "JWT_AUTH_COOKIE_PATH", "JWT_AUTH_COOKIE_SECURE"),
    "JWT_AUTH_COOKIE_SAMESITE",
)
_HONOURED: Final = {
    **dict.fromkeys(_OLD_TOKENS, "how an old token is read"),
    **dict.fromkeys(_ANSWERS, "by the compatibility endpoints and their authenticator"),
    "JWT_DELETE_STALE_BLACKLISTED_TOKENS": "ironclad_prune deletes what is over",
}
_CANNOT: Final = {
    **dict.fromkeys(("JWT_ENCODE_HANDLER", "JWT_DECODE_HANDLER"), "how a token is made and read is no setting"),
    "JWT_PAYLOAD_HANDLER": "let IRONCLAD['CLAIMS'] say what a token says beyond the user and the groups",
    "JWT_IMPERSONATION_COOKIE": "nobody acts for somebody else by a cookie",
}
_STOPS: Final = {
    "JWT_VERIFY": "a token whose signature nobody checks is anybody's",
    "JWT_VERIFY_EXPIRATION": "a token that never ends cannot be taken back",
}


def translate(given: Mapping[str, Any]) -> Iterator[Translation]:
    """What becomes of each member."""
    for name, value in given.items():
        if name in _TAKEN_OVER:
            if value is not None:
                yield taken_over(name, value, _TAKEN_OVER[name])
        elif name in _HONOURED:
            yield Translation(name=name, code="M031", says=_HONOURED[name])
        elif name in _CANNOT:
            if value:
                yield Translation(name=name, code="M032", says=_CANNOT[name])
        elif name in _STOPS:
            if not value:
                yield Translation(name=name, code="M033", says=_STOPS[name])
        else:
            yield not_theirs(name)
