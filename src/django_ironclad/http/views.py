"""The endpoints: plain Django views, one set for every framework."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_http_methods, require_POST, require_safe

from .. import auth
from .. import sessions as sessions_of
from ..auth.pages import require_page
from ..conf import get_key_ring
from ..devices import device_name
from ..errors import NotFound
from ..models import Session
from ..sessions import standing
from ..tokens import AccessToken
from ..user_model import naming
from ..users import passwords
from . import cookie, credentials
from .answers import endpoint, token_answer
from .border import look_at_page
from .origin import check_cookie_gates
from .transports import login_transport, refresh_token


@endpoint()
@require_POST
def login(request: HttpRequest) -> HttpResponse:
    body = credentials.read_body(request)
    look_at_page(request)
    transport = login_transport(body)
    require_page(request, transport)
    scope = credentials.requested_scope(body)
    username, password = credentials.credentials(body)
    tokens = auth.login_by_password(request, username=username, password=password, transport=transport, scope=scope)
    return token_answer(tokens)


@endpoint()
@require_POST
def refresh(request: HttpRequest) -> HttpResponse:
    token, transport = refresh_token(request, credentials.read_body(request))
    if not token:
        raise cookie.no_refresh_token(request)
    return token_answer(auth.refresh(token, transport=transport))


@endpoint()
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    token, transport = refresh_token(request, credentials.read_body(request))
    auth.logout(token, request=request, transport=transport)
    response = HttpResponse(status=204)
    if transport == "cookie":
        cookie.delete_cookie(response)
    return response


@endpoint()
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    user, _ = _whose(request)
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
@require_http_methods(["GET", "HEAD", "DELETE"])
def sessions(request: HttpRequest) -> HttpResponse:
    """My devices; DELETE ends all of them but this one."""
    user, token = _whose(request)
    if request.method == "DELETE":
        sessions_of.revoke_all(user, reason="user", keep=token.sid)
        return HttpResponse(status=204)
    living = Session.objects.live().unexpired().filter(user=user).order_by("-rotated_at")
    return JsonResponse({"sessions": [_describe(session, current=token.sid) for session in living]})


@endpoint()
@require_http_methods(["DELETE"])
def session(request: HttpRequest, sid: str) -> HttpResponse:
    """End one of my sessions. 204 also where it has ended before; another's is 404, as is one that nobody has."""
    user, _ = _whose(request)
    try:
        mine = Session.objects.get(pk=sid, user=user)
    except (Session.DoesNotExist, ValidationError):
        raise NotFound from None
    sessions_of.revoke(mine, reason="user")
    return HttpResponse(status=204)


@endpoint()
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """A new password, for who knows the old one. Every other session ends, this one gets new tokens."""
    session = _session_of(request)
    body = credentials.read_body(request)
    old, new = credentials.password(body, "old_password"), credentials.password(body, "new_password")
    return token_answer(passwords.change(session, old=old, new=new, request=request))


@endpoint()
@require_POST
def reauthenticate(request: HttpRequest) -> HttpResponse:
    """The password once more, for what asks for a recent login: new tokens of the same session (RFC 9470)."""
    session = _session_of(request)
    given = credentials.password(credentials.read_body(request), "password")
    # As they were when the password was right: who has another one by now has proved nothing.
    session.user = passwords.confirm(session.user, password=given, request=request)
    return token_answer(auth.reauthenticate(session, amr=auth.BY_PASSWORD))


def _session_of(request: HttpRequest) -> Session:
    """The session of this request, whose refresh token is about to be replaced.

    Raises InvalidToken, OriginNotAllowed, TemporarilyUnavailable.
    """
    session = auth.session_of(auth.verify(credentials.required_token(request)))
    if session.transport == "cookie":
        check_cookie_gates(request)
    return session


def _text(user: Any, name: str) -> str:
    """What the user model says by this name, "" where it says nothing."""
    value = getattr(user, name, None)
    return "" if value is None else str(value)


def _whose(request: HttpRequest) -> tuple[Any, AccessToken]:
    """The user and the token of this request, strictly checked. Raises InvalidToken."""
    return auth.authenticate(credentials.required_token(request), strict=True)


def _describe(session: Session, *, current: str) -> dict[str, object]:
    return {
        "id": session.pk,
        "device": device_name(session.user_agent),
        "ip_address": session.ip_address,
        "created_at": session.created_at,
        "last_used_at": session.rotated_at,
        "current": str(session.pk) == current,
    }


def _jwks_etag(request: HttpRequest) -> str:
    kids = " ".join(key.kid for key in get_key_ring().keys)
    return f'"{hashlib.sha256(kids.encode()).hexdigest()[:32]}"'


@endpoint()
@require_safe
@cache_control(public=True, max_age=300)
@condition(etag_func=_jwks_etag)
def jwks(request: HttpRequest) -> HttpResponse:
    return JsonResponse(get_key_ring().jwks(), content_type="application/jwk-set+json")
