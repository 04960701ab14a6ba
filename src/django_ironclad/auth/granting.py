"""Login, refresh, logout, and a login confirmed: what gives tokens, and takes them back (RFC 6749)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from .. import sessions, signals
from ..conf import Transport
from ..database import database_needed
from ..errors import InvalidCredentials, InvalidGrant, RefreshTokenReplaced, UserChanged
from ..models import Session
from ..realms import enter
from ..sessions import TokenResponse, issuing, require_grant, standing, starting
from ..sessions import refresh as refresh_tokens
from ..tokens import AccessToken
from ..users import last_login, passwords, shown
from .authorizing import session_of
from .pages import replaced_token, transport_of

FIRST_PARTY: Final = "first-party"
#: `amr` of a password (RFC 8176 §2).
BY_PASSWORD: Final = ("pwd",)


def login(
    user: Any,
    *,
    request: HttpRequest | None = None,
    client_id: str = FIRST_PARTY,
    transport: Transport | None = None,
    access_lifetime: timedelta | None = None,
    session_lifetime: timedelta | None = None,
    scope: str = "",
    amr: Sequence[str] = (),
    claims: Mapping[str, Any] | None = None,
) -> TokenResponse:
    """Start a session for somebody who has proved who they are, by the methods `amr` (RFC 8176).

    `request` tells the device. By `transport` its refresh tokens travel, as long as it lives: by default as the body of
    the request says, in a view under `token_endpoint`, else in the body. The lifetimes take the place of the settings'.
    `scope` narrows what `SCOPES` grants, for as long. `claims` are its own, until `amend`: at most 2 KiB as JSON.

    Raises InvalidCredentials for an inactive user; UserChanged, which is one, when `user` is another one in the
    database by now; InvalidScope, OriginNotAllowed, TemporarilyUnavailable; ValueError for claims of no session.
    """
    if request is not None:
        enter(request)
    transport = transport_of(request, transport)
    if not hasattr(user, "is_active"):
        raise TypeError(f"a login is a user's, not that of a {type(user).__name__}")
    if not user.is_active:
        raise InvalidCredentials("the user is inactive", reason="user_inactive")
    with database_needed():
        if scope:
            require_grant(user, standing.group_names(user), scope)
        row = starting.row(user, request, client_id=client_id, transport=transport, scope=scope, amr=amr, claims=claims)
        with starting.new_session(row, lifetime=session_lifetime) as session, _announced(session, request) as now:
            first = refresh_tokens.first(session)
            # What a token says of its user is read where it is written: `user` may come from a replica.
            response = issuing.issue(session, now.user, now.group_names, lifetime=access_lifetime, refresh_token=first)
    if transport == "cookie" and (previous := replaced_token(request)):
        with suppress(RefreshTokenReplaced):
            logout(previous, request=request, transport="cookie", reason="replaced")
    return response


@contextmanager
def _announced(session: Session, request: HttpRequest | None) -> Iterator[Session]:
    """Receivers hear that the user of `session` has logged in; then it is as it stands. Raises UserChanged."""
    user = session.user
    with shown(request, user, stays=True) as heard:
        with last_login.login_of_ours():
            user_logged_in.send(sender=user.__class__, request=heard, user=user)
        yield _as_it_stands(session)


def _as_it_stands(session: Session) -> Session:
    """The session once more, with the groups into which a receiver may have put its user. Raises UserChanged.

    Django's receiver waits for whoever is changing the user, and may have waited for the end of this session. That is
    asked where users have no groups, too.
    """
    try:
        now = standing.find(str(session.pk))
    except Session.DoesNotExist:
        raise UserChanged("the session is gone") from None
    if over := now.why_over():
        raise UserChanged(f"the session is over: {over}")
    return now


@sensitive_variables()
def login_by_password(request: HttpRequest, *, username: str, password: str, **how: Any) -> TokenResponse:
    """Start a session for whoever Django's authentication backends know by this password; `how` is as for `login`.

    Raises InvalidCredentials, RateLimited, InvalidScope, TemporarilyUnavailable.
    """
    for tries_left in (1, 0):
        user = passwords.check_credentials(request, username=username, password=password)
        try:
            return login(user, request=request, amr=BY_PASSWORD, **how)
        except UserChanged:
            # What has changed the user may have been another login, which made a better hash of the same password.
            if not tries_left:
                raise
    raise AssertionError


def refresh(refresh_token: str, *, transport: Transport | None = None) -> TokenResponse:
    """Exchange a refresh token for new tokens; with `transport`, only one of a session whose tokens travel so.

    Raises InvalidGrant, TemporarilyUnavailable, and RuntimeError inside a transaction.
    """
    with database_needed():
        return refresh_tokens.rotate(refresh_token, transport=transport)


def logout(
    refresh_token: str,
    *,
    request: HttpRequest | None = None,
    transport: Transport | None = None,
    reason: str = "logout",
) -> None:
    """End the session of any authentic refresh token; for any other, nothing (RFC 7009 §2.2).

    With `transport`, only a session whose tokens travel so. Raises TemporarilyUnavailable, of which
    RefreshTokenReplaced is one.
    """
    if request is not None:
        enter(request)
    with database_needed():
        try:
            session = refresh_tokens.find_session(refresh_token, transport=transport)
        except InvalidGrant:
            return
    end(session, request=request, reason=reason)


def end(session: Session, *, request: HttpRequest | None = None, reason: str = "logout") -> None:
    """Log the user of `session` out, unless it has ended before. Receivers still see whose the request was."""
    with database_needed():
        ended = sessions.revoke(session, reason=reason)
    if ended and (user := session.user) is not None:
        with shown(request, user, stays=False) as heard:
            user_logged_out.send(sender=user.__class__, request=heard, user=user)


def reauthenticate(access: AccessToken | Session, *, amr: Sequence[str] = ()) -> TokenResponse:
    """New tokens of the same session, whose person has just proved once more who they are, by `amr` (ASVS 7.2.4).

    Every refresh token of it that somebody holds is worth nothing from now on: answer with the one in here. Raises
    InvalidToken, TemporarilyUnavailable.
    """
    session = access if isinstance(access, Session) else session_of(access)
    session.auth_time, session.amr = starting.proved_now(), " ".join(amr)
    with database_needed():
        response = refresh_tokens.renew(session, auth_time=session.auth_time, amr=session.amr)
    sessions.tell(signals.session_reauthenticated, "session_reauthenticated", session)
    return response
