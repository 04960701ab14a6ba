"""The members of a JSON or form body."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from ..errors import InvalidRequest
from ..tokens import load_json
from .origin import is_json

MAX_BODY: Final = 8192


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


# PostgreSQL stores no NUL, and a lone surrogate has no UTF-8.
_NOT_STORED = re.compile(r"[\x00\ud800-\udfff]")


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


def text(body: Mapping[str, Any], name: str) -> str:
    """The member `name`, a text that any database can store. Raises InvalidRequest."""
    value = body.get(name)
    if type(value) is not str or not value:
        raise InvalidRequest(f"{name} missing", description=f'"{name}" is required and must be a text.')
    if _NOT_STORED.search(value):
        raise InvalidRequest(f"{name} holds characters that are none", description=f'"{name}" is not a valid text.')
    return value
