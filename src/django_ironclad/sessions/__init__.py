"""The life of a login: a session begins, its refresh tokens are exchanged, and it ends."""

from . import by_realm, issuing, payload, refresh, revoked, standing, starting
from .ending import follow_secret_key, logger, revoke, revoke_all, revoke_outdated, tell

__all__ = [
    "by_realm",
    "follow_secret_key",
    "issuing",
    "logger",
    "payload",
    "refresh",
    "revoke",
    "revoke_all",
    "revoke_outdated",
    "revoked",
    "standing",
    "starting",
    "tell",
]
