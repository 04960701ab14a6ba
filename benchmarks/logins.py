"""A login and a refresh by each package's own functions below its views: they cost no password hash and no HTTP."""

from __future__ import annotations

from typing import Any

#: What a request carries (WSGI's names), and the refresh token that belongs to it.
Credentials = tuple[dict[str, str], str]


def bearer(token: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def ironclad_login(user: Any) -> Credentials:
    from django_ironclad import auth

    tokens = auth.login(user)
    return bearer(tokens.access_token), tokens.refresh_token


def ironclad_rotate(token: str) -> str:
    from django_ironclad import auth

    return auth.refresh(token).refresh_token


def simplejwt_login(user: Any) -> Credentials:
    from rest_framework_simplejwt.tokens import RefreshToken

    token = RefreshToken.for_user(user)
    return bearer(str(token.access_token)), str(token)


def simplejwt_rotate(token: str) -> str:
    from rest_framework_simplejwt.serializers import TokenRefreshSerializer

    serializer = TokenRefreshSerializer(data={"refresh": token})
    serializer.is_valid(raise_exception=True)
    return str(serializer.validated_data["refresh"])


def drf_jwt_login(user: Any) -> Credentials:
    from rest_framework_jwt.utils import jwt_create_payload, jwt_encode_payload

    return {"HTTP_AUTHORIZATION": "Bearer " + jwt_encode_payload(jwt_create_payload(user))}, ""


def knox_login(user: Any) -> Credentials:
    from knox.models import get_token_model

    return {"HTTP_AUTHORIZATION": "Token " + get_token_model().objects.create(user)[1]}, ""


def drf_token_login(user: Any) -> Credentials:
    from rest_framework.authtoken.models import Token

    return {"HTTP_AUTHORIZATION": "Token " + Token.objects.get_or_create(user=user)[0].key}, ""


def dj_rest_auth_login(user: Any) -> Credentials:
    from dj_rest_auth.utils import jwt_encode

    access, refresh = jwt_encode(user)
    return {"HTTP_COOKIE": f"access-token={access}"}, str(refresh)


def allauth_session(user: Any) -> Any:
    from django.contrib.auth import login
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    request = HttpRequest()
    request.session = SessionStore()
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return request.session


def allauth_login(user: Any) -> Credentials:
    # It names this module, and leaves it to others to import it.
    from allauth.headless.tokens.strategies.jwt import internal

    session = allauth_session(user)
    refresh = internal.create_refresh_token(user, session)
    access = internal.create_access_token(user, session, {})
    session.save()
    return bearer(access), refresh


def allauth_rotate(token: str) -> str:
    from allauth.headless.tokens.strategies.jwt.strategy import JWTTokenStrategy

    answer = JWTTokenStrategy().refresh_token(token)
    assert answer is not None
    return answer[1]


def ninja_jwt_login(user: Any) -> Credentials:
    from ninja_jwt.tokens import RefreshToken

    token = RefreshToken.for_user(user)
    return bearer(str(token.access_token)), str(token)


def tokenforge_login(user: Any) -> Credentials:
    from tokenforge.services.refresh import RefreshTokenService
    from tokenforge.tokens import AccessToken

    refresh, _ = RefreshTokenService.create(user=user, fingerprint="")
    access, _ = AccessToken.create(user_id=str(user.pk), fingerprint="")
    return bearer(access), refresh


def tokenforge_rotate(token: str) -> str:
    from tokenforge.services.refresh import RefreshTokenService

    return str(RefreshTokenService.rotate(raw_token=token, fingerprint="")[0])


def session_login(user: Any) -> Credentials:
    return {"HTTP_COOKIE": f"sessionid={allauth_session(user).session_key}"}, ""
