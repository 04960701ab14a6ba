"""Login, refresh, logout, verify, authenticate: what every view and every framework's adapter calls."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib.auth import authenticate as django_authenticate
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import InterfaceError, OperationalError, router, transaction
from django.http import HttpRequest

from . import refresh as refresh_tokens
from . import sessions, tokens
from .conf import get_key_ring, get_settings
from .devices import client_address
from .errors import (
    InvalidCredentials,
    InvalidGrant,
    InvalidRequest,
    InvalidToken,
    IroncladError,
    RateLimited,
    TemporarilyUnavailable,
    WrongPassword,
)
from .models import Session
from .revocation import revoked_sessions
from .tokens import AccessToken
from .users import LazyUser

FIRST_PARTY: Final = "first-party"


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """What login and refresh answer (RFC 6749 §5.1). The tokens stay out of `repr`, and so out of logs."""

    access_token: str = field(repr=False)
    #: Seconds that the access token lives.
    expires_in: int
    username: str
    #: "" when none is given out this time.
    refresh_token: str = field(default="", repr=False)
    #: The client sent this very refresh token: nothing to store anew.
    held: bool = False


def _itself(error: IroncladError) -> Exception:
    return error


def check_credentials(request: HttpRequest | None, *, username: str, password: str) -> AbstractBaseUser:
    """The user whom Django's authentication backends know by this password. Raises InvalidCredentials, RateLimited."""
    with _database():
        # By the name of its field, as django-axes and most backends look for it.
        user = django_authenticate(request, **{get_user_model().USERNAME_FIELD: username}, password=password)
    if user is not None:
        return user
    if wait := getattr(request, "ironclad_retry_after", 0):
        # Or AxesMiddleware would answer in our place, without the time to wait.
        vars(request).pop("axes_locked_out", None)
        raise RateLimited("an authentication backend has had enough", retry_after=wait)
    raise InvalidCredentials("refused by the authentication backends")


def login(
    user: Any,
    *,
    request: HttpRequest | None = None,
    client_id: str = FIRST_PARTY,
    access_lifetime: timedelta | None = None,
    session_lifetime: timedelta | None = None,
) -> TokenResponse:
    """Start a session for somebody who has proved who they are, however that was done.

    `request` tells the device; the lifetimes shorten or lengthen what the settings say, for this session's client.
    Raises InvalidCredentials for an inactive user, TemporarilyUnavailable.
    """
    if not user.is_active:
        raise InvalidCredentials("the user is inactive")
    with _database():
        session = sessions.start(
            user,
            client_id=client_id,
            auth_time=datetime.fromtimestamp(int(time.time()), UTC),
            lifetime=session_lifetime or get_settings().SESSION_LIFETIME,
            user_agent=request.headers.get("User-Agent", "") if request else "",
            ip_address=client_address(request) if request else None,
        )
        user_logged_in.send(sender=user.__class__, request=request, user=user)
        groups = group_names(user)
    return _response(session, user, groups, access_lifetime, refresh_token=refresh_tokens.first(session))


def refresh(refresh_token: str) -> TokenResponse:
    """Exchange a refresh token for new tokens.

    Raises InvalidGrant, TemporarilyUnavailable, and RuntimeError inside a transaction.
    """
    with _database():
        rotated = refresh_tokens.rotate(refresh_token)
    session = rotated.session
    return _response(session, session.user, session.group_names, refresh_token=rotated.refresh_token, held=rotated.held)


def logout(refresh_token: str, *, request: HttpRequest | None = None, reason: str = "logout") -> None:
    """End the session of any authentic refresh token; for any other, nothing (RFC 7009 §2.2).

    Raises TemporarilyUnavailable.
    """
    with _database():
        try:
            session = refresh_tokens.find_session(refresh_token)
        except InvalidGrant:
            return
        ended = sessions.revoke(session, reason=reason)
    if ended and session.user is not None:
        user_logged_out.send(sender=session.user.__class__, request=request, user=session.user)


def verify(token: str) -> AccessToken:
    """The access token, if its signature, issuer, audience and time hold. No I/O: its session may have ended since.

    Raises InvalidToken; UnknownKey, which is one, when the token is not of our making at all.
    """
    settings = get_settings()
    return tokens.verify(
        token,
        ring=get_key_ring(),
        issuer=settings.ISSUER,
        audience=settings.audience,
        max_lifetime=_seconds(settings.longest_access_lifetime),
        leeway=_seconds(settings.LEEWAY),
        now=time.time(),
    )


def authenticate(
    token: str, *, strict: bool = False, refusal: Callable[[IroncladError], Exception] = _itself
) -> tuple[Any, AccessToken]:
    """The user and the access token of a session that lives.

    By default without a query: the user is lazy, and a session that ended is known within two `REVOCATION_INTERVAL`s.
    `strict` asks the database, session joined with user, in one query: nothing is stale. `refusal` turns our error into
    the one that the framework answers, should the lazy user be gone. Raises InvalidToken, TemporarilyUnavailable.
    """
    access = verify(token)
    if strict:
        return _session_of(access, Session.objects.for_request).user, access
    if revoked_sessions.is_due():
        revoked_sessions.freshen()
    return _lazy(access, refusal)


