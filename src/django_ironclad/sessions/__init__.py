"""The life of a login: a session begins, its refresh tokens are exchanged, and it ends."""

from . import issuing, payload, refresh, standing, starting
from .by_realm import ended_sessions
from .ending import revoke, revoke_all, revoke_outdated
from .issuing import TokenResponse
from .news import logger, tell
from .payload import require_grant
from .recent import window
from .revoked import RevokedSessions, revoked_sessions
from .swap import follow_secret_key

__all__ = [
    "RevokedSessions",
    "TokenResponse",
    "ended_sessions",
    "follow_secret_key",
    "issuing",
    "logger",
    "payload",
    "refresh",
    "require_grant",
    "revoke",
    "revoke_all",
    "revoke_outdated",
    "revoked_sessions",
    "standing",
    "starting",
    "tell",
    "window",
]
