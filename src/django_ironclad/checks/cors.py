"""Whether a pattern of origins, as django-cors-headers reads it, lets somebody in whom nobody named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

#: Below each of these anybody can have a name.
_SUFFIXES: Final = [
    *(
        "invalid",
        "com",
        "org",
        "net",
        "io",
        "dev",
        "app",
        "de",
        "co.uk",
        "github.io",
        "gitlab.io",
        "vercel.app",
        "fly.dev",
    ),
    *("netlify.app", "herokuapp.com", "onrender.com", "web.app", "firebaseapp.com", "pages.dev", "workers.dev"),
    *("azurewebsites.net", "cloudfront.net", "amplifyapp.com", "ngrok.io", "ngrok.app", "ngrok-free.app", "surge.sh"),
]
_NAMES: Final = ("nobody-names-this", "nobodynamesthis")
_HOSTS: Final = (_NAMES[0], *(f"{name}.{suffix}" for name in _NAMES for suffix in _SUFFIXES))
#: The last is that of a sandboxed frame, which any page can make.
_ANYBODY: Final = [
    *(f"{scheme}://{host}{port}" for scheme in ("https", "http") for host in _HOSTS for port in ("", ":8443")),
    "null",
]
#: How a pattern ends behind which nothing else can stand: at the end of the text, or in a port.
_ENDS: Final = re.compile(r"(\$|\\[Zz]|:(\\d[+*]?|\[0-9\][+*]?|\d)+)\)*$")
_ANCHORS: Final = re.compile(r"\(\?:|\\[AbZz]|[\^$()]")
_ANY_TEXT: Final = re.compile(r"(\\[wS]|\[[^\]]*\]|(?<!\\)\.)[+*]\??")
#: One that stands for any letter. Between digits it is an address's, which nobody can register.
_ANY_LETTER: Final = re.compile(r"(?<![\\\d])\.(?![+*?{])")


def lets_anybody_in(pattern: str | re.Pattern[str]) -> bool:
    """Whether somebody can get a host that is found by this."""
    text = pattern if isinstance(pattern, str) else pattern.pattern
    return not _ENDS.search(text) or any(re.match(pattern, origin) for origin in (*_ANYBODY, *_alike(text)))


def _alike(text: str) -> Iterator[str]:
    """Origins that look as those that are meant: another name glued before, another letter for a dot."""
    for one in _ANCHORS.sub("", text).split("|"):
        plain = re.sub(r"\\d[+*]?|\[0-9\][+*]?", "8443", one)
        glued = _ANY_TEXT.sub("nobodynamesthis", re.sub(rf"({_ANY_TEXT.pattern})\\?\.\??", r"\1", plain))
        if glued != plain:
            yield _read(glued)
        if _ANY_LETTER.search(plain):
            yield _read(_ANY_TEXT.sub("nobodynamesthis", _ANY_LETTER.sub("x", plain)))


def _read(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", re.sub(r"(\\?.)\?", r"\1", text))
