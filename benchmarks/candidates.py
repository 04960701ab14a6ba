"""Who is compared, each as its own documentation recommends for production: this file is all of their configuration.

A candidate lives in a process of its own, so nobody's settings or patches touch another. How people log in and refresh
is in logins.py, and the views by which they do in entrances.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from . import logins
from .logins import Credentials

SECRET_KEY = "of-this-benchmark-only-and-as-long-as-it-should-be-for-hs512-and-the-like"
KEYS = Path(__file__).parent / ".keys"


def make_keys() -> None:
    """One private key for each algorithm that others can verify, for those who want a file."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    KEYS.mkdir(exist_ok=True)
    made = {
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "RS256": lambda: rsa.generate_private_key(65537, 2048),
    }
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    for name, make in made.items():
        file = KEYS / f"{name}.pem"
        if not file.exists():
            file.write_bytes(make().private_bytes(*form))


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """`authentication` is the dotted path of a DRF class; of Ninja's `auth=` where `framework` is "ninja"."""

    title: str
    authentication: str = ""
    apps: tuple[str, ...] = ()
    middleware: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    framework: str = "drf"
    login: Callable[[Any], Credentials] = lambda user: ({}, "")
    rotate: Callable[[str], str] | None = None
    #: How the user's row, or the state of the session, is asked with each request.
    asks: str = ""


def _ironclad(title: str, *, asks: str = "revocation in memory", **more: Any) -> Candidate:
    return Candidate(
        title=title,
        apps=("django_ironclad",),
        middleware=("django_ironclad.middleware.BearerMiddleware",),
        login=logins.ironclad_login,
        rotate=logins.ironclad_rotate,
        asks=asks,
        **{"authentication": "django_ironclad.drf.BearerAuthentication", **more},
    )


#: https://django-rest-framework-simplejwt.readthedocs.io/en/latest/settings.html
SIMPLE_JWT = {
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
}


def _simplejwt(title: str, authentication: str, asks: str) -> Candidate:
    return Candidate(
        title=title,
        authentication=f"rest_framework_simplejwt.authentication.{authentication}",
        apps=("rest_framework_simplejwt", "rest_framework_simplejwt.token_blacklist"),
        settings={"SIMPLE_JWT": SIMPLE_JWT},
        login=logins.simplejwt_login,
        rotate=logins.simplejwt_rotate,
        asks=asks,
    )


def _allauth(title: str, *, stateful: bool, asks: str) -> Candidate:
    return Candidate(
        title=title,
        authentication="allauth.headless.contrib.rest_framework.authentication.JWTTokenAuthentication",
        apps=("allauth", "allauth.account", "allauth.headless"),
        middleware=("allauth.account.middleware.AccountMiddleware",),
        # https://docs.allauth.org/en/latest/headless/token-strategies/jwt-tokens.html; RS256 is its default.
        settings={
            "HEADLESS_TOKEN_STRATEGY": "allauth.headless.tokens.strategies.jwt.strategy.JWTTokenStrategy",
            "HEADLESS_JWT_PRIVATE_KEY": (KEYS / "RS256.pem").read_text(),
            "HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED": stateful,
        },
        login=logins.allauth_login,
        rotate=logins.allauth_rotate,
        asks=asks,
    )


SESSIONS = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)

make_keys()
CANDIDATES: dict[str, Candidate] = {
    "open": Candidate(title="unprotected"),
    "ironclad": _ironclad("ironclad, HS256"),
    **{
        f"ironclad-{name.lower()}": _ironclad(
            f"ironclad, {name}",
            settings={"IRONCLAD": {"KEYS": [str(KEYS / f"{name}.pem")], "ISSUER": "https://a.example"}},
        )
        for name in ("EdDSA", "ES256", "RS256")
    },
    "ironclad-strict": _ironclad(
        "ironclad, strict",
        authentication="django_ironclad.drf.StrictBearerAuthentication",
        asks="session and user",
    ),
    "simplejwt": _simplejwt("simplejwt", "JWTAuthentication", "user"),
    "simplejwt-stateless": _simplejwt("simplejwt, stateless", "JWTStatelessUserAuthentication", "nothing"),
    "drf-jwt": Candidate(
        title="drf-jwt",
        authentication="rest_framework_jwt.authentication.JSONWebTokenAuthentication",
        apps=("rest_framework_jwt",),
        login=logins.drf_jwt_login,
        asks="user",
    ),
    "knox": Candidate(
        title="knox",
        authentication="knox.auth.TokenAuthentication",
        apps=("knox",),
        login=logins.knox_login,
        asks="token and user, and all tokens of theirs",
    ),
    "drf-token": Candidate(
        title="DRF TokenAuthentication",
        authentication="rest_framework.authentication.TokenAuthentication",
        apps=("rest_framework.authtoken",),
        login=logins.drf_token_login,
        asks="token and user",
    ),
    "dj-rest-auth": Candidate(
        title="dj-rest-auth, cookie",
        authentication="dj_rest_auth.jwt_auth.JWTCookieAuthentication",
        apps=(
            "rest_framework.authtoken",
            "rest_framework_simplejwt",
            "rest_framework_simplejwt.token_blacklist",
            "dj_rest_auth",
        ),
        settings={
            "SIMPLE_JWT": SIMPLE_JWT,
            "REST_AUTH": {
                "USE_JWT": True,
                "JWT_AUTH_COOKIE": "access-token",
                "JWT_AUTH_REFRESH_COOKIE": "refresh-token",
            },
        },
        login=logins.dj_rest_auth_login,
        rotate=logins.simplejwt_rotate,
        asks="user",
    ),
    "allauth": _allauth("allauth headless JWT, RS256", stateful=False, asks="nothing"),
    "allauth-stateful": _allauth("allauth headless JWT, stateful", stateful=True, asks="session and user"),
    "tokenforge": Candidate(
        title="tokenforge",
        authentication="tokenforge.security.authentication.BearerTokenAuthentication",
        apps=("tokenforge",),
        settings={
            "TOKENFORGE": {"ACCESS_TOKEN_SIGNING_KEY": SECRET_KEY},
            "TOKENFORGE_TOKEN_MODEL": "tokenforge.RefreshToken",
        },
        login=logins.tokenforge_login,
        rotate=logins.tokenforge_rotate,
        asks="user, cached for 5 minutes",
    ),
    "session": Candidate(
        title="Django's sessions",
        authentication="rest_framework.authentication.SessionAuthentication",
        middleware=SESSIONS,
        login=logins.session_login,
        asks="session and user",
    ),
    "open-ninja": Candidate(title="Ninja, unprotected", framework="ninja"),
    "ironclad-ninja": _ironclad("ironclad, Ninja", authentication="django_ironclad.ninja.Bearer", framework="ninja"),
    "ninja-jwt": Candidate(
        title="django-ninja-jwt",
        authentication="ninja_jwt.authentication.JWTAuth",
        apps=("ninja_extra", "ninja_jwt"),
        framework="ninja",
        login=logins.ninja_jwt_login,
        asks="user",
    ),
    "open-plain": Candidate(title="Django view, unprotected", framework="plain"),
    "ironclad-plain": _ironclad("ironclad, middleware", authentication="", framework="plain"),
}
