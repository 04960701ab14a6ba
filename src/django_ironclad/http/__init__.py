"""What a request brings, and how its answer leaves."""

from . import answers, identity
from .bearer import bearer_token, parse_bearer, required_token
from .body import MAX_BODY, read_body, text
from .border import endpoint, token_endpoint, token_response
from .cookie import cookie_name
from .credentials import MAX_PASSWORD, requested_scope, username_and_password
from .origin import check_origin, is_written_by_browsers
from .ownership import is_ours, may_ask_us
from .parts import parts_of

__all__ = [
    "MAX_BODY",
    "MAX_PASSWORD",
    "answers",
    "bearer_token",
    "check_origin",
    "cookie_name",
    "endpoint",
    "identity",
    "is_ours",
    "is_written_by_browsers",
    "may_ask_us",
    "parse_bearer",
    "parts_of",
    "read_body",
    "requested_scope",
    "required_token",
    "text",
    "token_endpoint",
    "token_response",
    "username_and_password",
]
