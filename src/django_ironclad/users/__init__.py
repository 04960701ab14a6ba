"""Who somebody is: the lazy user of a token, passwords, and what happens to users."""

from . import at_hand, events, last_login, passwords
from .at_hand import request_at_hand
from .lazy import LazyUser, load, share_row, state_of
from .passwords import name_of_the_name
from .showing import at_once, shown

__all__ = [
    "LazyUser",
    "at_hand",
    "at_once",
    "events",
    "last_login",
    "load",
    "name_of_the_name",
    "passwords",
    "request_at_hand",
    "share_row",
    "shown",
    "state_of",
]
