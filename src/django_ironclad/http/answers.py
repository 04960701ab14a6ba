"""How answers leave: tokens and refusals, their headers, and what the log hears of them."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers

from ..conf import get_settings
from ..devices import printable
from ..errors import IroncladError, MissingToken, RefreshTokenReplaced
from ..sessions import TokenResponse
from . import cookie

logger = logging.getLogger("django_ironclad")


def token_answer(tokens: TokenResponse) -> HttpResponse:
    """200 with the tokens: the refresh token leaves the way it is to travel, and no other."""
    body: dict[str, Any] = {
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "username": tokens.username,
    }
    if tokens.scope:
        body["scope"] = tokens.scope
    if tokens.transport == "body" and tokens.refresh_token:
        body["refresh_token"] = tokens.refresh_token
    response = JsonResponse(body)
    if tokens.transport == "cookie" and tokens.refresh_token and not tokens.held:
        cookie.set_cookie(response, tokens.refresh_token, max_age=get_settings().REFRESH_TOKEN_LIFETIME)
    return response


def refuse(error: IroncladError) -> HttpResponse:
    """The error's answer; the log hears the reason."""
    log(error)
    return error_answer(error)


def error_answer(error: IroncladError) -> HttpResponse:
    """The error as the client hears it: little, and with `DEBUG` which setting to look at."""
    body = error_body(error)
    if error.hint and django_settings.DEBUG:
        body["error_description"] = f"{error.description} {error.hint}"
    return JsonResponse(body, status=error.status, headers=error_headers(error))


def error_body(error: IroncladError) -> dict[str, str | int]:
    body = {"error": error.code, "error_description": error.description, **error.parameters}
    # A page of another origin sees no Retry-After, unless CORS exposes it.
    return body | {"retry_after": error.retry_after} if error.retry_after else body


def error_headers(error: IroncladError) -> dict[str, str]:
    """Among them the challenge (RFC 6750 §3), without `error` where no credentials came."""
    headers = {"Cache-Control": "no-store"}
    if error.retry_after:
        headers["Retry-After"] = str(error.retry_after)
    if error.status in (401, 403):
        headers["WWW-Authenticate"] = challenge(error)
        headers["Vary"] = "Authorization"
    return headers


def challenge(error: IroncladError) -> str:
    if isinstance(error, MissingToken):
        return 'Bearer realm="api"'
    attributes = {"realm": "api", **error_body(error)}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in attributes.items())


def log(error: IroncladError) -> None:
    """One line with the private reason, which holds nothing that the client sent but an Origin as browsers write it."""
    trouble = error.status >= 500 and not isinstance(error, RefreshTokenReplaced)
    level = logging.WARNING if trouble or error.hint else logging.INFO
    reason = printable(str(error))
    logger.log(level, "refused %s: %s", error.code, reason, exc_info=error if trouble else None)


def protect(response: HttpResponse) -> HttpResponse:
    """Nobody sniffs an answer of ours, nor, unless it is public, stores or embeds it (RFC 6749 §5.1, ASVS 14.3.2)."""
    response["X-Content-Type-Options"] = "nosniff"
    if "public" not in response.get("Cache-Control", ""):
        response["Cache-Control"] = "no-store"
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        patch_vary_headers(response, ("Authorization", "Cookie", "Origin", "Sec-Fetch-Site"))
    return response
