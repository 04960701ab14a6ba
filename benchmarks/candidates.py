"""Who is compared, each as its own documentation recommends for production: this file is all of their configuration.

A candidate lives in a process of its own, so nobody's settings or patches touch another. `login` and `rotate` are the
package's own functions below its views, so that no password hash and no HTTP is in what they cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

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


#: What a request carries (WSGI's names), and the refresh token that belongs to it.
Credentials = tuple[dict[str, str], str]


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


def bearer(token: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


# Ours.


def _ironclad_login(user: Any) -> Credentials:
    from django_ironclad import auth

    tokens = auth.login(user)
    return bearer(tokens.access_token), tokens.refresh_token


def _ironclad_rotate(token: str) -> str:
    from django_ironclad import auth

    return auth.refresh(token).refresh_token


def _ironclad(title: str, *, asks: str = "revocation in memory", **more: Any) -> Candidate:
    return Candidate(
        title=title,
        apps=("django_ironclad",),
        middleware=("django_ironclad.middleware.BearerMiddleware",),
        login=_ironclad_login,
        rotate=_ironclad_rotate,
        asks=asks,
        **{"authentication": "django_ironclad.drf.BearerAuthentication", **more},
    )


# The peers.


def _simplejwt_login(user: Any) -> Credentials:
    from rest_framework_simplejwt.tokens import RefreshToken

    token = RefreshToken.for_user(user)
    return bearer(str(token.access_token)), str(token)


def _simplejwt_rotate(token: str) -> str:
    from rest_framework_simplejwt.serializers import TokenRefreshSerializer

    serializer = TokenRefreshSerializer(data={"refresh": token})
    serializer.is_valid(raise_exception=True)
    return str(serializer.validated_data["refresh"])


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
        login=_simplejwt_login,
        rotate=_simplejwt_rotate,
        asks=asks,
    )


def _drf_jwt_login(user: Any) -> Credentials:
    from rest_framework_jwt.utils import jwt_create_payload, jwt_encode_payload

    return {"HTTP_AUTHORIZATION": "Bearer " + jwt_encode_payload(jwt_create_payload(user))}, ""


def _knox_login(user: Any) -> Credentials:
    from knox.models import get_token_model

    return {"HTTP_AUTHORIZATION": "Token " + get_token_model().objects.create(user)[1]}, ""


def _drf_token_login(user: Any) -> Credentials:
    from rest_framework.authtoken.models import Token

    return {"HTTP_AUTHORIZATION": "Token " + Token.objects.get_or_create(user=user)[0].key}, ""


def _dj_rest_auth_login(user: Any) -> Credentials:
    from dj_rest_auth.utils import jwt_encode

    access, refresh = jwt_encode(user)
    return {"HTTP_COOKIE": f"access-token={access}"}, str(refresh)


def _allauth_session(user: Any) -> Any:
    from django.contrib.auth import login
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    request = HttpRequest()
    request.session = SessionStore()
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return request.session


def _allauth_login(user: Any) -> Credentials:
    # It names this module, and leaves it to others to import it.
    from allauth.headless.tokens.strategies.jwt import internal

    session = _allauth_session(user)
    refresh = internal.create_refresh_token(user, session)
    access = internal.create_access_token(user, session, {})
    session.save()
    return bearer(access), refresh


def _allauth_rotate(token: str) -> str:
    from allauth.headless.tokens.strategies.jwt.strategy import JWTTokenStrategy

    answer = JWTTokenStrategy().refresh_token(token)
    assert answer is not None
    return answer[1]


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
        login=_allauth_login,
        rotate=_allauth_rotate,
        asks=asks,
    )


def _ninja_jwt_login(user: Any) -> Credentials:
    from ninja_jwt.tokens import RefreshToken

    token = RefreshToken.for_user(user)
    return bearer(str(token.access_token)), str(token)


def _tokenforge_login(user: Any) -> Credentials:
    from tokenforge.services.refresh import RefreshTokenService
    from tokenforge.tokens import AccessToken

    refresh, _ = RefreshTokenService.create(user=user, fingerprint="")
    access, _ = AccessToken.create(user_id=str(user.pk), fingerprint="")
    return bearer(access), refresh


def _tokenforge_rotate(token: str) -> str:
    from tokenforge.services.refresh import RefreshTokenService

    return str(RefreshTokenService.rotate(raw_token=token, fingerprint="")[0])


def _session_login(user: Any) -> Credentials:
    return {"HTTP_COOKIE": f"sessionid={_allauth_session(user).session_key}"}, ""


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
        asks="session and user, 1 query",
    ),
    "simplejwt": _simplejwt("simplejwt", "JWTAuthentication", "user, 1 query"),
    "simplejwt-stateless": _simplejwt("simplejwt, stateless", "JWTStatelessUserAuthentication", "nothing"),
    "drf-jwt": Candidate(
        title="drf-jwt",
        authentication="rest_framework_jwt.authentication.JSONWebTokenAuthentication",
        apps=("rest_framework_jwt",),
        login=_drf_jwt_login,
        asks="user, 1 query",
    ),
    "knox": Candidate(
        title="knox",
        authentication="knox.auth.TokenAuthentication",
        apps=("knox",),
        login=_knox_login,
        asks="token and user, 1 query",
    ),
    "drf-token": Candidate(
        title="DRF TokenAuthentication",
        authentication="rest_framework.authentication.TokenAuthentication",
        apps=("rest_framework.authtoken",),
        login=_drf_token_login,
        asks="token and user, 1 query",
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
        login=_dj_rest_auth_login,
        rotate=_simplejwt_rotate,
        asks="user, 1 query",
    ),
    "allauth": _allauth("allauth headless JWT, RS256", stateful=False, asks="nothing"),
    "allauth-stateful": _allauth("allauth headless JWT, stateful", stateful=True, asks="session and user, 2 queries"),
    "tokenforge": Candidate(
        title="tokenforge",
        authentication="tokenforge.security.authentication.BearerTokenAuthentication",
        apps=("tokenforge",),
        settings={
            "TOKENFORGE": {"ACCESS_TOKEN_SIGNING_KEY": SECRET_KEY},
            "TOKENFORGE_TOKEN_MODEL": "tokenforge.RefreshToken",
        },
        login=_tokenforge_login,
        rotate=_tokenforge_rotate,
        asks="user, cached for a minute",
    ),
    "session": Candidate(
        title="Django's sessions",
        authentication="rest_framework.authentication.SessionAuthentication",
        middleware=SESSIONS,
        login=_session_login,
        asks="session and user, 2 queries",
    ),
    "open-ninja": Candidate(title="Ninja, unprotected", framework="ninja"),
    "ironclad-ninja": _ironclad("ironclad, Ninja", authentication="django_ironclad.ninja.Bearer", framework="ninja"),
    "ninja-jwt": Candidate(
        title="django-ninja-jwt",
        authentication="ninja_jwt.authentication.JWTAuth",
        apps=("ninja_extra", "ninja_jwt"),
        framework="ninja",
        login=_ninja_jwt_login,
        asks="user, 1 query",
    ),
    "open-plain": Candidate(title="Django view, unprotected", framework="plain"),
    "ironclad-plain": _ironclad("ironclad, middleware", authentication="", framework="plain"),
}
