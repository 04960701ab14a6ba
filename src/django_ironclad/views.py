"""The endpoints: plain Django views, one set for every framework."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_POST, require_safe

from . import auth, http
from .answers import endpoint, token_answer
from .conf import get_key_ring
from .errors import InvalidRequest, MissingToken


@endpoint()
@require_POST
def login(request: HttpRequest) -> HttpResponse:
    body = http.read_body(request)
    transport = http.login_transport(body)
    previous = http.refresh_cookie(request) if transport == "cookie" else ""
    username, password = http.credentials(body)
    user = auth.check_credentials(request, username=username, password=password)
    tokens = auth.login(user, request=request)
    if previous:
        auth.logout(previous, request=request, reason="replaced")
    return token_answer(tokens, transport)


@endpoint()
@require_POST
def refresh(request: HttpRequest) -> HttpResponse:
    token, transport = http.refresh_token(request, http.read_body(request))
    if not token:
        raise InvalidRequest("no refresh token", description='"refresh_token" is required, in the body or by cookie.')
    return token_answer(auth.refresh(token), transport)


@endpoint()
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    token, transport = http.refresh_token(request, http.read_body(request))
    auth.logout(token, request=request)
    response = HttpResponse(status=204)
    if transport == "cookie":
        http.delete_cookie(response)
    return response


@endpoint()
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    token = http.bearer_token(request)
    if not token:
        raise MissingToken
    user, _ = auth.authenticate(token, strict=True)
    return JsonResponse(
        {
            "id": user.pk,
            "username": user.get_username(),
            "email": getattr(user, user.get_email_field_name(), ""),
            "first_name": getattr(user, "first_name", ""),
            "last_name": getattr(user, "last_name", ""),
            "groups": auth.group_names(user),
        }
    )


def _jwks_etag(request: HttpRequest) -> str:
    kids = " ".join(key.kid for key in get_key_ring().keys)
    return f'"{hashlib.sha256(kids.encode()).hexdigest()[:32]}"'


@endpoint()
@require_safe
@cache_control(public=True, max_age=300)
@condition(etag_func=_jwks_etag)
def jwks(request: HttpRequest) -> HttpResponse:
    return JsonResponse(get_key_ring().jwks(), content_type="application/jwk-set+json")
