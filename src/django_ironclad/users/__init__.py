"""Who somebody is: the lazy user of a token, passwords, and what happens to users."""

from . import at_hand, events, last_login, passwords
from .at_hand import request_at_hand
from .lazy import LazyUser, load, share_row, state_of

__all__ = [
    "LazyUser",
    "at_hand",
    "events",
    "last_login",
    "load",
    "passwords",
    "request_at_hand",
    "share_row",
    "state_of",
]
