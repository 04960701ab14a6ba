"""Where credentials sit in a request."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from ..errors import InvalidRequest, InvalidScope, InvalidToken, MissingToken
from ..realms import enter
from ..tokens.encoding import load_json
from ..tokens.scope import parse_scope
from .origin import is_json

MAX_BODY: Final = 8192
MAX_PASSWORD: Final = 1024
#: As long as an e-mail address can be (RFC 5321 §4.5.3.1.3), unless the user model has longer names.
MAX_USERNAME: Final = 254

_MULTIPART = "multipart/form-data"
_FORMS = {"application/x-www-form-urlencoded", _MULTIPART}
_UNREADABLE = (
    UnreadablePostError,
    RequestDataTooBig,
    SuspiciousOperation,
    MultiPartParserError,
    BadRequest,
    # A form in a "charset" that is a codec of Python's and none of texts, such as hex or undefined.
    LookupError,
    UnicodeError,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# PostgreSQL stores no NUL, and a lone surrogate has no UTF-8.
_NOT_STORED = re.compile(r"[\x00\ud800-\udfff]")


def bearer_token(request: HttpRequest) -> str:
    """The token after `Authorization: Bearer` (RFC 6750 §2.1), "" without one. Raises InvalidToken."""
    enter(request)
    return parse_bearer(request.META.get("HTTP_AUTHORIZATION", ""))


def required_token(request: HttpRequest) -> str:
    """The token after `Authorization: Bearer`. Raises MissingToken, InvalidToken."""
    enter(request)
    token = parse_bearer(request.headers.get("Authorization", ""))
    if not token:
        raise MissingToken
    return token


def parse_bearer(header: str) -> str:
    """The token in an `Authorization` header, "" where there is none. Raises InvalidToken."""
    scheme, _, token = header.strip(" ").partition(" ")
    if scheme.lower() != "bearer":
        return ""
    token = token.strip(" ")
    if not token or not token.isascii() or " " in token:
        raise InvalidToken("not exactly one token after Bearer", reason="malformed")
    return token


def read_body(request: HttpRequest) -> Mapping[str, Any]:
    """The members of a JSON or form body, at most 8 KiB; an empty body has none. Raises InvalidRequest."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise InvalidRequest("Content-Length is no number") from None
    # Said or not, as in chunks; but of a multipart form without a length Django reads nothing.
    if length <= MAX_BODY and request.content_type != _MULTIPART:
        length = len(_read(lambda: request.body))
    if length > MAX_BODY:
        raise InvalidRequest(
            "body too large", reason="too_large", description=f"The body is longer than {MAX_BODY} bytes."
        )
    members = read_any_body(request)
    if request.content_type in _FORMS and any(type(value) is list for value in members.values()):
        raise InvalidRequest("a form field is there twice")
    return members


def read_any_body(request: HttpRequest) -> Mapping[str, Any]:
    """The members of a body as long as Django takes it; a form's field that is there twice has a list.

    Raises InvalidRequest.
    """
    if request.content_type in _FORMS and request.method == "POST":
        lists = dict(_read(lambda: request.POST).lists())
        return {name: values[0] if len(values) == 1 else values for name, values in lists.items()}
    body = _read(lambda: request.body)
    if not body:
        return {}
    if not is_json(request):
        raise InvalidRequest("neither JSON nor a form", description="Send a JSON object or a form.")
    try:
        return load_json(body)
    except ValueError as error:
        raise InvalidRequest(f"bad JSON: {error}", description="The body is not a JSON object.") from None


def _read(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except _UNREADABLE as error:
        raise InvalidRequest(f"unreadable body: {type(error).__name__}") from None


def credentials(body: Mapping[str, Any]) -> tuple[str, str]:
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


def text(body: Mapping[str, Any], name: str) -> str:
    """The member `name`, a text that any database can store. Raises InvalidRequest."""
    value = body.get(name)
    if type(value) is not str or not value:
        raise InvalidRequest(f"{name} missing", description=f'"{name}" is required and must be a text.')
    if _NOT_STORED.search(value):
        raise InvalidRequest(f"{name} holds characters that are none", description=f'"{name}" is not a valid text.')
    return value


def requested_scope(body: Mapping[str, Any]) -> str:
    """What the login asks to be narrowed to, "" for everything that is granted. Raises InvalidScope, InvalidRequest."""
    if body.get("scope", "") == "":
        return ""
    try:
        return " ".join(sorted(parse_scope(text(body, "scope"))))
    except ValueError:
        raise InvalidScope("no list of scopes", description="This is no list of scopes.") from None
