"""An access token is issued for a session: who, since when, and what the project says of the user just now."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, cast

from django.core.exceptions import ImproperlyConfigured

from .. import tokens
from ..conf import Transport, get_settings
from ..errors import InvalidToken
from ..keyring import get_key_ring
from ..models import Session
from ..realms import current_realm
from ..tokens import AccessToken
from ..user_model import naming
from .payload import said_of


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
    expires_in = _seconds(settings.ACCESS_TOKEN_LIFETIME if lifetime is None else lifetime)
    claims = {
        "iss": settings.ISSUER,
        "aud": settings.audience,
        "sub": _sub(user),
        "client_id": session.client_id,
        "sid": str(session.pk),
        "iat": now,
        "exp": now + expires_in,
        "jti": secrets.token_urlsafe(16),
        "auth_time": int(session.auth_time.timestamp()),
        **({"realm": realm} if realm else {}),
        **({"amr": session.amr.split()} if session.amr else {}),
        **said_of(session, user, groups),
    }
    try:
        access_token = tokens.issue(claims, key=get_key_ring().signing_key)
    except (TypeError, ValueError) as error:
        raise _not_allowed(error) from error
    return TokenResponse(
        access_token=access_token,
        expires_in=expires_in,
        username=naming.name_text(user),
        transport=cast("Transport", session.transport),
        scope=claims.get("scope", ""),
        refresh_token=refresh_token,
        held=held,
    )


def _not_allowed(error: Exception) -> ImproperlyConfigured:
    """Which setting keeps an access token from being issued."""
    if isinstance(error, tokens.TooLong):
        setting = _SAYS.get(error.largest, "CLAIMS")
        return ImproperlyConfigured(f"An access token cannot be {error}: say less by IRONCLAD[{setting!r}].")
    return ImproperlyConfigured(f"IRONCLAD['CLAIMS'] or ['KEYS'] allow no access token: {error}.")


#: Which setting says what is none of `CLAIMS`.
_SAYS: Final = {"iss": "ISSUER", "aud": "AUDIENCE", "scope": "SCOPES"}


def renew(access: AccessToken, session: Session) -> AccessToken:
    """The same token, but saying of the user what a new one would say, and all of the groups: as they are now.

    Raises ImproperlyConfigured.
    """
    said = said_of(session, session.user, session.group_names, whole=True)
    try:
        return access.saying(said)
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"IRONCLAD['CLAIMS'] allows no access token: {error}.") from error


def _sub(user: Any) -> str:
    """The key of this user as text. Raises ImproperlyConfigured where nobody could be found by it again."""
    text = naming.key_text(user.pk)
    try:
        naming.key_of(text)
    except InvalidToken:
        field = type(user._meta.pk).__name__
        raise ImproperlyConfigured(
            f"{field}.to_python() does not read {text!r}, which is what its value_to_string() wrote: no token can name "
            "this user, and Django's own session could not either."
        ) from None
    return text


def _seconds(lifetime: timedelta) -> int:
    """A lifetime that those who verify accept. Raises ImproperlyConfigured."""
    seconds, most = int(lifetime.total_seconds()), get_settings().longest_access_lifetime
    if seconds < 1:
        raise ImproperlyConfigured(f"An access token of {lifetime} would never hold: let it live a second or more.")
    if lifetime > most:
        raise ImproperlyConfigured(
            f"An access token of {lifetime} would be refused: none may live longer than {most}. Raise "
            "IRONCLAD['ACCESS_TOKEN_LIFETIME'], or ask for less."
        )
    return seconds
