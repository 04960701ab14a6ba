"""What a token is, and what it is worth. No Django."""

from . import rotation, verifier
from .access import RESERVED, AccessToken
from .signed import MAX_LENGTH, TooLong, issue, verify

__all__ = ["MAX_LENGTH", "RESERVED", "AccessToken", "TooLong", "issue", "rotation", "verifier", "verify"]
