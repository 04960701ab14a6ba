"""The life of a login: a session begins, its refresh tokens are exchanged, and it ends."""

from . import issuing, payload, refresh, standing, starting
from .ending import revoke, revoke_all, revoke_outdated
from .news import logger, tell
from .swap import follow_secret_key

__all__ = [
    "follow_secret_key",
    "issuing",
    "logger",
    "payload",
    "refresh",
    "revoke",
    "revoke_all",
    "revoke_outdated",
    "standing",
    "starting",
    "tell",
]
