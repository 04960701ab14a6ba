"""What a request brings, and how its answer leaves."""

from . import answers, credentials, identity
from .bearer import bearer_token, parse_bearer, required_token
from .body import MAX_BODY, read_body, text
from .credentials import MAX_PASSWORD, requested_scope

__all__ = [
    "MAX_BODY",
    "MAX_PASSWORD",
    "answers",
    "bearer_token",
    "credentials",
    "identity",
    "parse_bearer",
    "read_body",
    "requested_scope",
    "required_token",
    "text",
]
