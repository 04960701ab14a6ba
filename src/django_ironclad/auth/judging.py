"""What an access token is worth now: verified, its session alive, its user known."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async

from .. import sessions
from ..database import database_needed
from ..errors import InvalidToken, IroncladError
from ..keyring import get_verifier
from ..realms import current_realm
from ..sessions import RevokedSessions, TokenResponse, ended_sessions, issuing, revoked_sessions
from ..tokens import AccessToken
from ..users import LazyUser
from .authorizing import session_of


def _itself(error: IroncladError) -> Exception:
    return error


def verify(token: str) -> AccessToken:
    """The access token, if its signature, issuer, audience and time hold. No I/O: its session may have ended since.

    Raises InvalidToken; UnknownKey, which is one, when the token is not of our making at all.
    """
    access = get_verifier().verify(token, now=time.time())
    if access.realm and access.realm != current_realm():
        raise InvalidToken("of another realm", reason="realm")
    return access


def authenticate(
    token: str, *, strict: bool = False, refusal: Callable[[IroncladError], Any] = _itself
) -> tuple[Any, AccessToken]:
    """The user and the access token of a session that lives.

    By default without a query: the user is lazy, and a session that ended is known within two `REVOCATION_INTERVAL`s.
    `strict` asks the database, session joined with user, in one query: nothing is stale, groups and scope neither.
    `refusal` turns our error into the one that the framework answers, or into who stands in, should the lazy user be
    gone. Raises InvalidToken, TemporarilyUnavailable.
    """
    access = verify(token)
    if strict:
        session = session_of(access)
        return session.user, issuing.renew(access, session)
    # Without a call where there are no realms.
    ended = ended_sessions(access.realm) if access.realm else revoked_sessions
    if ended.is_due():
        ended.freshen()
    return _lazy(access, ended, refusal)


async def aauthenticate(
    token: str, *, strict: bool = False, refusal: Callable[[IroncladError], Any] = _itself
) -> tuple[Any, AccessToken]:
    """As `authenticate`, on the event loop: a thread is asked for the strict check only, and once an interval."""
    if strict:
        return await sync_to_async(authenticate)(token, strict=True)
    access = verify(token)
    ended = ended_sessions(access.realm) if access.realm else revoked_sessions
    if ended.is_due():
        await sync_to_async(ended.freshen)()
    return _lazy(access, ended, refusal)


def glance(token: str, *, refusal: Callable[[IroncladError], Any] = _itself) -> tuple[Any, AccessToken]:
    """As `authenticate`, without any I/O: the session has not ended, as far as this process knows."""
    access = verify(token)
    return _lazy(access, ended_sessions(access.realm), refusal)


def _lazy(
    access: AccessToken, ended: RevokedSessions, refusal: Callable[[IroncladError], Any]
) -> tuple[LazyUser, AccessToken]:
    if access.sid in ended:
        raise InvalidToken("the session has ended", reason="session_ended")
    return LazyUser(access, refusal=refusal), access


def recheck(access: AccessToken) -> None:
    """Return if what was a good token still is, as far as this process knows. No I/O. Raises InvalidToken."""
    get_verifier().recheck(access, now=time.time())
    if access.sid in ended_sessions(access.realm):
        raise InvalidToken("the session has ended", reason="session_ended")


def reissue(token: str, *, client_id: str, access_lifetime: timedelta) -> TokenResponse:
    """A new access token for one that still holds, in contracts that know no refresh token.

    Only of a session that began with this client: else any stolen access token would live as long as its session.
    Raises InvalidToken, TemporarilyUnavailable.
    """
    access = verify(token)
    if access.client_id != client_id:
        raise InvalidToken("its session began with another client", reason="client")
    session = session_of(access)
    with database_needed():
        sessions.follow_secret_key(session)
    return issuing.issue(session, session.user, session.group_names, lifetime=access_lifetime)
