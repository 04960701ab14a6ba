"""drf-jwt's three views: one token in, one token out, and 400 for every refusal of either."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from ... import auth, http
from ...conf import get_settings
from ...errors import InvalidCredentials, IroncladError, OriginNotAllowed
from ...http import answers, endpoint

CLIENT_ID: Final = "drf-jwt"
#: How long after the login a token can still be exchanged, as JWT_REFRESH_EXPIRATION_DELTA was.
REFRESH_LIMIT: Final = timedelta(days=7)


MISSING: Final = ["This field is required."]


def _refuse(error: IroncladError) -> HttpResponse:
    # Which no client of drf-jwt meets.
    if error.retry_after or isinstance(error, OriginNotAllowed):
        return answers.error_answer(error)
    wrong = isinstance(error, InvalidCredentials)
    sentence = "Unable to log in with provided credentials." if wrong else error.description
    return JsonResponse({"non_field_errors": [sentence]}, status=400)


@endpoint(_refuse)
@require_POST
def obtain(request: HttpRequest) -> HttpResponse:
    """User name and password for an access token; there is no refresh token."""
    body = http.read_body(request)
    missing = {name: MISSING for name in (get_user_model().USERNAME_FIELD, "password") if name not in body}
    if missing:
        return JsonResponse(missing, status=400)
    username, password = http.username_and_password(body)
    tokens = auth.login_by_password(
        request,
        username=username,
        password=password,
        client_id=CLIENT_ID,
        access_lifetime=get_settings().DRF_JWT_TOKEN_LIFETIME,
        session_lifetime=REFRESH_LIMIT,
    )
    return JsonResponse({"token": tokens.access_token})


@endpoint(_refuse)
@require_POST
def refresh(request: HttpRequest) -> HttpResponse:
    """An unexpired token whose session began here, for a new one."""
    token = http.text(http.read_body(request), "token")
    tokens = auth.reissue(token, client_id=CLIENT_ID, access_lifetime=get_settings().DRF_JWT_TOKEN_LIFETIME)
    return JsonResponse({"token": tokens.access_token})


@endpoint(_refuse)
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """The token itself, if it is good."""
    token = http.text(http.read_body(request), "token")
    auth.authenticate(token, strict=True)
    return JsonResponse({"token": token})
