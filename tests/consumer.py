"""A project's own code, as mypy reads it in `scripts/check`: the package returns the types that it documents."""

from __future__ import annotations

from typing import assert_type

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from django_ironclad import auth, sessions
from django_ironclad.decorators import requires, strict
from django_ironclad.errors import InvalidToken
from django_ironclad.tokens import AccessToken


def log_in(user: User) -> str:
    response = auth.login(user)
    assert_type(response.access_token, str)
    assert_type(auth.refresh(response.access_token).expires_in, int)
    return response.access_token


def who(token: str) -> str:
    try:
        access = auth.verify(token)
    except InvalidToken:
        return ""
    assert_type(access, AccessToken)
    assert_type(access.scope, frozenset[str])
    return access.sub


def log_out_everywhere(user: User) -> None:
    assert_type(sessions.revoke_all(user, reason="asked"), int)


@requires(scope="grades:read")
def grades(request: HttpRequest, year: int) -> HttpResponse:
    return HttpResponse(f"{request.user} {year}")


# A decorated view keeps its own signature.
assert_type(grades(HttpRequest(), 2026), HttpResponse)
assert_type(strict(grades)(HttpRequest(), year=2026), HttpResponse)
