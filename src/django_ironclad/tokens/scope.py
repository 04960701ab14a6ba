"""What a scope is: its syntax, and the words of a text (RFC 6749 §3.3)."""

from __future__ import annotations

import re
from functools import lru_cache

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def parse_scope(text: str) -> frozenset[str]:
    """The scopes that `text` names, none for "". Raises ValueError for what is no scope (RFC 6749 §3.3)."""
    names = text.split(" ") if text else []
    for name in names:
        if not _SCOPE_TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is no scope: printable ASCII without blanks, quotes and backslashes is")
    return frozenset(names)


@lru_cache(maxsize=256)
def words(text: str) -> frozenset[str]:
    # Many tokens share a few of these, and each is 200 bytes.
    return frozenset(text.split())
