"""An access token is issued for a session: who, since when, and what the project says of the user just now."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured

from . import tokens
from .conf import Transport, get_key_ring, get_settings
from .errors import InvalidScope
from .models import Session
from .realms import current_realm
from .requirements import parse_scope
from .tokens import AccessToken


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """What login and refresh answer (RFC 6749 §5.1). The tokens stay out of `repr`, and so out of logs."""

    access_token: str = field(repr=False)
    #: Seconds that the access token lives.
    expires_in: int
    username: str
    #: How the refresh tokens of this session travel: by no other way may one leave.
    transport: Transport
    #: What the access token may do, "" where the project grants no scopes.
    scope: str = ""
    #: "" when none is given out this time.
    refresh_token: str = field(default="", repr=False)
    #: The client sent this very refresh token: nothing to store anew.
    held: bool = False


def issue(
    session: Session,
    user: Any,
    groups: list[str],
    *,
    lifetime: timedelta | None = None,
    refresh_token: str = "",
    held: bool = False,
) -> TokenResponse:
    """A new access token of `session`, and the refresh token that goes with it. Raises ImproperlyConfigured."""
    settings = get_settings()
    now, realm = int(time.time()), current_realm()
    expires_in = int((lifetime or settings.ACCESS_TOKEN_LIFETIME).total_seconds())
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
        **({"realm": realm} if realm else {}),
        **({"amr": session.amr.split()} if session.amr else {}),
        **_said_of(user, groups, session.scope),
    }
    try:
        access_token = tokens.issue(claims, key=get_key_ring().signing_key)
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"IRONCLAD['CLAIMS'] or ['KEYS'] allow no access token: {error}.") from error
    return TokenResponse(
        access_token=access_token,
        expires_in=expires_in,
        username=user.get_username(),
        transport=cast("Transport", session.transport),
        scope=claims.get("scope", ""),
        refresh_token=refresh_token,
        held=held,
    )


def renew(access: AccessToken, session: Session) -> AccessToken:
    """The same token, but saying of the user what a new one would say: groups and scope as they are now.

    Raises ImproperlyConfigured.
    """
    said = _said_of(session.user, session.group_names, session.scope)
    try:
        return access.saying(said)
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"IRONCLAD['CLAIMS'] allows no access token: {error}.") from error


def require_grant(user: Any, groups: list[str], scope: str) -> None:
    """Return if the project grants this user any of the scopes asked for. Raises InvalidScope, ImproperlyConfigured."""
    if scope and not _granted(user, groups, scope):
        raise InvalidScope("none of the scopes that were asked for is granted")


def _said_of(user: Any, groups: list[str], scope: str) -> dict[str, Any]:
    said = get_settings().claims(user, groups)
    if not isinstance(said, Mapping):
        raise ImproperlyConfigured(f"IRONCLAD['CLAIMS'] returned a {type(said).__name__}; return a dictionary.")
    if tokens.RESERVED & said.keys():
        raise ImproperlyConfigured(
            f"IRONCLAD['CLAIMS'] returned {sorted(tokens.RESERVED & said.keys())}, which are ours; use other names."
        )
    granted = _granted(user, groups, scope)
    return {**said, "scope": " ".join(sorted(granted))} if granted else dict(said)


def _granted(user: Any, groups: list[str], scope: str) -> frozenset[str]:
    """What the project grants, narrowed to what was asked for at the login, if anything was (RFC 6749 §3.3)."""
    names = get_settings().scopes(user, groups)
    try:
        granted = parse_scope(names if isinstance(names, str) else " ".join(names))
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"IRONCLAD['SCOPES'] returned {names!r}: {error}.") from None
    return granted & parse_scope(scope) if scope else granted
