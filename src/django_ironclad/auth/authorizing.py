"""What a verified token is good for: the session behind it, the groups of its user, and what a view asks for."""

from __future__ import annotations

import time
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError

from ..database import database_needed
from ..errors import InvalidToken
from ..keyring import get_verifier
from ..models import Session, reason_of
from ..requirements import Requirement
from ..sessions import standing
from ..tokens import AccessToken
from ..user_model import naming


def session_of(access: AccessToken) -> Session:
    """The living session of this token, with its user and groups, in one statement.

    Raises InvalidToken, TemporarilyUnavailable.
    """
    try:
        with database_needed():
            session = standing.find(access.sid)
    except (Session.DoesNotExist, ValidationError):
        raise InvalidToken("no such session", reason="session_unknown") from None
    over = session.why_over()
    if over:
        raise InvalidToken(f"the session is over: {over}", reason=reason_of(over))
    if access.sub != naming.key_text(session.user_id):
        raise InvalidToken("another user's session", reason="subject")
    return session


def groups(request: Any) -> tuple[str, ...]:
    """The names of the groups of whoever sent this request, however many they are.

    What the access token says, without a query; where it leaves them out, the row's, by the strict check; without an
    access token, those of `request.user`. Raises InvalidToken, TemporarilyUnavailable.
    """
    token = getattr(request, "auth", None)
    if isinstance(token, AccessToken):
        return groups_of(token)
    if not request.user.is_authenticated:
        return ()
    with database_needed():
        return tuple(standing.group_names(request.user))


async def agroups(request: Any) -> tuple[str, ...]:
    """As `groups`, on the event loop: a thread is asked only where the token does not say."""
    token = getattr(request, "auth", None)
    if isinstance(token, AccessToken) and not token.groups_left_out:
        return token.groups
    return await sync_to_async(groups)(request)


def groups_of(token: AccessToken) -> tuple[str, ...]:
    """As `groups`, by the token alone."""
    return tuple(session_of(token).group_names) if token.groups_left_out else token.groups


def authorize(user: Any, token: object, *requirements: Requirement) -> None:
    """Return if `user`, by `token`, may do what needs all of this. One who came without an access token may not.

    Raises MissingToken, InsufficientScope, AccessDenied, InsufficientUserAuthentication; where the database is asked,
    InvalidToken and TemporarilyUnavailable.
    """
    leeway = get_verifier().leeway
    for requirement in requirements:
        requirement.check(user, token, now=time.time(), leeway=leeway, groups_of=groups_of)


async def aauthorize(user: Any, token: object, *requirements: Requirement) -> None:
    """As `authorize`, on the event loop: a thread is asked for what only the database knows."""
    if any(requirement.asks_database(token) for requirement in requirements):
        await sync_to_async(authorize)(user, token, *requirements)
    else:
        authorize(user, token, *requirements)
