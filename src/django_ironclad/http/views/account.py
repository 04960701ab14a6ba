"""Who I am, a new password, and the old one once more."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from ... import auth
from ...models import Session, auth_hashes
from ...sessions import standing
from ...user_model import naming
from ...users import passwords
from .. import credentials
from ..answers import token_answer
from ..bearer import required_token
from ..body import read_body
from ..border import endpoint, whose
from ..origin import check_cookie_gates


@endpoint()
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    user, _ = whose(request)
    return JsonResponse(
        {
            "id": naming.key_json(user.pk),
            "username": naming.name_text(user),
            "email": _text(user, user.get_email_field_name()),
            "first_name": _text(user, "first_name"),
            "last_name": _text(user, "last_name"),
            "groups": standing.group_names(user),
        }
    )


@endpoint()
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """A new password, for who knows the old one. Every other session ends, this one gets new tokens."""
    session = _session_of(request)
    body = read_body(request)
    old, new = credentials.password(body, "old_password"), credentials.password(body, "new_password")
    return token_answer(passwords.change(session, old=old, new=new, request=request))


@endpoint()
@require_POST
def reauthenticate(request: HttpRequest) -> HttpResponse:
    """The password once more, for what asks for a recent login: new tokens of the same session (RFC 9470)."""
    session = _session_of(request)
    given = credentials.password(read_body(request), "password")
    # The row has to say the same: a password that has changed meanwhile, or that only a replica knew, proves nothing.
    session.user = passwords.confirm(session.user, password=given, request=request)
    session.auth_hash = auth_hashes(session.user)[0]
    return token_answer(auth.reauthenticate(session, amr=auth.BY_PASSWORD))


def _session_of(request: HttpRequest) -> Session:
    """The session of this request, whose refresh token is about to be replaced.

    Raises InvalidToken, OriginNotAllowed, TemporarilyUnavailable.
    """
    session = auth.session_of(auth.verify(required_token(request)))
    if session.transport == "cookie":
        check_cookie_gates(request)
    return session


def _text(user: Any, name: str) -> str:
    """What the user model says by this name, "" where it says nothing."""
    value = getattr(user, name, None)
    return "" if value is None else str(value)
