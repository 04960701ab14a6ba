"""`SIMPLE_JWT`, and `NINJA_JWT`, which has the same names: where each member goes, or why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from .translation import Translation, not_theirs, taken_over

_SERIALIZERS: Final = (
    *("TOKEN_OBTAIN_SERIALIZER", "TOKEN_REFRESH_SERIALIZER", "TOKEN_VERIFY_SERIALIZER", "TOKEN_BLACKLIST_SERIALIZER"),
    *("SLIDING_TOKEN_OBTAIN_SERIALIZER", "SLIDING_TOKEN_REFRESH_SERIALIZER"),
)
#: What only describes the old tokens, or the old answers: it is read there as long as old tokens come.
HONOURED: Final = {
    **dict.fromkeys(("USER_ID_FIELD", "USER_ID_CLAIM", "TOKEN_TYPE_CLAIM"), "how an old token is read"),
    **dict.fromkeys(("AUTH_HEADER_TYPES", "AUTH_HEADER_NAME"), "by the compatibility authenticator"),
    "AUTH_TOKEN_CLASSES": "access or sliding; a class of your own is M018",
    "TOKEN_USER_CLASS": "of the authenticator without a user's row",
    **dict.fromkeys(("REVOKE_TOKEN_CLAIM", "CHECK_REVOKE_TOKEN"), "asked of old tokens; ours always end so"),
    **dict.fromkeys(_SERIALIZERS, "a class of yours, whose overrides are asked"),
    **dict.fromkeys(
        ("SLIDING_TOKEN_LIFETIME", "SLIDING_TOKEN_REFRESH_LIFETIME", "SLIDING_TOKEN_REFRESH_EXP_CLAIM"),
        "of sliding tokens",
    ),
    **dict.fromkeys(("BLACKLIST_AFTER_ROTATION", "ROTATE_REFRESH_TOKENS"), "whether a refresh token is replaced"),
    "VERIFYING_KEY": "by which an old token is read",
}
_CANNOT: Final = {
    "JSON_ENCODER": "claims are what JSON itself can say; let IRONCLAD['CLAIMS'] make texts of the others",
    "ON_LOGIN_SUCCESS": "connect a receiver to Django's user_logged_in",
    "ON_LOGIN_FAILED": "connect a receiver to Django's user_login_failed",
}
_STOPS: Final = {
    "JWK_URL": "tokens of another issuer are not read",
    "USER_AUTHENTICATION_RULE": "whether somebody may log in, Django's authentication backends say: put the rule there",
}
_RULE: Final = "rest_framework_simplejwt.authentication.default_user_authentication_rule"
_ASYMMETRIC: Final = {"RS256", "ES256", "EdDSA"}


def translate(given: Mapping[str, Any]) -> Iterator[Translation]:
    """What becomes of each member, the defaults that differ included."""
    yield from _defaults(given)
    for name, value in given.items():
        if name in _RULES:
            yield from _RULES[name](value, given)
        elif name in HONOURED:
            yield Translation(name=name, code="M031", says=HONOURED[name])
        elif name in _CANNOT:
            yield Translation(name=name, code="M032", says=_CANNOT[name])
        elif name in _STOPS:
            if value and value != _RULE:
                yield Translation(name=name, code="M033", says=_STOPS[name])
        else:
            yield not_theirs(name)


def is_rotating(given: Mapping[str, Any]) -> bool:
    return bool(given.get("ROTATE_REFRESH_TOKENS") and given.get("BLACKLIST_AFTER_ROTATION"))


def _defaults(given: Mapping[str, Any]) -> Iterator[Translation]:
    if "UPDATE_LAST_LOGIN" not in given:
        also = "a login is noted in last_login, unless told otherwise; with them it was not"
        yield taken_over("", False, "UPDATE_LAST_LOGIN", also=also, literal="False")
    if "REFRESH_TOKEN_LIFETIME" not in given:
        says = "not given: theirs is a day; ours are 14 days of rest, and 90 in all (SESSION_LIFETIME)"
        yield Translation(name="REFRESH_TOKEN_LIFETIME", code="M031", says=says)
    if not is_rotating(given):
        # A setting that is there as soon as such sessions are.
        fixed = taken_over("", True, "FIXED_SESSIONS", literal="True")
        says = "not both ROTATE_REFRESH_TOKENS and BLACKLIST_AFTER_ROTATION: clients may keep their first refresh token"
        if fixed.to:
            yield fixed
            says += ", so these sessions have one for life, and a thief's copy is not found by its use"
        else:
            says += ", and are signed out for it here"
        yield Translation(name="ROTATE_REFRESH_TOKENS", code="M044", says=says)


def _refresh_lifetime(value: Any, given: Mapping[str, Any]) -> Iterator[Translation]:
    # Whoever gets a new one each time stays as long as they like, blacklisted or not.
    if given.get("ROTATE_REFRESH_TOKENS"):
        also = "how long a session may rest; SESSION_LIFETIME ends it 90 days after the login, which nothing did before"
        yield taken_over("REFRESH_TOKEN_LIFETIME", value, "REFRESH_TOKEN_LIFETIME", also=also)
    else:
        yield taken_over("REFRESH_TOKEN_LIFETIME", value, "REFRESH_TOKEN_LIFETIME", "SESSION_LIFETIME")


def _access_lifetime(value: Any, given: Mapping[str, Any]) -> Iterator[Translation]:
    also = ""
    if isinstance(value, timedelta) and value > timedelta(hours=1):
        also = "more than an hour is ironclad.W002"
    yield taken_over("ACCESS_TOKEN_LIFETIME", value, "ACCESS_TOKEN_LIFETIME", also=also)


def _algorithm(value: Any, given: Mapping[str, Any]) -> Iterator[Translation]:
    if value in _ASYMMETRIC:
        yield Translation(name="ALGORITHM", code="M031", says="a key has one algorithm, which it says itself")
    else:
        says = f"{value} reads old tokens only; without KEYS ours are signed by a key that is derived from SECRET_KEY"
        yield Translation(name="ALGORITHM", code="M031", says=says)


def _signing_key(value: Any, given: Mapping[str, Any]) -> Iterator[Translation]:
    if given.get("ALGORITHM") in _ASYMMETRIC:
        if isinstance(value, str) and "PRIVATE KEY" in value:
            yield taken_over("SIGNING_KEY", [value], "KEYS", also="as the one of a list")
        else:
            yield Translation(name="SIGNING_KEY", code="M032", says="no PEM text; name its file in IRONCLAD['KEYS']")
    else:
        yield Translation(name="SIGNING_KEY", code="M031", says="by which an old token is read; ours have another key")


def _leeway(value: Any, given: Mapping[str, Any]) -> Iterator[Translation]:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(value, timedelta) and 1 <= seconds <= 60:
        yield taken_over("LEEWAY", value, "LEEWAY")
    elif seconds:
        says = f"write IRONCLAD['LEEWAY'] = timedelta(seconds={min(60, seconds):g}); a minute is the most"
        yield Translation(name="LEEWAY", code="M032", says=says)


def _name(name: str) -> Callable[[Any, Mapping[str, Any]], Iterator[Translation]]:
    def rule(value: Any, given: Mapping[str, Any]) -> Iterator[Translation]:
        if isinstance(value, str) and value:
            yield taken_over(name, value, name)
        elif value:
            yield Translation(name=name, code="M032", says="one text: whoever checks it is told which")

    return rule


def _jti(value: Any, given: Mapping[str, Any]) -> Iterator[Translation]:
    if value:
        yield Translation(name="JTI_CLAIM", code="M031", says="how an old token is read")
    else:
        says = "without one an old refresh token cannot be exchanged once and no more: its users log in again"
        yield Translation(name="JTI_CLAIM", code="M032", says=says)


def _is_active(value: Any, given: Mapping[str, Any]) -> Iterator[Translation]:
    if not value:
        says = "an inactive user is let in nowhere"
        yield Translation(name="CHECK_USER_IS_ACTIVE", code="M033", says=says)


def _last_login(value: Any, given: Mapping[str, Any]) -> Iterator[Translation]:
    yield taken_over("UPDATE_LAST_LOGIN", value, "UPDATE_LAST_LOGIN")


_RULES: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], Iterator[Translation]]]] = {
    "ACCESS_TOKEN_LIFETIME": _access_lifetime,
    "REFRESH_TOKEN_LIFETIME": _refresh_lifetime,
    "ALGORITHM": _algorithm,
    "SIGNING_KEY": _signing_key,
    "LEEWAY": _leeway,
    "ISSUER": _name("ISSUER"),
    "AUDIENCE": _name("AUDIENCE"),
    "JTI_CLAIM": _jti,
    "CHECK_USER_IS_ACTIVE": _is_active,
    "UPDATE_LAST_LOGIN": _last_login,
}
