"""What a token is, and what it is worth; nothing in here knows Django."""

from .access import RESERVED, AccessToken
from .encoding import b64decode, dump_json, load_json
from .keys import Key, derive
from .refresh import RefreshToken
from .reuse import PAUSE, SUSPICIOUS, Line, Refuse, Repeat, Rotate, Withhold, decide
from .ring import KeyRing
from .scope import parse_scope
from .signed import MAX_LENGTH, TooLong, issue, verify
from .verifier import REMEMBERED, Verifier

__all__ = [
    "MAX_LENGTH",
    "PAUSE",
    "REMEMBERED",
    "RESERVED",
    "SUSPICIOUS",
    "AccessToken",
    "Key",
    "KeyRing",
    "Line",
    "RefreshToken",
    "Refuse",
    "Repeat",
    "Rotate",
    "TooLong",
    "Verifier",
    "Withhold",
    "b64decode",
    "decide",
    "derive",
    "dump_json",
    "issue",
    "load_json",
    "parse_scope",
    "verify",
]
