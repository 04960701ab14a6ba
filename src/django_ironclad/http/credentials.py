"""What somebody says in a body to log in: user name and password, and the scope that is asked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth import get_user_model

from ..errors import InvalidRequest, InvalidScope
from ..tokens import parse_scope
from .body import text

MAX_PASSWORD: Final = 1024
#: As long as an e-mail address can be (RFC 5321 §4.5.3.1.3), unless the user model has longer names.
MAX_USERNAME: Final = 254

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def username_and_password(body: Mapping[str, Any]) -> tuple[str, str]:
    """User name and password: the name as Django's `UsernameField` takes it, the password exactly as it was sent.

    Raises InvalidRequest before anything is hashed.
    """
    field = get_user_model().USERNAME_FIELD
    name = field if field in body else "username"
    username = text(body, name)
    if _CONTROL.search(username):
        raise InvalidRequest("control characters in the user name")
    # Before as well: to normalize a long text takes long.
    username = _no_longer_than_any(unicodedata.normalize("NFKC", _no_longer_than_any(username).strip()))
    if not username:
        raise InvalidRequest("a blank user name", description=f'"{name}" is required and must be a text.')
    return username, password(body, "password")


def _no_longer_than_any(username: str) -> str:
    # Nobody's; and whoever counts attempts has no column for it.
    field = get_user_model()._meta.get_field(get_user_model().USERNAME_FIELD)
    longest = max(MAX_USERNAME, getattr(field, "max_length", None) or MAX_USERNAME)
    if len(username) > longest:
        raise InvalidRequest("user name too long", description=f"The user name is longer than {longest} characters.")
    return username


def password(body: Mapping[str, Any], name: str) -> str:
    """The password in the member `name`. Raises InvalidRequest."""
    value = text(body, name)
    if len(value) > MAX_PASSWORD:
        raise InvalidRequest("password too long", description=f"The password is longer than {MAX_PASSWORD} characters.")
    return value


def requested_scope(body: Mapping[str, Any]) -> str:
    """What the login asks to be narrowed to, "" for everything that is granted. Raises InvalidScope, InvalidRequest."""
    if body.get("scope", "") == "":
        return ""
    try:
        return " ".join(sorted(parse_scope(text(body, "scope"))))
    except ValueError:
        raise InvalidScope("no list of scopes", description="This is no list of scopes.") from None