async def aauthenticate(
    token: str, *, strict: bool = False, refusal: Callable[[IroncladError], Exception] = _itself
) -> tuple[Any, AccessToken]:
    """As `authenticate`, on the event loop: a thread is asked for the strict check only, and once an interval."""
    if strict:
        return await sync_to_async(authenticate)(token, strict=True)
    access = verify(token)
    if revoked_sessions.is_due():
        await sync_to_async(revoked_sessions.freshen)()
    return _lazy(access, refusal)


def _lazy(access: AccessToken, refusal: Callable[[IroncladError], Exception]) -> tuple[LazyUser, AccessToken]:
    if access.sid in revoked_sessions:
        raise InvalidToken("the session has ended")
    return LazyUser(access, refusal=refusal), access


def change_password(user: Any, *, old: str, new: str, keep: str, request: HttpRequest | None = None) -> None:
    """Give `user` a new password. Every session ends but `keep`, in one transaction.

    Raises WrongPassword, RateLimited; InvalidRequest with what Django's validators say.
    """
    try:
        known = check_credentials(request, username=user.get_username(), password=old)
    except InvalidCredentials:
        raise WrongPassword from None
    if known.pk != user.pk:
        raise WrongPassword("an authentication backend knows somebody else by it")
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise InvalidRequest("refused by the password validators", description=" ".join(error.messages)) from None
    with _database(), transaction.atomic(using=router.db_for_write(Session)):
        user.set_password(new)
        # First, so that this session is no outdated one when the save ends those.
        Session.objects.filter(pk=keep, user=user).update(auth_hash=user.get_session_auth_hash())
        user.save(update_fields=["password"])


def reissue(token: str, *, client_id: str, access_lifetime: timedelta) -> TokenResponse:
    """A new access token for one that still holds, in contracts that know no refresh token.

    Only of a session that began with this client: else any stolen access token would live as long as its session.
    Raises InvalidToken, TemporarilyUnavailable.
    """
    access = verify(token)
    if access.client_id != client_id:
        raise InvalidToken("its session began with another client")
    session = _session_of(access, Session.objects.for_refresh)
    with _database():
        sessions.follow_secret_key(session)
    return _response(session, session.user, session.group_names, access_lifetime)


def group_names(user: Any) -> list[str]:
    """The names of the user's groups now, in order; none where the user model has no groups. One query."""
    return sorted(user.groups.values_list("name", flat=True)) if hasattr(user, "groups") else []


def _session_of(access: AccessToken, load: Callable[[str], Session]) -> Session:
    try:
        with _database():
            session = load(access.sid)
    except (Session.DoesNotExist, ValidationError):
        raise InvalidToken("no such session") from None
    over = session.why_over()
    if over:
        raise InvalidToken(f"the session is over: {over}")
    if access.sub != str(session.user_id):
        raise InvalidToken("another user's session")
    return session


def _response(
    session: Session,
    user: Any,
    groups: list[str],
    lifetime: timedelta | None = None,
    *,
    refresh_token: str = "",
    held: bool = False,
) -> TokenResponse:
    settings = get_settings()
    now = int(time.time())
    expires_in = _seconds(lifetime or settings.ACCESS_TOKEN_LIFETIME)
    more = settings.claims(user, groups)
    if tokens.RESERVED & more.keys():
        raise ImproperlyConfigured(
            f"IRONCLAD['CLAIMS'] returned {sorted(tokens.RESERVED & more.keys())}, which are ours; use other names."
        )
    claims = {
        "iss": settings.ISSUER,
        "aud": settings.audience,
        "sub": str(user.pk),
        "client_id": session.client_id,
        "sid": str(session.pk),
        "iat": now,
        "exp": now + expires_in,
        "jti": secrets.token_urlsafe(16),
        "auth_time": int(session.auth_time.timestamp()),
        **more,
    }
    try:
        access_token = tokens.issue(claims, key=get_key_ring().signing_key)
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"IRONCLAD['CLAIMS'] or ['KEYS'] allow no access token: {error}.") from error
    return TokenResponse(
        access_token=access_token,
        expires_in=expires_in,
        username=user.get_username(),
        refresh_token=refresh_token,
        held=held,
    )


def _seconds(period: timedelta) -> int:
    return int(period.total_seconds())


@contextmanager
def _database() -> Iterator[None]:
    """A database that cannot be asked is 503: the client keeps its tokens (RFC 9110 §15.6.4)."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise TemporarilyUnavailable(f"the database did not answer: {type(error).__name__}") from error
