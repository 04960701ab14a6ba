"""The session at hand goes on: with a new password, with claims of its own, by another access token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError

from .. import sessions
from ..database import database_needed, home, in_line
from ..errors import InvalidToken, MissingToken
from ..models import Session, auth_hashes
from ..sessions import TokenResponse, issuing, payload, refresh, standing
from ..tokens import AccessToken
from ..users import at_hand
from .authorizing import session_of
from .pages import require_page


def check_page(request: Any) -> None:
    """Return if the session of this request lives, and this page may be answered new refresh tokens of it. One query.

    For a view that changes something and then answers such tokens: what is refused has then changed nothing. Raises
    MissingToken, InvalidToken, OriginNotAllowed, TemporarilyUnavailable; ImproperlyConfigured as `token_response`.
    """
    require_page(request, session_of(_access(request)).transport)


def update_session_auth_hash(request: Any, user: Any) -> TokenResponse:
    """Let the session of this request go on after its user's password has changed; every other session ends.

    Call `check_page` before the password changes. The session gets a new seed, so whoever else holds a refresh token of
    it holds nothing: answer the new tokens by `token_response`, or the client is signed out a minute later. Raises
    MissingToken, InvalidToken, OriginNotAllowed, TemporarilyUnavailable.
    """
    access = _access(request)
    with database_needed():
        try:
            session = standing.find(access.sid)
        except (Session.DoesNotExist, ValidationError):
            raise InvalidToken("no such session") from None
        if (over := session.why_over()) not in {"", "password_changed"}:
            raise InvalidToken(f"the session is over: {over}")
        if not session.user_id == user.pk:
            raise InvalidToken("another user's session")
        require_page(request, session.transport)
        # Those that no signal has ended, after an `update()`.
        sessions.revoke_outdated(session.user, keep=access.sid)
        response = refresh.renew(session, auth_hash=auth_hashes(session.user)[0])
    at_hand.settle(request)
    return response


def _access(request: Any) -> AccessToken:
    access = getattr(request, "auth", None)
    if not isinstance(access, AccessToken):
        raise MissingToken
    return access


def amend(access: AccessToken, claims: Mapping[str, Any]) -> TokenResponse:
    """Give the session of this token other claims of its own, and the client an access token that says them.

    They take the place of those that it had: at most 2 KiB as JSON. Raises ValueError for what no session can claim,
    InvalidToken, TemporarilyUnavailable.
    """
    session = session_of(access)
    session.claims = payload.session_claims(claims)
    response = _issue(access, session)
    with database_needed():
        living = Session.objects.live().filter(pk=session.pk)
        if not in_line(partial(living.update, claims=session.claims), using=home()):
            raise InvalidToken("the session has ended meanwhile")
    return response


def issue(access: AccessToken) -> TokenResponse:
    """Another access token of the same session, which says what is true now; no session begins, none goes on longer.

    It is over when `access` is: else a stolen access token would live as long as its session. Raises InvalidToken,
    TemporarilyUnavailable.
    """
    return _issue(access, session_of(access))


def _issue(access: AccessToken, session: Session) -> TokenResponse:
    left = access.exp - int(time.time())
    if left < 1:
        raise InvalidToken("expired")
    return issuing.issue(session, session.user, session.group_names, lifetime=timedelta(seconds=left))
