"""How people log in with each candidate: the view that its own documentation gives, or shows how to write."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def _ironclad() -> Any:
    from django_ironclad.http.views import login

    return login.login


def _simplejwt() -> Any:
    from rest_framework_simplejwt.views import TokenObtainPairView

    return TokenObtainPairView.as_view()


def _drf_jwt() -> Any:
    from rest_framework_jwt.views import obtain_jwt_token

    return obtain_jwt_token


def _drf_token() -> Any:
    from rest_framework.authtoken.views import obtain_auth_token

    return obtain_auth_token


def _knox() -> Any:
    """https://jazzband.github.io/django-rest-knox/auth/: its login takes whom another class authenticated."""
    from knox.views import LoginView
    from rest_framework.authentication import BasicAuthentication

    return LoginView.as_view(authentication_classes=[BasicAuthentication])


def _tokenforge() -> Any:
    """It has no view for this; its README shows the two calls that one's own makes."""
    from django.contrib.auth import authenticate
    from rest_framework.response import Response
    from rest_framework.views import APIView
    from tokenforge.services.refresh import RefreshTokenService
    from tokenforge.tokens import AccessToken

    class Login(APIView):
        authentication_classes: list[Any] = []
        permission_classes: list[Any] = []

        def post(self, request: Any) -> Response:
            user = authenticate(request, username=request.data["username"], password=request.data["password"])
            assert user is not None
            refresh, _ = RefreshTokenService.create(user=user, fingerprint="")
            access, _ = AccessToken.create(user_id=str(user.pk), fingerprint="")
            return Response({"access": access, "refresh": refresh})

    return Login.as_view()


def _session() -> Any:
    """Django's own functions; its view is one for forms and redirects."""
    from django.contrib.auth import authenticate, login
    from django.http import HttpRequest, JsonResponse

    def view(request: HttpRequest) -> JsonResponse:
        body = json.loads(request.body)
        user = authenticate(request, username=body["username"], password=body["password"])
        assert user is not None
        login(request, user)
        return JsonResponse({"username": user.get_username()})

    return view


#: By candidate.
ENTRANCES: dict[str, Callable[[], Any]] = {
    "ironclad": _ironclad,
    "simplejwt": _simplejwt,
    "drf-jwt": _drf_jwt,
    "drf-token": _drf_token,
    "knox": _knox,
    "tokenforge": _tokenforge,
    "session": _session,
}
