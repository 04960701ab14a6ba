"""What a request brings, and how its answer leaves."""

from . import answers, cookie, credentials, identity, views
from .credentials import (
    MAX_BODY,
    MAX_PASSWORD,
    bearer_token,
    parse_bearer,
    read_body,
    requested_scope,
    required_token,
    text,
)

__all__ = [
    "MAX_BODY",
    "MAX_PASSWORD",
    "answers",
    "bearer_token",
    "cookie",
    "credentials",
    "identity",
    "parse_bearer",
    "read_body",
    "requested_scope",
    "required_token",
    "text",
    "views",
]
